package pintle

import com.fasterxml.jackson.databind.JsonNode
import com.fasterxml.jackson.databind.node.ObjectNode
import java.io.File
import java.nio.file.Files
import java.util.Base64
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private val VECTORS = File(ROOT, "vectors")
private const val ACCEPTED_AT = 1_800_000_000L

/** Thousands of stores are written and synced: not to a disk, where there is something else. */
private val MEMORY = File("/dev/shm").takeIf { it.isDirectory } ?: File(System.getProperty("java.io.tmpdir"))

/**
 * Runs `vectors/` through this library, as `vectors/README.md` asks.
 *
 * Time, chance and what is kept on disk are the runner's, by the door that ships in no jar; everything else goes the way an app
 * goes: set-up, fetches and their answers, checks, the listener.
 */
internal class VectorsTest {
    private val skipped = JSON.readTree(File(ROOT, "bindings/jvm/test/skipped.json")).map { it["of"].asText() }.toSet()

    @Test
    fun `every case is answered as it says`() {
        val wrong = mutableListOf<String>()
        var ran = 0
        for (kind in VECTORS.listFiles()!!.filter { it.isDirectory }) {
            for (file in kind.listFiles()!!.sorted()) {
                val (name, suite) = "${kind.name}/${file.nameWithoutExtension}" to JSON.readTree(file)
                if (suite["kind"].asText() in skipped || name in skipped) continue
                for (case in suite["cases"]) {
                    assertTrue(case["level"].asInt() <= Pintle.protocolLevel)
                    val (full, problem) = "$name/${case["name"].asText()}" to problemOf(suite, case)
                    if (full !in skipped) ran += 1
                    if (full in skipped && problem == null) wrong += "$full passes, but is skipped"
                    if (full !in skipped && problem != null) wrong += "$full: $problem"
                }
            }
        }
        assertEquals("", wrong.joinToString("\n"))
        assertTrue(ran > 1300)
    }

    private fun problemOf(suite: JsonNode, case: JsonNode): String? = inFolder { folder ->
        try {
            val (shared, expect) = suite["shared"] to case["expect"]
            if (suite["kind"].asText() == "scenario") return@inFolder Scenario(shared, folder).use { it.problemOf(case) }
            val ask = Asking(shared, folder, case["input"], expect)
            val answer = when (suite["kind"].asText()) {
                "verify" -> ask.verify()
                "decide" -> ask.decide()
                "match" -> ask.match()
                "setup" -> ask.setup()
                "host" -> ask.host()
                else -> mapOf("codes" to Pintle.codes)
            }
            val same = JSON.readTree(JSON.writeValueAsBytes(answer))
            if (same == expect) null else "expected $expect, got $same"
        } catch (error: Exception) {
            error.toString()
        } catch (error: AssertionError) {
            error.toString()
        }
    }
}

private fun <T> inFolder(inside: (File) -> T): T {
    val folder = Files.createTempDirectory(MEMORY.toPath(), "pintle").toFile()
    try {
        return inside(folder)
    } finally {
        folder.deleteRecursively()
    }
}

private fun JsonNode?.text(): String? = this?.takeUnless { it.isNull }?.asText()

private fun JsonNode?.bytes(): ByteArray? = text()?.let(Base64.getDecoder()::decode)

private fun JsonNode.unsigned() = bigIntegerValue().toLong()

private fun bundleOf(shared: JsonNode, name: String): ByteArray = JSON.writeValueAsBytes(shared["bundles"][name])

/** An installation with a clock of ours. */
private class TestInstallation(
    bundle: ByteArray,
    now: Long = ACCEPTED_AT,
    monotonicMillis: Long = 1,
    seed: ByteArray? = null,
    permissive: Boolean = false,
    storage: File? = null,
    random: Long = 1,
    fetchTimeoutMillis: Long = 10_000,
    httpLoopback: Boolean = false,
    reportTo: String? = null,
) : AutoCloseable {
    private val told = mutableListOf<Event>()
    private val host = Host(Listeners(Severity.DEBUG).also { it.add(told::add) }, Signal())
    val handle = TestDoor.dangerousTestOpen(
        bundle, seed, permissive, fetchTimeoutMillis, storage?.path, reportTo, httpLoopback, host, random, now, monotonicMillis,
    )

    override fun close() = Native.close(handle)

    fun setClock(now: Long, monotonicMillis: Long) = TestDoor.dangerousTestSetClock(handle, now, monotonicMillis)

    fun takeEvents() = told.toList().also { told.clear() }

    /** What to fetch, and for how long there is nothing more. */
    fun poll(): Pair<List<Task>, Long> {
        val fetches = mutableListOf<Task>()
        while (true) {
            val task = Native.poll(handle)
            if (task.url == null) return fetches to task.millis
            fetches += task
        }
    }

    fun answer(task: Task, body: ByteArray) = Native.answer(handle, task.id, 200, null, null, body)

    fun check(known: Known): Map<String, Any?> {
        val decision = known.run {
            Native.check(handle, host, presented, path, accepted, false, ocsp, scts)
        }
        assertEquals(Native.generation(handle), decision.generation, "a decision carries the generation")
        return buildMap {
            put("verdict", decision.verdict.name.lowercase())
            put("ct_list_stale", decision.ctListStale)
            if (decision.verdict != Verdict.NOT_COVERED) put("entry", decision.entry)
            if (decision.verdict == Verdict.PINNED) {
                put("pin", decision.pin)
                put("position", decision.position)
            } else if (decision.code != null) put("code", decision.code)
        }
    }

    fun checkFinally(known: Known): Map<String, Any?> {
        val answer = check(known)
        if (answer["code"] != "retry_after_refresh") return answer
        // The forced refresh brings no news, so that the refusal is final.
        for (task in poll().first) assertEquals("fetch_failed", Native.fail(handle, task.id, "nothing"))
        return check(known)
    }
}

private class Known(
    val host: String,
    val presented: Array<ByteArray>,
    val accepted: Boolean,
    val path: Array<ByteArray>? = null,
    val ocsp: ByteArray? = null,
    val scts: ByteArray? = null,
)

/** A first start shows it, as it draws its draw. */
private fun findStore(storage: File, bundle: ByteArray): File {
    TestInstallation(bundle, storage = storage).close()
    return storage.listFiles()!!.single()
}

private val storeNames = mutableMapOf<String, String>()

private fun storeName(bundle: ByteArray) =
    storeNames.getOrPut(bundle.decodeToString()) { inFolder { findStore(it, bundle).name } }

private fun persisted(store: File): Map<String, Any?> {
    val file = File(store, "state.json")
    if (!file.exists()) return mapOf("state" to null, "gone" to false, "draw" to null)
    val memory = JSON.readTree(file)
    val state = if (memory["floor"].isNull) null else {
        val floor = memory["floor"].deepCopy<ObjectNode>()
        floor.put("claims_digest", Base64.getEncoder().encodeToString(fromHex(floor["claims_digest"].asText())))
        listOf("chain", "time_floor", "withdrawn").associateWith { memory[it] } + ("floor" to floor)
    }
    return mapOf("state" to state, "gone" to memory["gone"], "draw" to memory["draw"])
}

private fun persist(store: File, state: JsonNode?, draw: JsonNode? = null, withdrawn: Boolean = false) {
    val memory = JSON.createObjectNode()
    memory.put("format", 1).put("time_floor", 0).put("withdrawn", withdrawn).put("gone", false)
    memory.putArray("chain")
    memory.putObject("etags")
    memory.set<JsonNode>("draw", draw)
    memory.putNull("floor")
    if (state != null && !state.isNull) {
        for (name in listOf("chain", "time_floor", "withdrawn")) memory.set<JsonNode>(name, state[name])
        val floor = state["floor"].deepCopy<ObjectNode>()
        memory.set<JsonNode>("floor", floor.put("claims_digest", toHex(floor["claims_digest"].bytes()!!)))
    }
    JSON.writeValue(File(store, "state.json"), memory)
}

private fun toHex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }

private fun fromHex(hex: String) = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

private fun fileBytes(file: JsonNode): ByteArray = when {
    file.isTextual -> file.asText().toByteArray()
    file.has("base64") -> file["base64"].bytes()!!
    else -> file["concat"].joinToString("") { piece ->
        if (piece.isTextual) piece.asText() else piece["repeat"].asText().repeat(piece["times"].asInt())
    }.toByteArray()
}

/** One question of the kinds that are asked once. */
private class Asking(
    private val shared: JsonNode,
    private val folder: File,
    private val input: JsonNode,
    private val expect: JsonNode,
) {
    fun verify(): Any {
        val bundle = bundleOf(shared, input["root"].asText())
        val store = findStore(folder, bundle)
        persist(store, input["state"])
        TestInstallation(bundle, now = input["now"].unsigned(), storage = folder).use { installation ->
            installation.takeEvents()
            val judged = installation.answer(installation.poll().first[0], fileBytes(input["file"]))
            if (judged != "updated" && judged != "unchanged") return mapOf("code" to judged)
            val isStale = installation.takeEvents().any { it.kind == "config_stale" }
            return mapOf("state" to persisted(store)["state"], "stale" to isStale)
        }
    }

    fun decide(): Any {
        val path = input["path"].takeUnless { it.isNull }?.let(::ders)
        val accepted = input["platform"].asText() == "accepted"
        val (ocsp, scts) = input["ocsp"].bytes() to input["sct_tls"].bytes()
        return decideUnder(Known(input["host"].asText(), ders(input["presented"]), accepted, path, ocsp, scts))
    }

    /** Whether a name has an entry shows with any certificate. */
    fun match(): Any {
        val any = JSON.readTree(File(VECTORS, "decide/pins.json"))["shared"]["certificates"].first().bytes()!!
        return mapOf("entry" to decideUnder(Known(input["host"].asText(), arrayOf(any), accepted = true))["entry"])
    }

    private fun ders(names: JsonNode) = names.map { name ->
        check(name.isTextual) { "an anchor without a certificate" }
        shared["certificates"][name.asText()].bytes()!!
    }.toTypedArray()

    /** Under the file, mode, draw and time of the input. */
    private fun decideUnder(known: Known): Map<String, Any?> {
        val (bundle, file) = bundleOf(shared, "plain") to input["file"]
        val draw = input["draw"]?.takeUnless { it.isNull }
        val keeps = file.isObject || draw != null
        if (keeps) persist(findStore(folder, bundle), null, draw, withdrawn = file.isObject)
        val permissive = input["mode"].text() == "permissive"
        TestInstallation(bundle, permissive = permissive, storage = folder.takeIf { keeps }).use { installation ->
            if (file.isTextual) {
                val body = shared["files"][file.asText()].asText().toByteArray()
                assertEquals("updated", installation.answer(installation.poll().first[0], body))
            }
            installation.setClock(input["t"]?.unsigned() ?: ACCEPTED_AT, 2)
            return installation.checkFinally(known)
        }
    }

    fun setup(): Any {
        val bundle = input["bundle"].asText().toByteArray()
        val installation = try {
            TestInstallation(bundle, storage = folder, httpLoopback = input["http_loopback"].asBoolean())
        } catch (error: PintleException) {
            return mapOf("code" to error.code)
        }
        installation.use {
            val root = expect["root"]
            assertTrue(root["pointer_urls"].map { it.asText() }.contains(installation.poll().first[0].url))
            assertTrue(File(folder, toHex(root["store_key"].bytes()!!)).exists())
        }
        return expect
    }

    /** Before there is a configuration, a check tells hosts from what is none. */
    fun host(): Any {
        val bundle = JSON.readTree(File(VECTORS, "setup/bundles.json"))["cases"][0]["input"]["bundle"].asText()
        TestInstallation(bundle.toByteArray()).use { installation ->
            val answer = installation.check(Known(input["text"].asText(), emptyArray(), accepted = false))
            assertEquals(if (expect["host"].isNull) "host_invalid" else "config_missing", answer["code"])
        }
        return expect
    }
}

/** What was seen of a step. */
private class Seen(
    val fetches: List<Task> = emptyList(),
    val waitMillis: Long? = null,
    val decision: String? = null,
    val judged: String? = null,
)

/** An installation that lives through steps. */
private class Scenario(private val shared: JsonNode, private val folder: File) : AutoCloseable {
    private val dir = File(folder, "state")
    private var root = ""
    private var installation: TestInstallation? = null
    private var generation: Long? = null
    private var fetches = listOf<Task>()

    private val running get() = checkNotNull(installation)
    private val store get() = File(dir, storeName(bundleOf(shared, root)))

    private fun body(name: JsonNode?) = name.text()?.let { shared["bodies"][it].asText().toByteArray() }

    override fun close() {
        installation?.close()
    }

    fun problemOf(case: JsonNode): String? {
        case["input"]["steps"].forEachIndexed { number, step ->
            problemOfStep(step)?.let { return "step $number, ${step["do"].asText()}: $it" }
        }
        val kept = JSON.readTree(JSON.writeValueAsBytes(persisted(store)))
        return if (kept == case["expect"]) null else "persisted: $kept"
    }

    private fun problemOfStep(step: JsonNode): String? {
        val monotonicMillis = step["monotonic_ms"].unsigned()
        installation?.setClock(step["now"].unsigned(), monotonicMillis)
        val seen = take(step)
        val earlier = fetches
        fetches = earlier + seen.fetches
        val ofConnections = setOf("connection", "refresh_forced")
        val codes = running.takeEvents().filter { it.kind !in ofConnections }.mapNotNull { it.code }
        val before = generation
        val now = Native.generation(running.handle)
        generation = now
        val moved = before?.let { if (now > it) "raised" else "kept" }
        val expect = step["expect"]
        return when {
            expect.has("events") && expect["events"].map { it.asText() }.sorted() != codes.sorted() -> "events $codes"
            expect.has("generation") && expect["generation"].text() != moved -> "generation $moved"
            expect["decision"].text() != seen.decision -> "decision ${seen.decision}"
            expect["judged"].text() != seen.judged -> "judged ${seen.judged}"
            else -> problemOfPoll(expect, seen, earlier, monotonicMillis)
        }
    }

    private fun take(step: JsonNode): Seen {
        when (step["do"].asText()) {
            "start" -> start(step)
            "reconfigure" -> {
                root = step["root"].asText()
                Native.reconfigure(running.handle, bundleOf(shared, root))
            }
            "set_mode" -> Native.setPermissive(running.handle, step["mode"].asText() == "permissive")
            "poll" -> return running.poll().let { (fetches, wait) -> Seen(fetches, wait) }
            "answer" -> return Seen(judged = answer(step))
            "check" -> return Seen(decision = check(step))
            "wait" -> Unit
            "damage" -> File(store, if (step["part"].asText() == "file") "pins.jws" else "state.json").writeText("damaged")
            "replace_file" -> File(store, "pins.jws").writeBytes(body(step["body"])!!)
            "break_store" -> {
                assertTrue(dir.renameTo(File(folder, "away")))
                dir.writeText("")
            }
            "mend_store" -> assertTrue(dir.delete() && File(folder, "away").renameTo(dir))
            else -> error("an unknown step")
        }
        return Seen()
    }

    private fun start(step: JsonNode) {
        root = step["root"].asText()
        generation = null
        installation?.close()
        installation = TestInstallation(
            bundleOf(shared, root),
            now = step["now"].unsigned(),
            monotonicMillis = step["monotonic_ms"].unsigned(),
            seed = body(step["seed"]),
            permissive = step["mode"].asText() == "permissive",
            storage = dir.takeIf { step["store"].asBoolean() },
            random = java.lang.Long.parseUnsignedLong(step["random"].asText(), 16),
            fetchTimeoutMillis = step["fetch_timeout_ms"].asLong(),
            reportTo = step["report_to"]?.asText(),
        )
    }

    private fun answer(step: JsonNode): String {
        val (task, given) = fetches[step["to"].asInt()] to step["with"]
        val failed = given["failed"].text()
        val judged = if (failed != null) Native.fail(running.handle, task.id, failed) else {
            val byUrl = given["etag_by_url"]?.properties()?.firstOrNull { (start, _) -> task.url!!.startsWith(start) }
            val etag = given["etag"].text() ?: byUrl?.value.text()
            val body = body(given["body"]) ?: ByteArray(0)
            Native.answer(running.handle, task.id, given["status"].asInt(), etag, given["retry_after"].text(), body)
        }
        return if (judged in setOf("updated", "unchanged", "too_late")) judged else "rejected"
    }

    private fun check(step: JsonNode): String? {
        val presented = arrayOf(shared["certificates"][step["certificate"].asText()].bytes()!!)
        val accepted = step["platform"].asText() == "accepted"
        val answer = running.check(Known(step["host"].asText(), presented, accepted))
        return (if (answer["verdict"] == "refused") answer["code"] else answer["verdict"]) as String?
    }
}

private fun problemOfPoll(expect: JsonNode, seen: Seen, earlier: List<Task>, monotonicMillis: Long): String? {
    expect["fetch"]?.let { return problemOfFetches(it, seen.fetches, earlier) }
    if (seen.fetches.isNotEmpty()) return "fetches ${seen.fetches.map { it.url }}"
    val range = expect["idle_until_ms"]
    if (range != null) {
        val until = seen.waitMillis?.plus(monotonicMillis)
        if (until == null || until !in range[0].asLong()..range[1].asLong()) return "idle for ${seen.waitMillis}"
    }
    val mustWait = expect["waiting"]?.asBoolean() ?: false || range != null
    return if (mustWait == (seen.waitMillis != null)) null else "idle for ${seen.waitMillis}"
}

private fun problemOfFetches(expect: JsonNode, fetches: List<Task>, earlier: List<Task>): String? {
    val asked = expect["unlike"].mapTo(mutableSetOf()) { earlier[it.asInt()].url }
    val (shortest, longest) = expect["timeout_ms"].map { it.asLong() }
    for (task in fetches) {
        val urls = expect["urls"]
        val body = task.body?.let(JSON::readTree)
        val fits = task.url !in asked && urls.has(task.url) && urls[task.url].text() == task.etag &&
            body == expect["bodies"]?.get(task.url)
        if (!fits || task.noCache != expect["no_cache"].asBoolean() || task.millis !in shortest..longest) {
            return "fetch ${task.url} ${task.etag} ${task.noCache} ${task.millis}"
        }
        asked += task.url
    }
    return if (fetches.size == expect["count"].asInt()) null else "${fetches.size} fetches"
}
