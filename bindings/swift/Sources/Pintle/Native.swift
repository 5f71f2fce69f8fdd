import CPintle
import Foundation

/// The library's handle. It is freed when the last call that uses it is over.
final class Native: @unchecked Sendable {
    /// As `pintle_open`.
    typealias Open = (UnsafePointer<PintleOptions>, UnsafeMutablePointer<OpaquePointer?>) -> UnsafePointer<CChar>?

    let pointer: OpaquePointer

    /// Without a `fetch` function, whoever opens it drives.
    init(_ root: Pintle.Root, _ options: Pintle.Options, fetch: FetchFunction?, open: Open = pintle_open) throws {
        var native = PintleOptions()
        native.permissive = options.isPermissive
        guard !options.fetchTimeout.isNaN else { throw PintleError.setup("`fetchTimeout` is no time") }
        native.fetch_timeout_secs = UInt32(min(max(options.fetchTimeout.rounded(.up), 1), 120))
        native.dangerous_allow_http_loopback = options.dangerousAllowHTTPLoopback
        native.least_severity = options.leastSeverity.rawValue
        let path = options.storageDirectory?.path
        guard path?.contains("\0") != true else { throw PintleError.setup("`storageDirectory` is no path") }
        let host = Host(fetch: fetch, listener: options.listener)
        native.user_data = Unmanaged.passRetained(host).toOpaque()
        native.release = { Unmanaged<Host>.fromOpaque($0!).release() }
        if fetch != nil { native.fetch = answerFetch }
        if options.listener != nil { native.listen = tellListener }
        var opened: OpaquePointer?
        let code = withBytes(root.json) { bundle in
            withBytes(options.seed) { seed in
                withText(path) { directory in
                    withText(options.reportTo?.absoluteString) { collector in
                        (native.bundle, native.seed) = (bundle, seed)
                        (native.storage_dir, native.report_to) = (directory, collector)
                        return open(&native, &opened)
                    }
                }
            }
        }
        try PintleError.check(code)
        pointer = opened!
    }

    deinit { pintle_free(pointer) }

    var generation: UInt64 { pintle_generation(pointer) }

    /// Waits for news where they may change a refusal, unless told not to.
    func check(_ evidence: Pintle.Evidence, cannotWait: Bool) -> Pintle.Decision {
        // C would read such a name to its first zero.
        guard !evidence.host.utf8.contains(0) else { return Pintle.Decision(refused: "host_invalid") }
        let path = evidence.verifiedPath.map { $0.joinedAsChain() }
        guard let presented = evidence.presented.joinedAsChain(), path != .some(nil) else {
            return Pintle.Decision(refused: "certificate_unparsable")
        }
        var decision = PintleDecision()
        _ = evidence.host.withCString { host in
            withBytes(presented) { presented in
                withBytes(path ?? nil) { path in
                    withBytes(evidence.ocspResponse) { ocsp in
                        withBytes(evidence.sctList) { scts in
                            var native = PintleEvidence(
                                host: host, presented: presented, verified_path: path,
                                platform_accepts: evidence.platformAccepts, ocsp_response: ocsp, sct_list: scts,
                                cannot_wait: cannotWait)
                            return pintle_check(pointer, &native, &decision)
                        }
                    }
                }
            }
        }
        return Pintle.Decision(decision)
    }

    func waitUntilReady(_ timeout: TimeInterval) throws {
        try PintleError.check(pintle_ready(pointer, milliseconds(timeout)))
    }

    func refresh(_ timeout: TimeInterval) throws {
        try PintleError.check(pintle_refresh(pointer, milliseconds(timeout)))
    }

    func reconfigure(_ root: Pintle.Root, _ timeout: TimeInterval) throws {
        // 0 would not wait, nor say what came of it.
        let code = withBytes(root.json) { pintle_reconfigure(pointer, $0, max(1, milliseconds(timeout))) }
        try PintleError.check(code)
    }

    func setPermissive(_ isPermissive: Bool) {
        _ = pintle_set_mode(pointer, isPermissive)
    }
}

/// What the library hands back with each call of the app's functions.
private final class Host {
    let fetch: FetchFunction?
    let listener: (@Sendable (Pintle.Event) -> Void)?

    init(fetch: FetchFunction?, listener: (@Sendable (Pintle.Event) -> Void)?) {
        (self.fetch, self.listener) = (fetch, listener)
    }
}

private func answerFetch(
    host: UnsafeMutableRawPointer?, fetch: UnsafePointer<PintleFetch>?, reply: OpaquePointer?
) {
    guard let host, let fetch, let make = Unmanaged<Host>.fromOpaque(host).takeUnretainedValue().fetch else { return }
    make(Fetch(fetch.pointee)).withAnswer { answer in _ = pintle_reply(reply, answer) }
}

private func tellListener(host: UnsafeMutableRawPointer?, event: UnsafePointer<PintleEvent>?) {
    guard let host, let event else { return }
    Unmanaged<Host>.fromOpaque(host).takeUnretainedValue().listener?(Pintle.Event(event.pointee))
}

/// None for what is no time.
private func milliseconds(_ seconds: TimeInterval) -> UInt32 {
    seconds > 0 ? UInt32(min(seconds * 1000, TimeInterval(UInt32.max))) : 0
}

/// The bytes for as long as `body` runs; none for `nil`.
func withBytes<Result>(_ data: Data?, _ body: (PintleBytes) -> Result) -> Result {
    guard let data else { return body(PintleBytes()) }
    // Empty data has no address; NULL would mean that there is none.
    guard !data.isEmpty else { return withUnsafePointer(to: 0) { body(PintleBytes(data: $0, len: 0)) } }
    return data.withUnsafeBytes { bytes in
        body(PintleBytes(data: bytes.bindMemory(to: UInt8.self).baseAddress, len: bytes.count))
    }
}

/// The text for as long as `body` runs; NULL for `nil`.
func withText<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}
