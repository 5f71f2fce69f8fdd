package pintle

import java.util.concurrent.CopyOnWriteArrayList
import java.util.logging.Level
import java.util.logging.Logger

/** How much an event matters. */
enum class Severity(internal val level: Level) {
    /** Every connection that matched a pin. */
    DEBUG(Level.FINE),

    /** What runs as it should. */
    INFO(Level.INFO),

    /** What was refused or would be. */
    WARN(Level.WARNING),

    /** What somebody must look at. */
    ERROR(Level.SEVERE),
}

/** Something that happened. */
class Event internal constructor(
    /** One word, as `connection` or `config_accepted`. */
    val kind: String,
    /** The stable code, where it is a failure or a warning. */
    val code: String?,
    /** How much it matters. */
    val severity: Severity,
    /** The host it is about. */
    val host: String?,
    /** A sentence for people. */
    val message: String,
) {
    /** The message. */
    override fun toString() = message
}

/** Is told events, on the thread where they happen: it must not wait for a refresh. What it throws harms nobody. */
fun interface Listener {
    /** Is called for each event. */
    fun tell(event: Event)
}

/** The app's listeners, and the logger `pintle`. */
internal class Listeners(private val least: Severity) {
    private val logger = Logger.getLogger("pintle")
    private val listeners = CopyOnWriteArrayList<Listener>()

    fun add(listener: Listener) = listeners.add(listener)

    fun tell(event: Event) {
        if (event.severity < least) return
        guarded { logger.log(event.severity.level, event.message) }
        listeners.forEach { listener -> guarded { listener.tell(event) } }
    }

    @Suppress("TooGenericExceptionCaught")
    private fun guarded(tell: () -> Unit) {
        try {
            tell()
        } catch (error: Throwable) {
            // The app's own, an endless recursion included; a logger that fails has nobody to be told to.
            runCatching { logger.log(Level.WARNING, "a listener failed", error) }
        }
    }
}
