package pintle

import java.net.InetAddress
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.security.KeyPairGenerator
import java.security.MessageDigest
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.Base64
import mockwebserver3.MockResponse
import mockwebserver3.MockWebServer
import okhttp3.ConnectionPool
import okhttp3.Dns
import okhttp3.OkHttpClient
import okhttp3.Protocol
import okhttp3.Request
import okhttp3.tls.HandshakeCertificates
import okhttp3.tls.HeldCertificate
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

private const val PINNED = "localhost"
private const val UNREGISTERED = "other.test"

/** HTTP/2, where a connection may be another host's. The gauntlet speaks HTTP/1.1; this server is OkHttp's. */
internal class SharedConnectionTest {
    private val root = HeldCertificate.Builder().certificateAuthority(0).build()
    private val leaf = HeldCertificate.Builder().signedBy(root)
        .addSubjectAlternativeName(PINNED).addSubjectAlternativeName(UNREGISTERED).build()
    private val platform = HandshakeCertificates.Builder().addTrustedCertificate(root.certificate).build().trustManager
    private val server = MockWebServer().apply {
        useHttps(HandshakeCertificates.Builder().heldCertificate(leaf).build().sslSocketFactory())
        repeat(4) { enqueue(MockResponse()) }
        start()
    }

    @AfterEach
    fun end() = server.close()

    @Test
    fun `a connection that HTTP 2 shares is decided for each host`() {
        for (guarded in listOf(true, false)) {
            setup().use { pins ->
                val client = OkHttpClient.Builder()
                    .dns(object : Dns {
                        override fun lookup(hostname: String) = listOf(InetAddress.getLoopbackAddress())
                    })
                    .pinned(pins, ConnectionPool(), platform, guarded)
                    .build()
                assertEquals(Protocol.HTTP_2, client.get(PINNED))
                val connection = server.takeRequest().connectionIndex
                val before = server.requestCount
                val error = assertThrows(Exception::class.java) { client.get(UNREGISTERED) }
                assertEquals("domain_not_registered", Refused.find(error)?.code)
                assertEquals(before, server.requestCount)
                // That it would have shared it shows where the host is allowed.
                pins.setPermissive(true)
                assertEquals(Protocol.HTTP_2, client.get(PINNED))
                val later = server.takeRequest().connectionIndex
                assertEquals(Protocol.HTTP_2, client.get(UNREGISTERED))
                assertEquals(later, server.takeRequest().connectionIndex)
                assertEquals(true, later > connection)
                client.connectionPool.evictAll()
            }
            repeat(3) { server.enqueue(MockResponse()) }
        }
    }

    private fun OkHttpClient.get(host: String) =
        newCall(Request.Builder().url("https://$host:${server.port}/").build()).execute().use { it.protocol }

    @Test
    fun `java net http speaks HTTP 2 over a pinned engine`() {
        setup().use { pins ->
            val client = HttpClient.newBuilder().sslContext(pins.sslContext()).build()
            val request = HttpRequest.newBuilder(URI("https://$PINNED:${server.port}/")).build()
            assertEquals(HttpClient.Version.HTTP_2, client.send(request, HttpResponse.BodyHandlers.discarding()).version())
        }
    }

    /** A project that pins the leaf, with its configuration as a seed: there is no CDN. */
    private fun setup(): Pintle {
        val key = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
        val public = key.public as ECPublicKey
        val digest = base64(sha256(leaf.certificate.publicKey.encoded))
        val (x, y) = listOf(public.w.affineX, public.w.affineY).map { coordinate ->
            val bytes = coordinate.toByteArray()
            base64Url(ByteArray(maxOf(0, 32 - bytes.size)) + bytes.takeLast(32))
        }
        val kid = base64Url(sha256("""{"crv":"P-256","kty":"EC","x":"$x","y":"$y"}""".toByteArray()))
        val header = """{"alg":"ES256","typ":"pintle-config+jwt","kid":"$kid"}"""
        val pins = """[{"type":"spki-sha256","digest":"$digest"}]"""
        val now = System.currentTimeMillis() / 1000
        val claims = """{"fmt":1,"iss":"acme","sub":"app","ver":1,"iat":$now,"domains":[{"name":"$PINNED","pins":$pins}]}"""
        val signed = listOf(header, claims).joinToString(".") { base64Url(it.toByteArray()) }
        val signature = Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initSign(key.private)
            update(signed.toByteArray())
            sign()
        }
        return Pintle.builder("acme", "app", base64(public.encoded), listOf("http://127.0.0.1:1"))
            .dangerousAllowHttpLoopback()
            .seed("$signed.${base64Url(signature)}".toByteArray())
            .trustManager(platform)
            .setup()
    }

    private fun sha256(bytes: ByteArray) = MessageDigest.getInstance("SHA-256").digest(bytes)

    private fun base64(bytes: ByteArray) = Base64.getEncoder().encodeToString(bytes)

    private fun base64Url(bytes: ByteArray) = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes)
}
