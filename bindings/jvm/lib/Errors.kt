package pintle

import java.io.IOException
import java.security.cert.CertificateException
import java.util.Collections
import java.util.IdentityHashMap
import javax.net.ssl.SSLPeerUnverifiedException

/** Something failed. */
class PintleException(
    /** The stable code, as `fetch_failed`. */
    val code: String,
    message: String,
) : IOException("$code: $message")

/** The pins refuse a connection; no byte of a request was sent. HTTP clients wrap it: [Refused.find]. */
class Refused(
    /** Where the connection was to go. */
    val host: String,
    /** The stable code, as `pin_mismatch`. */
    val code: String,
) : CertificateException("pintle: $host: $code") {
    /** Finds it again. */
    companion object {
        /** The refusal that made an HTTP client fail, if one did. */
        @JvmStatic
        fun find(error: Throwable?): Refused? {
            val seen = Collections.newSetFromMap(IdentityHashMap<Throwable, Boolean>())
            val pending = ArrayDeque(listOfNotNull(error))
            while (true) {
                val next = pending.removeLastOrNull() ?: return null
                if (next is Refused) return next
                if (!seen.add(next)) continue
                next.cause?.let(pending::add)
                pending.addAll(next.suppressed)
            }
        }
    }
}

/** As a failure of reading and writing. */
internal fun CertificateException.asInputOutput() = SSLPeerUnverifiedException(message).also { it.initCause(this) }
