package pintle

import io.ktor.client.engine.cio.CIO
import io.ktor.client.request.get
import com.sun.net.httpserver.HttpServer
import java.io.File
import java.net.InetSocketAddress
import java.net.URI
import java.nio.file.Files
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.LinkedBlockingQueue
import java.util.logging.Handler
import java.util.logging.Level
import java.util.logging.LogRecord
import java.util.logging.Logger
import javax.net.ssl.HttpsURLConnection
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocket
import javax.net.ssl.SSLSocketFactory
import kotlin.concurrent.thread
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import okhttp3.OkHttpClient
import okhttp3.Request
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What a developer meets before any client does. */
internal class ApiTest {
    private val gauntlet = Gauntlet()

    @AfterEach
    fun end() = gauntlet.close()

    private val url get() = "https://localhost:${gauntlet.port}/"

    private fun getBy(factory: SSLSocketFactory): Int {
        val connection = URI(url).toURL().openConnection() as HttpsURLConnection
        connection.sslSocketFactory = factory
        connection.inputStream.use { it.readBytes() }
        return connection.responseCode
    }

    private fun refusalOf(action: () -> Any?): String? = Refused.find(assertThrows(Exception::class.java) { action() })?.code

    /** Time alone changes trust: [action] goes on until it is refused. */
    private fun refusalInTime(action: () -> Any?): String? {
        val end = System.nanoTime() + 20_000_000_000
        return refusalOf { while (System.nanoTime() < end) action() }
    }

    private fun codeOf(action: () -> Any?): String = assertThrows(PintleException::class.java) { action() }.code

    @Test
    fun `four values are as good as a bundle`() {
        val root = JSON.readTree(gauntlet.start("pinned_leaf").bundle)
        val urls = root["urls"].map { it.asText() }
        val (organization, project) = root["organization"].asText() to root["project"].asText()
        Pintle.builder(organization, project, root["public_key"].asText(), urls).dangerousAllowHttpLoopback().setup().use {
            assertTrue(it.generation > 0)
        }
    }

    @Test
    fun `a wrong root is named, and a wrong key accepts nothing`() {
        val bundle = gauntlet.start("pinned_leaf").bundle.readText()
        for (wrong in listOf("{", "{}", "\u0000", "[]")) {
            assertEquals("setup_invalid", codeOf { Pintle.builder(wrong.toByteArray()).setup() })
        }
        assertEquals("setup_invalid", codeOf { Pintle.builder(File("/nowhere/pintle.json")).setup() })
        assertEquals("setup_invalid", codeOf { Pintle.builder("a", "b", "c", listOf("d")).setup() })
        // A loopback URL passes by its door alone.
        assertEquals("setup_invalid", codeOf { Pintle.builder(bundle.toByteArray()).setup() })
        val other = JSON.readTree(gauntlet.start("pinned_leaf").bundle)["public_key"].asText()
        val forged = JSON.readTree(bundle).deepCopy<com.fasterxml.jackson.databind.node.ObjectNode>()
        forged.put("public_key", other).set<com.fasterxml.jackson.databind.JsonNode>("urls", urlsOf(gauntlet.start("pinned_leaf")))
        val builder = Pintle.builder(JSON.writeValueAsBytes(forged)).dangerousAllowHttpLoopback()
        assertTrue(codeOf { builder.setup() }.startsWith("config_"))
    }

    @Test
    fun `a report is posted, and what has no door is no collector`() {
        val seen = LinkedBlockingQueue<List<String?>>()
        val collector = HttpServer.create(InetSocketAddress("127.0.0.1", 0), 0)
        collector.createContext("/") { exchange ->
            val body = exchange.requestBody.readBytes().decodeToString()
            seen += listOf(exchange.requestMethod, exchange.requestURI.path, exchange.requestHeaders.getFirst("Content-Type"), body)
            exchange.sendResponseHeaders(204, -1)
            exchange.close()
        }
        collector.start()
        val url = "http://127.0.0.1:${collector.address.port}/reports"
        // Nobody waits for the answer of handle 0; what is sent is what counts here.
        Fetcher(null, useProxies = false).fetch(0, Task(1, url, "{}".toByteArray(), null, false, 0, 5000))
        collector.stop(0)
        assertEquals(listOf("POST", "/reports", "application/json", "{}"), seen.poll())
        val builder = gauntlet.start("pinned_leaf").builder()
        for (wrong in listOf("http://collector.example", "collector.example", "")) {
            assertEquals("setup_invalid", codeOf { builder.reportTo(wrong).setup() })
        }
    }

    private fun urlsOf(case: Case) = JSON.readTree(case.bundle)["urls"]

    @Test
    fun `without a network the first start says so, and later ones begin from what was kept or shipped`() {
        val case = gauntlet.start("pinned_leaf")
        val kept = File(case.folder, "kept")
        case.builder().storageDir(kept).setup().close()
        gauntlet.change("cdn_dead")
        assertEquals("fetch_failed", codeOf { case.builder().storageDir(File(case.folder, "elsewhere")).setup() })
        case.builder().storageDir(kept).setup().use { assertEquals(200, getBy(it.socketFactory())) }
        val seed = kept.walk().single { it.name == "pins.jws" }.readBytes()
        case.builder().seed(seed).setup().use { assertEquals(200, getBy(it.socketFactory())) }
    }

    @Test
    fun `a folder that cannot be written is told of and stops nothing`() {
        val case = gauntlet.start("pinned_leaf")
        val told = CopyOnWriteArrayList<Event>()
        case.builder().storageDir(File(case.bundle, "below-a-file")).listener(told::add).setup().use {
            assertEquals(200, getBy(it.socketFactory()))
        }
        assertTrue(told.any { it.kind == "store_failed" && it.severity >= Severity.WARN }, told.toString())
    }

    @Test
    fun `listener and logger are told, and one that fails harms nobody`() {
        val case = gauntlet.start("wrong_leaf_from_trusted_ca")
        val (events, logged) = CopyOnWriteArrayList<Event>() to CopyOnWriteArrayList<String>()
        val logger = Logger.getLogger("pintle")
        val handler = object : Handler() {
            override fun publish(record: LogRecord) {
                logged += record.message
                error("a handler's own")
            }

            override fun flush() = Unit

            override fun close() = Unit
        }
        logger.level = Level.ALL
        logger.addHandler(handler)
        val listener = Listener { event ->
            events += event
            throw StackOverflowError("a listener's own")
        }
        try {
            case.builder().listener(listener).leastSeverity(Severity.WARN).setup().use { pins ->
                pins.listen { event ->
                    // From inside: nothing waits for anything.
                    assertTrue(pins.generation > 0)
                    pins.listen { }
                    events += event
                }
                assertEquals("pin_mismatch", refusalOf { getBy(pins.socketFactory()) })
            }
        } finally {
            logger.removeHandler(handler)
            logger.level = Level.OFF
        }
        assertEquals(2, events.count { it.kind == "connection" && it.code == "pin_mismatch" && it.host == "localhost" })
        assertTrue(events.all { it.severity >= Severity.WARN })
        assertTrue(logged.any { "pin_mismatch" in it })
    }

    @Test
    fun `a listener may close what it listens to`() {
        val case = gauntlet.start("pinned_leaf")
        lateinit var pins: Pintle
        val closed = CountDownLatch(1)
        pins = case.builder().start()
        pins.listen {
            pins.close()
            closed.countDown()
        }
        codeOf {
            pins.refresh()
            pins.refresh()
        }
        closed.await()
        assertEquals("setup_invalid", codeOf { pins.generation })
    }

    @Test
    fun `a handshake without a host is refused, and so are clients`() {
        val case = gauntlet.start("pinned_leaf")
        case.builder().setup().use { pins ->
            val trust = pins.trustManager()
            val chain = chainOf("localhost")
            assertEquals("host_invalid", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN") })
            assertEquals("host_invalid", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN", null as String?) })
            assertEquals("host_invalid", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN", null as java.net.Socket?) })
            assertEquals("host_invalid", refusalOf { trust.checkServerTrusted(emptyArray(), "UNKNOWN", "localhost") })
            assertThrows(java.security.cert.CertificateException::class.java) { trust.checkClientTrusted(chain, "UNKNOWN") }
            // With a host: the path that was verified, its anchor included.
            assertEquals(3, trust.checkServerTrusted(chain, "UNKNOWN", "localhost").size)
            assertEquals("domain_not_registered", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN", "127.0.0.1") })
        }
        gauntlet.start("padded_chain").builder().setup().use { pins ->
            assertEquals("pin_mismatch", refusalOf { pins.trustManager().checkServerTrusted(chainOf("localhost"), "UNKNOWN", "localhost") })
        }
    }

    private fun chainOf(host: String) = Pintle.fetchCertificate(host, gauntlet.port).map { der ->
        java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(der.inputStream())
            as java.security.cert.X509Certificate
    }.toTypedArray()

    @Test
    fun `a name beyond ASCII is what TLS makes of it, and what is no name is refused`() {
        assertEquals("xn--bcher-kva.example", connectionHost("bücher.example"))
        assertEquals("::1", connectionHost("[::1]"))
        val case = gauntlet.start("pinned_leaf")
        case.builder().setup().use { pins ->
            val (trust, chain) = pins.trustManager() to chainOf("localhost")
            assertEquals("domain_not_registered", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN", "bücher.example") })
            for (host in listOf("\u0000", "a b", "..", "💥", "a".repeat(300), "localhost\u0000.example", "\ud800")) {
                assertEquals("host_invalid", refusalOf { trust.checkServerTrusted(chain, "UNKNOWN", host) }, host)
            }
        }
    }

    @Test
    fun `a certificate is shown without a request, and without a handshake that ends`() {
        gauntlet.start("wrong_leaf_from_trusted_ca")
        val chain = Pintle.fetchCertificate("localhost", gauntlet.port)
        assertTrue(chain.isNotEmpty() && chain.all { it[0] == 0x30.toByte() })
        assertEquals(0, gauntlet.seen("requests"))
        assertEquals(0, gauntlet.seen("handshakes"))
    }

    @Test
    fun `another root is taken up, and until its configuration comes everything is refused`() {
        val elsewhere = gauntlet.start("pinned_leaf").bundle.readBytes()
        val case = gauntlet.start("pinned_leaf")
        case.builder().setup().use { pins ->
            val factory = pins.socketFactory()
            assertEquals(200, getBy(factory))
            assertEquals("setup_invalid", codeOf { pins.reconfigure("{}".toByteArray()) })
            assertEquals(200, getBy(factory))
            // Its CDN ended with its case.
            assertEquals("fetch_failed", codeOf { pins.reconfigure(elsewhere) })
            assertEquals("config_missing", refusalOf { getBy(factory) })
            assertEquals(2, gauntlet.seen("requests"))
        }
    }

    @Test
    fun `no session is resumed where Java by itself resumes one`() {
        val case = gauntlet.start("pinned_leaf")
        val plain = SSLContext.getInstance("TLS").apply { init(null, arrayOf(case.platform), null) }
        handshakeTwice(plain.socketFactory)
        assertEquals(1, gauntlet.seen("resumed"))
        case.builder().setup().use { handshakeTwice(it.socketFactory()) }
        assertEquals(1, gauntlet.seen("resumed"))
        assertEquals(4, gauntlet.seen("handshakes"))
    }

    private fun handshakeTwice(factory: SSLSocketFactory) = repeat(2) {
        (factory.createSocket("localhost", gauntlet.port) as SSLSocket).use { socket ->
            socket.outputStream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".toByteArray())
            // What comes first in TLS 1.3 is the ticket.
            assertTrue(socket.inputStream.read() >= 0)
        }
    }

    @Test
    fun `a connection that is still pinned is kept across a release, and OkHttp's pool is emptied`() {
        for ((name, make) in CLIENTS) {
            gauntlet.start("kept_connection_after_release").builder().setup().use { pins ->
                make(pins).use { client ->
                    assertEquals(200, client.get(url))
                    gauntlet.change("release")
                    pins.refresh()
                    assertEquals(200, client.get(url))
                    assertEquals(if ("OkHttp" in name) 2 else 1, gauntlet.seen("connections"), name)
                }
            }
        }
    }

    @Test
    fun `a kept connection is refused once its pin has expired`() {
        for ((name, make) in CLIENTS) {
            gauntlet.start("pinned_leaf").builder().setup().use { pins ->
                make(pins).use { client ->
                    assertEquals(200, client.get(url))
                    gauntlet.change("expire_soon")
                    pins.refresh()
                    var requests = 0
                    val code = refusalInTime {
                        requests = gauntlet.seen("requests")
                        client.get(url)
                    }
                    assertEquals("all_pins_expired", code, name)
                    assertEquals(requests, gauntlet.seen("requests"), name)
                }
            }
        }
    }

    @Test
    fun `a socket that is kept decides again before each write`() {
        gauntlet.start("pinned_leaf").builder().setup().use { pins ->
            (pins.socketFactory().createSocket("localhost", gauntlet.port) as SSLSocket).use { socket ->
                val reader = socket.inputStream.bufferedReader()
                val ask = {
                    socket.outputStream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".toByteArray())
                    while (reader.readLine().isNotEmpty()) Unit
                    assertEquals("ok", "${reader.read().toChar()}${reader.read().toChar()}")
                }
                ask()
                gauntlet.change("expire_soon")
                pins.refresh()
                var requests = 0
                val code = refusalInTime {
                    requests = gauntlet.seen("requests")
                    ask()
                }
                assertEquals("all_pins_expired", code)
                assertEquals(requests, gauntlet.seen("requests"))
                assertEquals(1, gauntlet.seen("connections"))
            }
        }
    }

    @Test
    fun `what trust has left is closed, whoever holds it`() {
        gauntlet.start("pinned_leaf").builder().setup().use { pins ->
            val socket = pins.socketFactory().createSocket("localhost", gauntlet.port) as SSLSocket
            socket.startHandshake()
            gauntlet.change("revoke")
            pins.refresh()
            assertTrue(socket.isClosed)
        }
    }

    @Test
    fun `http is refused by the client that can be told to`() {
        gauntlet.start("pinned_leaf").builder().setup().use { pins ->
            val client = OkHttpClient.Builder().pinned(pins).build()
            val request = Request.Builder().url("http://localhost:${gauntlet.port}/").build()
            assertThrows(java.net.UnknownServiceException::class.java) { client.newCall(request).execute() }
        }
        assertEquals(0, gauntlet.seen("connections"))
    }

    @Test
    fun `a client with a TLS of its own gets no connection`() {
        gauntlet.start("pinned_leaf").builder().setup().use { pins ->
            val client = io.ktor.client.HttpClient(CIO) { engine { https { trustManager = pins.trustManager() } } }
            assertEquals("host_invalid", refusalOf { runBlocking { client.get(url) } })
            client.close()
        }
        assertEquals(0, gauntlet.seen("requests"))
    }

    @Test
    fun `after close nothing is connected, and what was open is ended`() {
        val case = gauntlet.start("pinned_leaf")
        val pins = case.builder().setup()
        val (factory, context, client) = Triple(pins.socketFactory(), pins.sslContext(), CLIENTS.getValue("OkHttp")(pins))
        val socket = factory.createSocket("localhost", gauntlet.port) as SSLSocket
        socket.startHandshake()
        pins.close()
        pins.close()
        assertTrue(socket.isClosed)
        for (action in listOf<() -> Any?>({ getBy(factory) }, { getBy(context.socketFactory) }, { client.get(url) })) {
            assertThrows(Exception::class.java) { action() }
        }
        assertEquals("setup_invalid", codeOf { pins.generation })
        assertEquals("setup_invalid", codeOf { pins.refresh() })
        assertEquals("setup_invalid", codeOf { pins.waitUntilReady() })
        assertEquals("setup_invalid", codeOf { pins.setPermissive(true) })
        assertEquals("setup_invalid", codeOf { pins.reconfigure(case.bundle.readBytes()) })
        assertEquals("setup_invalid", codeOf { pins.check("localhost", listOf(), platformAccepts = true) })
        assertEquals(0, gauntlet.seen("requests"))
    }

    @Test
    fun `a handle that names nothing is answered, from every thread`() {
        val actions = listOf<(Long) -> Any?>(
            { Native.poll(it) },
            { Native.answer(it, 1, 200, null, null, ByteArray(0)) },
            { Native.fail(it, 1, "") },
            { Native.check(it, "localhost", emptyArray(), null, true, true, null, null) },
            { Native.waitUntilReady(it, 1) },
            { Native.refresh(it, 1) },
            { Native.reconfigure(it, ByteArray(0)) },
            { Native.waitForConfiguration(it, 1, 1) },
            { Native.setPermissive(it, true) },
        )
        val wrong = CopyOnWriteArrayList<Throwable>()
        val threads = List(4) {
            thread {
                try {
                    for (handle in listOf(0L, -1L, Long.MIN_VALUE, Long.MAX_VALUE)) {
                        actions.forEach { action -> assertEquals("setup_invalid", codeOf { action(handle) }) }
                        assertEquals(0, Native.generation(handle))
                        Native.close(handle)
                    }
                } catch (error: Throwable) {
                    wrong += error
                }
            }
        }
        threads.forEach { it.join() }
        assertEquals(listOf<Throwable>(), wrong)
    }

    @Test
    fun `several instances live side by side on many threads, and end while they are used`() {
        val case = gauntlet.start("pinned_leaf")
        val instances = List(3) { case.builder().setup() }
        val statuses = CopyOnWriteArrayList<Int>()
        val threads = (instances + instances).map { pins ->
            val factory = pins.socketFactory()
            thread { repeat(5) { statuses += getBy(factory) } }
        }
        threads.forEach { it.join() }
        assertEquals(List(30) { 200 }, statuses.toList())
        val started = CountDownLatch(4)
        val users = instances.flatMap { pins ->
            val factory = pins.socketFactory()
            List(2) {
                thread {
                    started.countDown()
                    // Until it is refused: nothing but an exception may end it.
                    runCatching { while (true) getBy(factory) }
                }
            }
        }
        started.await()
        instances.forEach { it.close() }
        users.forEach { it.join() }
    }

    @Test
    fun `what is opened and closed leaves nothing behind`() {
        val case = gauntlet.start("pinned_leaf")
        repeat(200) { case.builder().start().close() }
        case.builder().setup().use { pins ->
            val chain = Pintle.fetchCertificate("localhost", gauntlet.port)
            repeat(20_000) { pins.check("localhost", chain, platformAccepts = true) }
        }
        while (Thread.getAllStackTraces().keys.any { it.name == "pintle" || it.name == "pintle-fetch" }) Thread.onSpinWait()
    }

    @Test
    fun `set-up suspends, and cancelled closes what it set up`() {
        val case = gauntlet.start("pinned_leaf")
        runBlocking {
            case.builder().await().use { assertTrue(it.generation > 0) }
            assertEquals("setup_invalid", codeOf { runBlocking { Pintle.builder("{".toByteArray()).await() } })
            gauntlet.change("cdn_dead")
            val waiting = launch(Dispatchers.Default) { case.builder().await() }
            yield()
            waiting.cancelAndJoin()
        }
        while (Thread.getAllStackTraces().keys.any { it.name.startsWith("pintle") }) Thread.onSpinWait()
    }

    @Test
    fun `a context gives no connection of a server's, and takes no managers`() {
        gauntlet.start("pinned_leaf").builder().setup().use { pins ->
            val context = pins.sslContext()
            assertThrows(java.security.KeyManagementException::class.java) { context.init(null, null, null) }
            assertThrows(UnsupportedOperationException::class.java) { context.serverSocketFactory }
            assertThrows(IllegalArgumentException::class.java) { context.createSSLEngine("localhost", 1).useClientMode = false }
            assertFalse(context.clientSessionContext.ids.hasMoreElements())
        }
    }
}
