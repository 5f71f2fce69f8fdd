package pintle

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.lang.ref.WeakReference
import java.net.HttpURLConnection
import java.net.Proxy
import java.net.URL
import java.util.concurrent.Semaphore
import java.util.concurrent.TimeUnit
import javax.net.ssl.HttpsURLConnection
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocketFactory
import kotlin.concurrent.thread

private const val CHUNK = 65_536

/** Wakes the refresher; it is raised from inside the native half. */
internal class Signal {
    private val raised = Semaphore(0)

    @Volatile var stopped = false
        private set

    fun raise() = raised.release()

    fun stop() {
        stopped = true
        raise()
    }

    /** To be called before looking at what there is to do, so that no news is slept through. */
    fun clear() {
        raised.drainPermits()
    }

    fun await(millis: Long) {
        raised.tryAcquire(millis, TimeUnit.MILLISECONDS)
    }
}

/** Does what the native half asks for, until it is stopped or nobody holds the [Pintle] any more. */
internal class Refresher(pins: Pintle, private val handle: Long, private val signal: Signal, private val fetcher: Fetcher) {
    private val owner = WeakReference(pins)

    fun start() {
        thread(isDaemon = true, name = "pintle") {
            try {
                while (!signal.stopped) signal.await(step() ?: break)
            } catch (_: PintleException) {
                // Closed meanwhile.
            } finally {
                Native.close(handle)
            }
        }
    }

    /** For how long there is nothing to do; null once there never will be. Nothing of it holds the owner while we wait. */
    private fun step(): Long? {
        val pins = owner.get() ?: return null
        signal.clear()
        pins.sweep()
        while (true) {
            val task = Native.poll(handle)
            if (task.url == null) return task.millis
            startFetch(task)
        }
    }

    private fun startFetch(task: Task) {
        try {
            thread(isDaemon = true, name = "pintle-fetch") {
                fetcher.fetch(handle, task)
                owner.get()?.sweep()
            }
        } catch (_: OutOfMemoryError) {
            // Without a thread the answer is lost, which the native half notices by time.
        }
    }
}

/** One request at a time, by the platform's `HttpURLConnection`. */
internal class Fetcher(socketFactory: SSLSocketFactory?, private val useProxies: Boolean) {
    // Never the process's default, which the app may have pinned: what fetches pins must not need them.
    private val socketFactory by lazy {
        socketFactory ?: SSLContext.getInstance("TLS").apply { init(null, null, null) }.socketFactory
    }

    /** Makes it and gives the answer. */
    fun fetch(handle: Long, task: Task) {
        try {
            try {
                make(handle, task)
            } catch (error: PintleException) {
                throw error
            } catch (error: Exception) {
                // Whatever it is, there is no answer.
                Native.fail(handle, task.id, error.toString())
            }
        } catch (_: PintleException) {
            // Closed meanwhile.
        }
    }

    private fun make(handle: Long, task: Task) {
        val deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(task.millis)
        val connection = connect(task)
        try {
            task.body?.let { body -> connection.outputStream.use { it.write(body) } }
            val status = connection.responseCode
            val isConfiguration = status == HttpURLConnection.HTTP_OK && task.body == null
            val body = if (isConfiguration) read(connection, task.maxBytes, deadline) else ByteArray(0)
            val (etag, retryAfter) = connection.getHeaderField("ETag") to connection.getHeaderField("Retry-After")
            Native.answer(handle, task.id, status, etag, retryAfter, body)
        } finally {
            connection.disconnect()
        }
    }

    private fun connect(task: Task): HttpURLConnection {
        val url = URL(task.url)
        // A proxy would look for the loopback host on its own machine.
        val connection = if (useProxies) url.openConnection() else url.openConnection(Proxy.NO_PROXY)
        (connection as? HttpsURLConnection)?.sslSocketFactory = socketFactory
        return (connection as HttpURLConnection).apply {
            instanceFollowRedirects = false
            useCaches = false
            connectTimeout = task.millis.toInt()
            readTimeout = task.millis.toInt()
            setRequestProperty("Accept-Encoding", "identity")
            setRequestProperty("User-Agent", Native.agent())
            task.etag?.let { setRequestProperty("If-None-Match", it) }
            if (task.noCache) setRequestProperty("Cache-Control", "no-cache")
            if (task.body != null) {
                // The method is POST by that.
                doOutput = true
                setRequestProperty("Content-Type", "application/json")
                setFixedLengthStreamingMode(task.body.size)
            }
        }
    }

    private fun read(connection: HttpURLConnection, maxBytes: Long, deadline: Long): ByteArray {
        val body = ByteArrayOutputStream()
        val chunk = ByteArray(CHUNK)
        connection.inputStream.use { stream ->
            while (true) {
                val count = stream.read(chunk)
                if (count < 0) break
                body.write(chunk, 0, count)
                if (body.size() > maxBytes) throw IOException("more than $maxBytes bytes")
                if (System.nanoTime() > deadline) throw IOException("the last byte did not come in time")
            }
        }
        val announced = connection.getHeaderField("Content-Length")?.toLongOrNull()
        if (announced != null && announced != body.size().toLong()) throw IOException("the connection ended before the last byte")
        return body.toByteArray()
    }
}
