package pintle

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.file.Files

/** The native half. A handle that was closed names nothing: its functions throw [PintleException]. */
internal object Native {
    init {
        NativeLibrary.load()
    }

    @JvmStatic external fun bundle(
        organization: String,
        project: String,
        publicKey: String,
        urls: Array<String>,
        recoveryKey: String?,
        builtAt: Long,
    ): ByteArray

    @JvmStatic external fun open(
        bundle: ByteArray,
        seed: ByteArray?,
        permissive: Boolean,
        fetchTimeoutMillis: Long,
        storageDir: String?,
        reportTo: String?,
        httpLoopback: Boolean,
        host: Host,
    ): Long

    @JvmStatic external fun close(handle: Long)

    @JvmStatic external fun poll(handle: Long): Task

    @JvmStatic external fun answer(
        handle: Long,
        id: Long,
        status: Int,
        etag: String?,
        retryAfter: String?,
        body: ByteArray,
    ): String

    @JvmStatic external fun fail(handle: Long, id: Long, error: String): String

    @JvmStatic external fun check(
        handle: Long,
        host: String,
        presented: Array<ByteArray>,
        verifiedPath: Array<ByteArray>?,
        platformAccepts: Boolean,
        mayWait: Boolean,
        ocspResponse: ByteArray?,
        sctList: ByteArray?,
    ): Decision

    @JvmStatic external fun covers(leaf: ByteArray, host: String): Boolean

    @JvmStatic external fun generation(handle: Long): Long

    @JvmStatic external fun waitUntilReady(handle: Long, longestMillis: Long)

    @JvmStatic external fun refresh(handle: Long, longestMillis: Long)

    @JvmStatic external fun reconfigure(handle: Long, bundle: ByteArray): Long

    @JvmStatic external fun waitForConfiguration(handle: Long, round: Long, longestMillis: Long)

    @JvmStatic external fun setPermissive(handle: Long, permissive: Boolean)

    @JvmStatic external fun codes(): Array<String>

    @JvmStatic external fun protocolLevel(): Int

    @JvmStatic external fun agent(): String
}

/** What to do now: GET [url], or POST [body] there; without one, nothing for [millis]. The native half makes these. */
internal class Task(
    val id: Long,
    val url: String?,
    val body: ByteArray?,
    val etag: String?,
    val noCache: Boolean,
    val maxBytes: Long,
    /** To the last byte of an answer; or until there is something to do. */
    val millis: Long,
)

/** What the native half calls, on whichever thread something happens. It holds nothing that holds a [Pintle]. */
internal class Host(private val listeners: Listeners, private val signal: Signal) {
    fun tell(kind: String, code: String?, severity: String, host: String?, message: String) =
        listeners.tell(Event(kind, code, Severity.valueOf(severity.uppercase()), host, message))

    fun wake() = signal.raise()
}

private object NativeLibrary {
    /**
     * From the folder that the property `pintle.library.dir` names; on Android, where the app's libraries are; else out of the
     * jar, by a file that is gone again at once where the system allows that.
     */
    fun load() {
        val name = System.mapLibraryName("pintle_jvm")
        val folder = System.getProperty("pintle.library.dir")
        if (folder != null) return System.load(File(folder, name).absolutePath)
        if (isAndroid) return System.loadLibrary("pintle_jvm")
        val resource = "/pintle/native/${platform()}/$name"
        val packed = Native::class.java.getResourceAsStream(resource)
            ?: throw UnsatisfiedLinkError("pintle has no library for this platform ($resource); name its folder by pintle.library.dir")
        val file = try {
            unpack(packed, name)
        } catch (error: IOException) {
            throw UnsatisfiedLinkError("cannot unpack $resource: ${error.message}")
        }
        try {
            System.load(file.absolutePath)
        } finally {
            if (!file.delete()) file.deleteOnExit()
        }
    }

    /** Into a file that nobody else may write or read. */
    @LaterThanAndroid7
    private fun unpack(packed: InputStream, name: String): File {
        val file = Files.createTempFile("pintle", name)
        packed.use { from -> Files.newOutputStream(file).use { to -> from.copyTo(to) } }
        return file.toFile()
    }

    private fun platform(): String {
        val system = System.getProperty("os.name").lowercase()
        val os = if ("mac" in system) "macos" else if ("windows" in system) "windows" else "linux"
        val machine = System.getProperty("os.arch")
        val arch = mapOf("amd64" to "x86_64", "x86_64" to "x86_64", "aarch64" to "aarch64")[machine] ?: machine
        return "$os-$arch"
    }
}
