package pintle

import java.io.Closeable
import java.io.File
import java.io.IOException
import java.net.Socket
import java.util.Collections
import java.util.WeakHashMap
import javax.net.ssl.KeyManager
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocketFactory
import javax.net.ssl.X509TrustManager

/**
 * Pinning for one project, running: it refreshes in the background until [close]. Several live side by side, and everything
 * may be called from any thread.
 *
 * ```kotlin
 * val pins = Pintle.builder(File("pintle.json")).storageDir(File("/var/lib/myapp/pins")).setup()
 * val client = OkHttpClient.Builder().pinned(pins).build()
 * ```
 */
class Pintle private constructor(
    private val handle: Long,
    private val listeners: Listeners,
    private val signal: Signal,
    internal val platform: X509TrustManager,
) : Closeable {
    @Volatile private var closed = false
    /** Whoever sweeps meanwhile waits, so that it is done for both. */
    private val sweeping = Any()
    private var sweptAt = 0L

    /** What is kept open, so that what trust has left can be closed. */
    private val connections: MutableMap<Socket, Connection> = Collections.synchronizedMap(WeakHashMap())

    /** The generation of trust now: a connection decided under another one must be decided again before a request. */
    val generation: Long
        @Throws(PintleException::class)
        get() = Native.generation(open())

    /** Waits until a configuration is in force: at once from disk or seed, else until the first refresh is over. */
    @JvmOverloads
    @Throws(PintleException::class)
    fun waitUntilReady(timeoutMillis: Long = DEFAULT_TIMEOUT_MILLIS) = Native.waitUntilReady(open(), timeoutMillis)

    /** Refreshes now, and waits until that is over. Throws why it failed; what is in force stays. */
    @JvmOverloads
    @Throws(PintleException::class)
    fun refresh(timeoutMillis: Long = DEFAULT_TIMEOUT_MILLIS) {
        Native.refresh(open(), timeoutMillis)
        sweep()
    }

    /**
     * Takes up another project or key, for this process only, and waits for its configuration. Whoever can change what is
     * passed here decides what the app trusts.
     */
    @JvmOverloads
    @Throws(PintleException::class)
    fun reconfigure(bundle: ByteArray, timeoutMillis: Long = DEFAULT_TIMEOUT_MILLIS) {
        val round = Native.reconfigure(open(), bundle)
        sweep()
        Native.waitForConfiguration(handle, round, timeoutMillis)
    }

    /** Changes what happens to hosts without an entry. */
    @Throws(PintleException::class)
    fun setPermissive(permissive: Boolean) = Native.setPermissive(open(), permissive)

    /** Tells [listener] every event from now on. */
    fun listen(listener: Listener) {
        listeners.add(listener)
    }

    /**
     * Decides a connection of any other TLS stack. Chains are DER, leaf first. [platformAccepts]: chain, name and dates.
     * [verifiedPath] is what that stack verified up to a trust anchor, never what was presented. With [mayWait] it waits for
     * news where they may change a refusal: six seconds at most, once a minute.
     */
    @JvmOverloads
    @Throws(PintleException::class)
    fun check(
        host: String,
        presented: List<ByteArray>,
        platformAccepts: Boolean,
        verifiedPath: List<ByteArray>? = null,
        ocspResponse: ByteArray? = null,
        sctList: ByteArray? = null,
        mayWait: Boolean = true,
    ): Decision {
        val (chain, path) = presented.toTypedArray() to verifiedPath?.toTypedArray()
        return Native.check(open(), host, chain, path, platformAccepts, mayWait, ocspResponse, sctList)
    }

    /**
     * For whatever takes an `SSLContext`: every connection is pinned, none resumes an earlier session, and before each write
     * one whose trust has changed is decided again. [trustManager] is the platform's, [keyManagers] hold a client's certificate.
     */
    @JvmOverloads
    fun sslContext(trustManager: X509TrustManager = platform, keyManagers: Array<KeyManager>? = null): SSLContext =
        PinnedContext(this, trustManager, keyManagers)

    /** For `HttpsURLConnection` and whatever else takes a socket factory: as [sslContext]. */
    @JvmOverloads
    fun socketFactory(trustManager: X509TrustManager = platform): SSLSocketFactory = sslContext(trustManager).socketFactory

    /**
     * For what takes a trust manager beside a socket factory, as OkHttp does. By itself it decides handshakes alone: neither
     * resumed sessions nor connections that are kept.
     */
    @JvmOverloads
    fun trustManager(trustManager: X509TrustManager = platform): PintleTrustManager =
        PintleTrustManager(this, trustManager, null)

    /** Ends the refreshing and every connection of its contexts; from now on they are refused. */
    override fun close() {
        closed = true
        signal.stop()
        Native.close(handle)
        kept().keys.forEach(::closeQuietly)
    }

    private fun open(): Long = if (closed) throw PintleException("setup_invalid", "this Pintle is closed") else handle

    // --- connections that are kept ---

    internal fun keep(connection: Connection, socket: Socket) {
        connections[socket] = connection
        if (closed) closeQuietly(socket)
    }

    internal fun connectionOf(socket: Socket): Connection? = connections[socket]

    private fun kept() = synchronized(connections) {
        connections.keys.removeAll { it.isClosed }
        connections.toMap()
    }

    /** Closes what trust has left, so that no client finds it among its kept connections; it is closed when this returns. */
    internal fun sweep(): Unit = synchronized(sweeping) {
        val generation = Native.generation(handle)
        if (generation == sweptAt) return
        sweptAt = generation
        kept().forEach { (socket, connection) -> if (!connection.isStillAllowed()) closeQuietly(socket) }
    }

    private fun closeQuietly(socket: Socket) {
        try {
            socket.close()
        } catch (_: IOException) {
            // It is closed all the same.
        }
    }

    /** How pinning is set up. */
    class Builder internal constructor(private val bundle: () -> ByteArray) {
        private var seed: ByteArray? = null
        private var permissive = false
        private var storageDir: File? = null
        private var fetchTimeoutMillis = 10_000L
        private var collector: String? = null
        private var listener: Listener? = null
        private var leastSeverity = Severity.DEBUG
        private var trustManager: X509TrustManager? = null
        private var configSocketFactory: SSLSocketFactory? = null
        private var httpLoopback = false

        /** Keeps the configuration across restarts; without it each start needs the network or the seed. */
        fun storageDir(dir: File) = apply { storageDir = dir }

        /** A signed configuration shipped inside the app, for its very first start. */
        fun seed(config: ByteArray) = apply { seed = config }

        /** Hosts without an entry pass by the platform's word alone; otherwise they are refused. */
        fun permissive(permissive: Boolean) = apply { this.permissive = permissive }

        /** To the last byte of a configuration: 1 to 120 seconds. */
        fun fetchTimeoutMillis(millis: Long) = apply { fetchTimeoutMillis = millis }

        /** Sends sums of violations to the collector at [url], at most once an hour: entry, code and release, nothing of the user. */
        fun reportTo(url: String) = apply { collector = url }

        /** Is told events from the first on; the logger `pintle` gets them, too. */
        fun listener(listener: Listener) = apply { this.listener = listener }

        /** Events that matter less are not told. */
        fun leastSeverity(severity: Severity) = apply { leastSeverity = severity }

        /** The platform's part for the app's connections, in place of its default. */
        fun trustManager(trustManager: X509TrustManager) = apply { this.trustManager = trustManager }

        /** For fetching configurations, in place of the platform's default; they are signed, and never pinned by themselves. */
        fun configSocketFactory(factory: SSLSocketFactory) = apply { configSocketFactory = factory }

        /** Lets `http` URLs of this machine pass, for tests and trials. */
        fun dangerousAllowHttpLoopback() = apply { httpLoopback = true }

        /** Does not wait for the network: until a configuration comes, every connection is refused. */
        @Throws(PintleException::class)
        fun start(): Pintle {
            val signal = Signal()
            val listeners = Listeners(leastSeverity)
            listener?.let(listeners::add)
            val dir = storageDir?.path
            val host = Host(listeners, signal)
            val handle = Native.open(bundle(), seed, permissive, fetchTimeoutMillis, dir, collector, httpLoopback, host)
            val pins = Pintle(handle, listeners, signal, trustManager ?: platformTrustManager())
            Refresher(pins, handle, signal, Fetcher(configSocketFactory, useProxies = !httpLoopback)).start()
            return pins
        }

        /** Sets up pinning and waits until a configuration is in force. Throws `setup_invalid`, or why there is none. */
        @JvmOverloads
        @Throws(PintleException::class)
        fun setup(timeoutMillis: Long = DEFAULT_TIMEOUT_MILLIS): Pintle {
            val pins = start()
            try {
                pins.waitUntilReady(timeoutMillis)
            } catch (error: PintleException) {
                pins.close()
                throw error
            }
            return pins
        }
    }

    /** Begins. */
    companion object {
        internal const val DEFAULT_TIMEOUT_MILLIS = 30_000L

        /** Every stable code. */
        @JvmStatic
        val codes: List<String> by lazy { Native.codes().asList() }

        /** The protocol level this library speaks. */
        @JvmStatic
        val protocolLevel: Int by lazy { Native.protocolLevel() }

        /** From the bytes of `pintle.json`. */
        @JvmStatic
        fun builder(bundle: ByteArray) = Builder { bundle }

        /** From `pintle.json`. */
        @JvmStatic
        fun builder(bundle: File) = Builder {
            try {
                bundle.readBytes()
            } catch (error: IOException) {
                throw PintleException("setup_invalid", error.message ?: "cannot read $bundle").also { it.initCause(error) }
            }
        }

        /** From the values in `pintle.json`; [builtAt] counts seconds since 1970. */
        @JvmStatic
        @JvmOverloads
        fun builder(
            organization: String,
            project: String,
            publicKey: String,
            urls: List<String>,
            recoveryKey: String? = null,
            builtAt: Long = 0,
        ) = Builder { Native.bundle(organization, project, publicKey, urls.toTypedArray(), recoveryKey, builtAt) }

        /**
         * What [host] presents (at [address], if given), in DER, leaf first. It proves nothing, and nothing is sent.
         */
        @JvmStatic
        @JvmOverloads
        @Throws(IOException::class)
        fun fetchCertificate(host: String, port: Int = 443, address: String? = null, timeoutMillis: Int = 10_000) =
            presentedBy(host, port, address ?: host, timeoutMillis)
    }
}
