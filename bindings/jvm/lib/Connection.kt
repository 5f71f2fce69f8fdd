package pintle

import java.net.IDN
import java.util.concurrent.ConcurrentHashMap

/** What is known of one TLS connection, from its handshake on: enough to decide it again. */
internal class Connection(private val pins: Pintle) {
    @Volatile private var evidence: Evidence? = null

    /** Under which generation each host was allowed: usually one; more where HTTP/2 shares the connection. */
    private val allowedUnder = ConcurrentHashMap<String, Long>()

    val isDecided get() = evidence != null

    /** In the handshake. Throws [Refused]. */
    fun decideFirst(seen: Evidence) {
        evidence = seen
        decide(seen.host)
    }

    /** Before each write: as long as nobody changed what is trusted, one comparison. Throws [Refused]. */
    fun decideAgain(host: String? = null) {
        val seen = evidence ?: throw Refused(host.orEmpty(), "internal_error")
        val asked = host?.let(::connectionHost) ?: seen.host
        if (allowedUnder[asked] != pins.generation) decide(asked)
    }

    /** For whoever cannot wait and decides for nobody. */
    fun isStillAllowed(): Boolean {
        val seen = evidence ?: return true
        return try {
            seen.decide(pins, seen.host, mayWait = false).allowed
        } catch (_: PintleException) {
            false
        }
    }

    private fun decide(host: String) {
        val seen = evidence ?: throw Refused(host, "internal_error")
        val decision = try {
            seen.decide(pins, host, mayWait = true)
        } catch (error: PintleException) {
            throw Refused(host, error.code).also { it.initCause(error) }
        }
        if (!decision.allowed) {
            allowedUnder.remove(host)
            throw Refused(host, decision.code ?: "internal_error")
        }
        allowedUnder[host] = decision.generation
    }
}

/** [platformAccepts]: chain and dates; the name is asked for here, whoever else asks for it. */
internal class Evidence(
    val host: String,
    private val presented: Array<ByteArray>,
    private val verifiedPath: Array<ByteArray>?,
    private val platformAccepts: Boolean,
) {
    fun decide(pins: Pintle, host: String, mayWait: Boolean): Decision {
        val accepts = platformAccepts && Native.covers(presented[0], host)
        return pins.check(host, presented.asList(), accepts, verifiedPath?.asList(), mayWait = mayWait)
    }
}

/** As TLS names it: in ASCII, an address without brackets. What is no name stays what it is, and is refused as that. */
internal fun connectionHost(host: String): String {
    val bare = host.removeSurrounding("[", "]")
    if (bare.all { it.code in 1..127 }) return bare
    return try {
        IDN.toASCII(bare)
    } catch (_: IllegalArgumentException) {
        bare
    }
}
