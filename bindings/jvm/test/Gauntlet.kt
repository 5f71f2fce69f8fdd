package pintle

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.ObjectMapper
import java.io.Closeable
import java.io.File
import java.nio.file.Files
import java.security.KeyStore
import java.security.cert.CertificateFactory
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager

internal val ROOT = File(System.getProperty("pintle.root"))
internal val JSON = ObjectMapper()

/** Talks to `crates/testkit/examples/gauntlet.rs`. */
internal class Gauntlet : Closeable {
    private val process = ProcessBuilder(System.getProperty("pintle.gauntlet"))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start()
    private val lines = process.inputStream.bufferedReader()
    private val folders = mutableListOf<File>()

    var port = 0
        private set

    private fun ask(line: String): JsonNode {
        process.outputStream.write("$line\n".toByteArray())
        process.outputStream.flush()
        return JSON.readTree(lines.readLine())
    }

    fun cases(): JsonNode = ask("cases")

    /** The folder with `pintle.json` and `ca.pem`. */
    fun start(name: String): Case {
        val folder = Files.createTempDirectory("pintle").toFile()
        folders += folder
        port = ask("start $name $folder")["port"].asInt()
        return Case(folder)
    }

    fun change(change: String) {
        ask("change $change")
    }

    fun seen(what: String): Int = ask("seen")[what].asInt()

    /** How the requests of a case ended with a client. */
    fun walked(case: String, client: String, ends: List<String>) {
        ask("walked ${JSON.writeValueAsString(mapOf("case" to case, "client" to client, "ends" to ends))}")
    }

    /** What is wrong with the rows of docs/sdk/conformance.md. */
    fun hold(sdk: String): String? = ask("hold $sdk ${File(ROOT, "docs/sdk/conformance.md")}")["error"].textValue()

    override fun close() {
        process.outputStream.close()
        process.waitFor()
        folders.forEach { it.deleteRecursively() }
    }
}

internal class Case(val folder: File) {
    val bundle = File(folder, "pintle.json")

    /** What the platform trusts. */
    val platform: X509TrustManager by lazy {
        val store = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null) }
        File(folder, "ca.pem").inputStream().use { CertificateFactory.getInstance("X.509").generateCertificates(it) }
            .forEachIndexed { number, authority -> store.setCertificateEntry("$number", authority) }
        val factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(store) }
        factory.trustManagers.filterIsInstance<X509TrustManager>().single()
    }

    fun builder() = Pintle.builder(bundle).trustManager(platform).dangerousAllowHttpLoopback()
}

/** `ok`, or the code of what [action] threw. */
internal fun outcome(action: () -> Unit): String = try {
    action()
    "ok"
} catch (error: PintleException) {
    error.code
}
