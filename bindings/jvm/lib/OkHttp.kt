@file:JvmName("PintleOkHttp")

package pintle

import java.net.UnknownServiceException
import java.security.cert.CertificateException
import java.util.concurrent.atomic.AtomicLong
import javax.net.ssl.X509TrustManager
import okhttp3.ConnectionPool
import okhttp3.Interceptor
import okhttp3.OkHttpClient
import okhttp3.Response

// Needs OkHttp 4 or 5, which is not among this library's dependencies.

/**
 * Pins every request of the client; `http` is refused. Call it last. The client gets [pool], whose idle connections are left
 * behind when trust changes; [trustManager] is the platform's.
 */
@JvmOverloads
fun OkHttpClient.Builder.pinned(
    pins: Pintle,
    pool: ConnectionPool = ConnectionPool(),
    trustManager: X509TrustManager = pins.platform,
): OkHttpClient.Builder = pinned(pins, pool, trustManager, guarded = !isAndroid)

/** Sockets that are [guarded] would hide Android's own from OkHttp, and HTTP/2 with them. */
internal fun OkHttpClient.Builder.pinned(
    pins: Pintle,
    pool: ConnectionPool,
    trustManager: X509TrustManager,
    guarded: Boolean,
): OkHttpClient.Builder {
    val factory = PinnedSocketFactory(Connector(pins, trustManager, null), guarded)
    return sslSocketFactory(factory, pins.trustManager(trustManager))
        .connectionPool(pool)
        .addInterceptor(Eviction(pins, pool))
        .addNetworkInterceptor(DecideAgain(pins))
}

/** Before a connection is looked for. */
private class Eviction(private val pins: Pintle, private val pool: ConnectionPool) : Interceptor {
    private val evictedAt = AtomicLong(pins.generation)

    override fun intercept(chain: Interceptor.Chain): Response {
        if (!chain.request().isHttps) throw UnknownServiceException("${chain.request().url.scheme} is not pinned: https only")
        val generation = pins.generation
        if (evictedAt.getAndSet(generation) != generation) pool.evictAll()
        return chain.proceed(chain.request())
    }
}

/** Once it is found: it may be one that is kept, or another host's that HTTP/2 shares. */
private class DecideAgain(private val pins: Pintle) : Interceptor {
    override fun intercept(chain: Interceptor.Chain): Response {
        val (socket, host) = chain.connection()?.socket() to chain.request().url.host
        try {
            val connection = socket?.let(pins::connectionOf) ?: throw Refused(host, "internal_error")
            connection.decideAgain(host)
        } catch (refused: CertificateException) {
            socket?.close()
            throw refused.asInputOutput()
        }
        return chain.proceed(chain.request())
    }
}
