package pintle

/** The door for vectors: in no jar, and what it needs in no library that ships. */
internal object TestDoor {
    init {
        // Loads the library.
        Native.protocolLevel()
    }

    /** As `Native.open`; [random] and the clocks are unsigned. */
    @JvmStatic external fun dangerousTestOpen(
        bundle: ByteArray,
        seed: ByteArray?,
        permissive: Boolean,
        fetchTimeoutMillis: Long,
        storageDir: String?,
        reportTo: String?,
        httpLoopback: Boolean,
        host: Host,
        random: Long,
        nowSecs: Long,
        monotonicMillis: Long,
    ): Long

    @JvmStatic external fun dangerousTestSetClock(handle: Long, nowSecs: Long, monotonicMillis: Long)
}
