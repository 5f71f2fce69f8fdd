package pintle

import java.net.Socket
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.cert.CertPathBuilder
import java.security.cert.CertStore
import java.security.cert.CertificateException
import java.security.cert.CollectionCertStoreParameters
import java.security.cert.PKIXBuilderParameters
import java.security.cert.PKIXCertPathBuilderResult
import java.security.cert.TrustAnchor
import java.security.cert.X509CertSelector
import java.security.cert.X509Certificate
import javax.net.ssl.SSLEngine
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509ExtendedTrustManager
import javax.net.ssl.X509TrustManager

/** The platform's word on a chain. */
internal class Judged(val accepts: Boolean, val verifiedPath: List<X509Certificate>?)

/** Asks the platform about a chain, and for the path it verified: what a server presented proves nothing. */
internal fun interface PlatformTrust {
    /** [over]: the socket or engine the handshake is on, if it is known. */
    fun judge(chain: Array<X509Certificate>, authType: String, host: String, over: Any?): Judged

    companion object {
        fun of(delegate: X509TrustManager) = if (isAndroid) AndroidTrust(delegate) else JavaTrust(delegate)
    }
}

internal fun platformTrustManager(): X509TrustManager {
    val factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
    factory.init(null as KeyStore?)
    return factory.trustManagers.filterIsInstance<X509TrustManager>().first()
}

/**
 * Java says yes or no to what it is shown, in the order it is shown, and never turns back: it is shown the path alone that was built
 * before, so that what it accepts and what the pins are compared with is the same.
 */
internal class JavaTrust(private val delegate: X509TrustManager) : PlatformTrust {
    override fun judge(chain: Array<X509Certificate>, authType: String, host: String, over: Any?): Judged {
        val path = buildPath(chain)
        try {
            // Without a path it has its own way to say no, and where it names no anchors its own way to say yes.
            check(path?.dropLast(1)?.ifEmpty { path }?.toTypedArray() ?: chain, authType, over)
        } catch (_: CertificateException) {
            return Judged(false, null)
        }
        return Judged(true, path)
    }

    private fun check(chain: Array<X509Certificate>, authType: String, over: Any?) {
        val extended = delegate as? X509ExtendedTrustManager
        when {
            extended != null && over is Socket -> extended.checkServerTrusted(chain, authType, over)
            extended != null && over is SSLEngine -> extended.checkServerTrusted(chain, authType, over)
            else -> delegate.checkServerTrusted(chain, authType)
        }
    }

    /** Out of what was presented, to an anchor: leaf first, the anchor last. */
    private fun buildPath(chain: Array<X509Certificate>): List<X509Certificate>? {
        val anchors = delegate.acceptedIssuers.mapTo(HashSet()) { TrustAnchor(it, null) }
        if (anchors.isEmpty()) return null
        val parameters = PKIXBuilderParameters(anchors, X509CertSelector().apply { certificate = chain[0] })
        // The delegate asks about revocation if it does.
        parameters.isRevocationEnabled = false
        parameters.addCertStore(CertStore.getInstance("Collection", CollectionCertStoreParameters(chain.asList())))
        return try {
            val built = CertPathBuilder.getInstance("PKIX").build(parameters) as PKIXCertPathBuilderResult
            built.certPath.certificates.filterIsInstance<X509Certificate>() + built.trustAnchor.trustedCert
        } catch (_: GeneralSecurityException) {
            null
        }
    }
}
