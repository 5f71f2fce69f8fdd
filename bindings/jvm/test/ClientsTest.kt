package pintle

import com.fasterxml.jackson.databind.JsonNode
import io.ktor.client.engine.java.Java
import io.ktor.client.engine.okhttp.OkHttp
import io.ktor.client.request.get
import java.io.Closeable
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.util.concurrent.Executors
import javax.net.ssl.HttpsURLConnection
import kotlinx.coroutines.runBlocking
import okhttp3.ConnectionPool
import okhttp3.OkHttpClient
import okhttp3.Request
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test

/** A client with its pins; gives the status of a GET. */
internal interface Client : Closeable {
    fun get(url: String): Int

    override fun close() = Unit
}

internal val CLIENTS: Map<String, (Pintle) -> Client> = mapOf(
    "OkHttp" to { pins -> OverOkHttp(OkHttpClient.Builder().pinned(pins).build()) },
    "OkHttp (with Android's sockets)" to { pins ->
        OverOkHttp(OkHttpClient.Builder().pinned(pins, ConnectionPool(), pins.platform, guarded = false).build())
    },
    "HttpsURLConnection" to { pins -> OverUrlConnection(pins) },
    "java.net.http" to { pins -> OverJavaNet(pins) },
    "Ktor (OkHttp)" to { pins ->
        OverKtor(io.ktor.client.HttpClient(OkHttp) { engine { config { pinned(pins) } } })
    },
    "Ktor (Java)" to { pins ->
        OverKtor(io.ktor.client.HttpClient(Java) { engine { config { sslContext(pins.sslContext()) } } })
    },
)

private class OverOkHttp(private val client: OkHttpClient) : Client {
    override fun get(url: String): Int =
        client.newCall(Request.Builder().url(url).build()).execute().use { response ->
            response.body.bytes()
            response.code
        }

    override fun close() {
        client.dispatcher.executorService.shutdown()
        client.connectionPool.evictAll()
    }
}

private class OverUrlConnection(pins: Pintle) : Client {
    private val factory = pins.socketFactory()

    override fun get(url: String): Int {
        val connection = URI(url).toURL().openConnection() as HttpsURLConnection
        connection.sslSocketFactory = factory
        connection.inputStream.use { it.readBytes() }
        return connection.responseCode
    }
}

private class OverJavaNet(pins: Pintle) : Client {
    private val executor = Executors.newCachedThreadPool()
    private val client = HttpClient.newBuilder().executor(executor).sslContext(pins.sslContext()).build()

    override fun get(url: String): Int =
        client.send(HttpRequest.newBuilder(URI(url)).build(), HttpResponse.BodyHandlers.ofString()).statusCode()

    override fun close() {
        executor.shutdown()
    }
}

private class OverKtor(private val client: io.ktor.client.HttpClient) : Client {
    override fun get(url: String): Int = runBlocking { client.get(url).status.value }

    override fun close() = client.close()
}

/** Every client in the gauntlet. */
internal class ClientsTest {
    @Test
    fun `every case ends as the table says with every client`() {
        Gauntlet().use { gauntlet ->
            val differences = gauntlet.cases().flatMap { case ->
                CLIENTS.flatMap { (name, make) -> Walk(gauntlet, case, name, make).differences() }
            }
            assertEquals("", differences.joinToString("\n"))
            assertNull(gauntlet.hold("JVM"))
        }
    }
}

private class Walk(
    private val gauntlet: Gauntlet,
    private val case: JsonNode,
    private val clientName: String,
    private val makeClient: (Pintle) -> Client,
) {
    private val ends = mutableListOf<String>()
    private val differences = mutableListOf<String>()

    fun differences(): List<String> {
        val files = gauntlet.start(case["name"].asText())
        files.builder().fetchTimeoutMillis(2000).setup().use { pins ->
            makeClient(pins).use { client -> case["steps"].forEach { take(it, pins, client) } }
        }
        compare("resumed", gauntlet.seen("resumed"), 0)
        gauntlet.walked(case["name"].asText(), clientName, ends)
        return differences
    }

    private fun take(step: JsonNode, pins: Pintle, client: Client) {
        when (step["do"].asText()) {
            "get" -> {
                val before = gauntlet.seen("requests")
                val expected = step["expect"].asText()
                ends += get(client, "https://${step["host"].asText()}:${gauntlet.port}/")
                compare(step, ends.last(), expected)
                compare("$step: requests", gauntlet.seen("requests") - before, if (expected == "ok") 1 else 0)
            }
            "refresh" -> compare(step, outcome { pins.refresh() }, step["expect"].asText())
            "permissive" -> pins.setPermissive(true)
            else -> gauntlet.change(step["change"].asText())
        }
    }

    private fun get(client: Client, url: String): String = try {
        val status = client.get(url)
        if (status == 200) "ok" else "$status"
    } catch (error: Exception) {
        Refused.find(error)?.code ?: error.stackTraceToString()
    }

    private fun compare(what: Any, seen: Any, expected: Any) {
        if (seen != expected) differences += "${case["name"].asText()} with $clientName: $what: $seen"
    }
}
