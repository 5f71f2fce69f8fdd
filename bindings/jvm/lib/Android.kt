package pintle

import android.net.http.X509TrustManagerExtensions
import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import javax.net.ssl.X509TrustManager

internal val isAndroid = System.getProperty("java.vm.name") == "Dalvik"

/** Names what Android 7 lacks. It is overridden where it is there, and where it is not nobody calls it. */
@Retention(AnnotationRetention.BINARY)
internal annotation class LaterThanAndroid7

/** Android says which path it verified, and knows the app's network security configuration by host. */
internal class AndroidTrust(delegate: X509TrustManager) : PlatformTrust {
    private val platform = X509TrustManagerExtensions(delegate)

    override fun judge(chain: Array<X509Certificate>, authType: String, host: String, over: Any?): Judged = try {
        Judged(true, platform.checkServerTrusted(chain, authType, host))
    } catch (_: CertificateException) {
        Judged(false, null)
    }
}
