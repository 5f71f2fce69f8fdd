import CPintle
import Foundation

/// Pinning for one project, running: it refreshes in the background until `close`, or until nobody holds it any more.
/// Several live side by side. All of it may be called from any thread.
public final class Pintle: Sendable {
    private let native: Guarded<Native?>

    /// Does not wait for the network: until a configuration comes, every connection is refused with `config_missing`.
    ///
    /// Throws `PintleError` with `setup_invalid` if `root` is none.
    public init(_ root: Root, options: Options = Options()) throws {
        let fetcher = URLSessionFetcher(options.fetchConfiguration)
        native = Guarded(try Native(root, options, fetch: { fetcher.answer($0) }))
    }

    init(_ native: Native) {
        self.native = Guarded(native)
    }

    /// Sets up pinning and waits until a configuration is in force: at once where one was kept or embedded, else until the
    /// first refresh is over or `timeout` seconds have passed.
    ///
    /// Throws `PintleError`: `setup_invalid`, or why there is no configuration.
    public static func setUp(
        _ root: Root, options: Options = Options(), timeout: TimeInterval = 30
    ) async throws -> Pintle {
        let pins = try Pintle(root, options: options)
        try await pins.ready(timeout: timeout)
        return pins
    }

    /// Waits until a configuration is in force, as `setUp` does. A task that is cancelled waits on.
    public func ready(timeout: TimeInterval = 30) async throws {
        let native = try open()
        try await onThread { try native.waitUntilReady(timeout) }
    }

    /// `ready` for a thread that may block. Not for the main one.
    public func waitUntilReady(timeout: TimeInterval = 30) throws {
        try open().waitUntilReady(timeout)
    }

    /// Refreshes now, and waits until that is over. What is in force stays if it throws.
    public func refresh(timeout: TimeInterval = 30) async throws {
        let native = try open()
        try await onThread { try native.refresh(timeout) }
    }

    /// Takes up another project or key, for this process only, and waits for its configuration. Whoever can change what is
    /// passed here decides what the app trusts.
    public func reconfigure(_ root: Root, timeout: TimeInterval = 30) async throws {
        let native = try open()
        try await onThread { try native.reconfigure(root, timeout) }
    }

    /// Changes what happens to hosts without an entry.
    public func setPermissive(_ isPermissive: Bool) throws {
        try open().setPermissive(isPermissive)
    }

    /// The generation of trust now: a connection decided under another one must be decided again before a request. 0 after
    /// `close`, which no decision to allow carries.
    public var generation: UInt64 { native.value?.generation ?? 0 }

    /// Decides a connection of any TLS stack. Where news may change a refusal it waits for them: six seconds at most, once a
    /// minute. After `close` everything is refused.
    public func check(_ evidence: Evidence) -> Decision {
        native.value?.check(evidence, cannotWait: false) ?? Decision(refused: closed.code)
    }

    /// `check` that blocks no thread while it waits.
    public func check(_ evidence: Evidence) async -> Decision {
        guard let native = native.value else { return Decision(refused: closed.code) }
        let decision = native.check(evidence, cannotWait: true)
        guard decision.code == "retry_after_refresh" else { return decision }
        return await onThread { native.check(evidence, cannotWait: false) }
    }

    /// Ends the refreshing; every connection is refused from now on. Calls that run end as they would have.
    public func close() {
        native.value = nil
    }

    /// The stable codes that errors and decisions carry.
    public static let codes: [String] = {
        var codes: [String] = []
        while let code = pintle_code(codes.count) { codes.append(String(cString: code)) }
        return codes
    }()

    /// The protocol level this library speaks.
    public static var protocolLevel: UInt32 { pintle_protocol_level() }

    /// The version of this library.
    public static var version: String { String(cString: pintle_version()) }

    private func open() throws -> Native {
        guard let native = native.value else { throw closed }
        return native
    }
}

private let closed = PintleError.setup("this Pintle is closed")

/// Runs what blocks on a thread of its own: the ones that tasks share must not wait.
private func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result(catching: body)) }
    }
}

private func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// A value that threads share.
final class Guarded<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var guarded: Value

    init(_ value: Value) {
        guarded = value
    }

    var value: Value {
        get { lock.withLock { guarded } }
        set {
            // What it was may end here, and must not do so under the lock.
            let earlier = lock.withLock {
                defer { guarded = newValue }
                return guarded
            }
            withExtendedLifetime(earlier) {}
        }
    }

    func change<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.withLock { body(&guarded) }
    }
}
