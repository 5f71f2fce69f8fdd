package pintle

/** How a connection was decided. The native half counts them. */
enum class Verdict {
    /** Allowed: a pin matched. */
    PINNED,

    /** Allowed by the platform alone: permissive, and no entry. */
    NOT_COVERED,

    /** Allowed although [Decision.code] holds: the entry only reports. */
    REPORTED,

    /** Refused: [Decision.code] says why. */
    REFUSED,
}

/** What was decided of a connection. */
class Decision internal constructor(
    verdict: Int,
    /** Of a refusal or of a reported violation. */
    val code: String?,
    /** When [Pintle.generation] differs from it, the connection must be decided again before it carries a request. */
    val generation: Long,
    /** Name of the entry. */
    val entry: String?,
    /** Of a match: position of the pin in the entry; else -1. */
    val pin: Int,
    /** Of a match: position in the path, 0 being the leaf; else -1. */
    val position: Int,
    /** The log list is older than 70 days, so that Certificate Transparency only reports. */
    val ctListStale: Boolean,
) {
    /** How. */
    val verdict: Verdict = Verdict.values()[verdict]

    /** Whether the connection may carry requests. */
    val allowed: Boolean get() = verdict != Verdict.REFUSED

    /** The verdict and the code. */
    override fun toString() = listOfNotNull(verdict.name.lowercase(), code).joinToString(" ")
}
