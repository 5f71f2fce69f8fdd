package pintle

import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import javax.net.ssl.X509TrustManager

/** Remembers what it sees and trusts nothing. */
internal class LookingTrustManager : X509TrustManager {
    @Volatile var seen: List<ByteArray>? = null
        private set

    override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String) {
        seen = chain.map { it.encoded }
        throw CertificateException("seen")
    }

    override fun checkClientTrusted(chain: Array<X509Certificate>, authType: String): Unit =
        throw CertificateException("a client's trust manager judges no clients")

    override fun getAcceptedIssuers(): Array<X509Certificate> = emptyArray()
}
