@file:JvmName("PintleSuspending")

package pintle

import kotlin.concurrent.thread
import kotlin.coroutines.resumeWithException
import kotlinx.coroutines.suspendCancellableCoroutine

// Needs kotlinx-coroutines, as whoever calls it has.

/** [Pintle.Builder.setup] that blocks no thread of the caller's. Cancelled, it closes what it set up. */
suspend fun Pintle.Builder.await(timeoutMillis: Long = Pintle.DEFAULT_TIMEOUT_MILLIS): Pintle =
    suspendCancellableCoroutine { waiting ->
        thread(isDaemon = true, name = "pintle-setup") {
            try {
                waiting.resume(setup(timeoutMillis)) { _, pins, _ -> pins.close() }
            } catch (error: Throwable) {
                // A library that cannot be loaded, too: whoever waits has to hear of it.
                waiting.resumeWithException(error)
            }
        }
    }
