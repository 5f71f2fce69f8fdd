import CPintle
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension Pintle {
    /// How an app wants it. The defaults are the strict ones.
    public struct Options: Sendable {
        /// Keeps the configuration across restarts; without it each start needs the network or the seed.
        public var storageDirectory: URL?
        /// A signed configuration shipped inside the app, for its very first start.
        public var seed: Data?
        /// Lets hosts without an entry pass by the platform's word alone; otherwise they are refused.
        public var isPermissive = false
        /// Longest time to the last byte of a configuration, in seconds: 1 to 120, in whole ones.
        public var fetchTimeout: TimeInterval = 10
        /// A collector's URL: it is sent sums of violations, at most once an hour. Entry, code and release, nothing of the user.
        public var reportTo: URL?
        /// Is told what happens, on the thread where it happens. It may call back, but not wait for a refresh.
        public var listener: (@Sendable (Event) -> Void)?
        /// Events that matter less are not told.
        public var leastSeverity = Severity.debug
        /// For fetching configurations: proxies, waiting for connectivity. They are signed, and never pinned by themselves.
        public var fetchConfiguration = URLSessionConfiguration.ephemeral
        /// Lets `http` URLs of this machine pass, for tests and trials.
        public var dangerousAllowHTTPLoopback = false

        /// The defaults.
        public init() {}

        /// The defaults, with the two that most apps set.
        public init(storageDirectory: URL?, listener: (@Sendable (Event) -> Void)? = nil) {
            self.storageDirectory = storageDirectory
            self.listener = listener
        }
    }

    /// How much an event matters.
    public enum Severity: UInt32, Sendable, Comparable {
        /// Every connection that matched a pin.
        case debug
        /// What runs as it should.
        case info
        /// What was refused or would be.
        case warn
        /// What somebody must look at.
        case error

        /// By how much it matters.
        public static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }
    }

    /// Something that happened.
    public struct Event: Sendable, Equatable {
        /// One word, as `connection` or `config_accepted`.
        public let kind: String
        /// The stable code, where it is a failure or a warning.
        public let code: String?
        /// How much it matters.
        public let severity: Severity
        /// The host it is about.
        public let host: String?
        /// A sentence for people.
        public let message: String

        init(_ event: PintleEvent) {
            kind = String(cString: event.kind)
            code = event.code.map { String(cString: $0) }
            severity = Severity(rawValue: UInt32(event.severity.rawValue)) ?? .error
            host = event.host.map { String(cString: $0) }
            message = String(cString: event.message)
        }
    }
}
