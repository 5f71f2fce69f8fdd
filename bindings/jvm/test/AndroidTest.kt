package pintle

import android.net.http.X509TrustManagerExtensions
import java.security.cert.CertificateException
import java.security.cert.CertificateFactory
import java.security.cert.X509Certificate
import javax.net.ssl.X509TrustManager
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What Android's own class, as it is in Android 10, does with ours. It runs on Java here: no device was asked. */
internal class AndroidTest {
    @Test
    fun `Android finds the method it looks for, and gets the verified path`() {
        Gauntlet().use { gauntlet ->
            gauntlet.start("pinned_root").builder().setup().use { pins ->
                val android = X509TrustManagerExtensions(pins.trustManager())
                val chain = chain(gauntlet.port)
                assertEquals(chain.size + 1, android.checkServerTrusted(chain, "UNKNOWN", "localhost").size)
                val error = assertThrows(CertificateException::class.java) {
                    android.checkServerTrusted(chain, "UNKNOWN", "127.0.0.1")
                }
                assertEquals("domain_not_registered", Refused.find(error)?.code)
            }
        }
    }

    @Test
    fun `the path is asked of Android, by host`() {
        Gauntlet().use { gauntlet ->
            val case = gauntlet.start("padded_chain")
            val chain = chain(gauntlet.port)
            val verified = JavaTrust(case.platform).judge(chain, "UNKNOWN", "localhost", null).verifiedPath!!
            val platform = AndroidLike(case.platform, verified)
            val judged = AndroidTrust(platform).judge(chain, "UNKNOWN", "localhost", null)
            assertTrue(judged.accepts)
            assertEquals(verified, judged.verifiedPath)
            assertEquals("localhost", platform.asked)
            platform.refuses = true
            val refused = AndroidTrust(platform).judge(chain, "UNKNOWN", "localhost", null)
            assertEquals(false to null, refused.accepts to refused.verifiedPath)
            assertArrayEquals(case.platform.acceptedIssuers, platform.acceptedIssuers)
        }
    }

    private fun chain(port: Int): Array<X509Certificate> = Pintle.fetchCertificate("localhost", port).map {
        CertificateFactory.getInstance("X.509").generateCertificate(it.inputStream()) as X509Certificate
    }.toTypedArray()
}

/** As Android's default trust manager where a network security configuration names domains: without a host it refuses. */
internal class AndroidLike(java: X509TrustManager, private val path: List<X509Certificate>) : X509TrustManager by java {
    var asked: String? = null
    var refuses = false

    override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String): Unit =
        throw CertificateException("it takes a host")

    @Suppress("unused")
    fun checkServerTrusted(chain: Array<X509Certificate>, authType: String, host: String): List<X509Certificate> {
        asked = host
        return if (refuses) throw CertificateException("refused") else path
    }
}
