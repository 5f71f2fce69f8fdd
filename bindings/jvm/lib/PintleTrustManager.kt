package pintle

import java.net.Socket
import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLSocket
import javax.net.ssl.X509ExtendedTrustManager
import javax.net.ssl.X509TrustManager

/**
 * Decides handshakes: what the platform's trust manager says of chain and dates, whether the name is right, and the pins, over the
 * path that was *verified*. Get one from [Pintle.trustManager].
 *
 * It has to know the host. Without one (the two-argument method) it refuses.
 */
class PintleTrustManager internal constructor(
    private val pins: Pintle,
    private val delegate: X509TrustManager,
    private val connection: Connection?,
) : X509ExtendedTrustManager() {
    /** Decides the handshake on [socket]. */
    override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String, socket: Socket?) {
        decide(chain, authType, (socket as? SSLSocket)?.handshakeSession?.peerHost, socket)
    }

    /** Decides the handshake of [engine]. */
    override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String, engine: SSLEngine?) {
        decide(chain, authType, engine?.handshakeSession?.peerHost ?: engine?.peerHost, engine)
    }

    /** What Android looks for by this name and these types, and OkHttp through it. Returns the verified path. */
    @Throws(CertificateException::class)
    fun checkServerTrusted(chain: Array<X509Certificate>, authType: String, host: String?): List<X509Certificate> =
        decide(chain, authType, host, null)

    /** Refuses: it is not told the host. */
    override fun checkServerTrusted(chain: Array<X509Certificate>?, authType: String?): Unit = throw Refused("", "host_invalid")

    /** Throws: it judges servers alone. */
    override fun checkClientTrusted(chain: Array<X509Certificate>?, authType: String?): Unit = refuseClients()

    /** Throws: it judges servers alone. */
    override fun checkClientTrusted(chain: Array<X509Certificate>?, authType: String?, socket: Socket?) = refuseClients()

    /** Throws: it judges servers alone. */
    override fun checkClientTrusted(chain: Array<X509Certificate>?, authType: String?, engine: SSLEngine?) = refuseClients()

    /** Those of the platform. */
    override fun getAcceptedIssuers(): Array<X509Certificate> = delegate.acceptedIssuers

    private fun decide(chain: Array<X509Certificate>, authType: String, host: String?, over: Any?): List<X509Certificate> {
        if (host.isNullOrEmpty() || chain.isEmpty()) throw Refused(host.orEmpty(), "host_invalid")
        val named = connectionHost(host)
        val judged = PlatformTrust.of(delegate).judge(chain, authType, named, over)
        val path = judged.verifiedPath?.let(::encoded)
        (connection ?: Connection(pins)).decideFirst(Evidence(named, encoded(chain.asList()), path, judged.accepts))
        return judged.verifiedPath ?: chain.asList()
    }

    private fun encoded(chain: List<X509Certificate>) = Array(chain.size) { chain[it].encoded }

    private fun refuseClients(): Nothing = throw CertificateException("a client's trust manager judges no clients")
}
