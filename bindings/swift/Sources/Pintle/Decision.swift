import CPintle
import Foundation

extension Pintle {
    /// What is known of a connection. Chains are certificates in DER, leaf first.
    public struct Evidence: Sendable, Equatable {
        /// The host the app wants to reach: a DNS name or an IP address.
        public var host: String
        /// What the server presented.
        public var presented: [Data]
        /// The path that the platform **verified**, up to a trust anchor; `nil` if it says none. Never what was presented.
        public var verifiedPath: [Data]?
        /// Whether the platform accepts chain, name and dates.
        public var platformAccepts: Bool
        /// The OCSP response that was stapled.
        public var ocspResponse: Data?
        /// The SignedCertificateTimestampList of the TLS extension.
        public var sctList: Data?

        /// Without what TLS may carry beside the chain.
        public init(host: String, presented: [Data], verifiedPath: [Data]?, platformAccepts: Bool) {
            self.host = host
            self.presented = presented
            self.verifiedPath = verifiedPath
            self.platformAccepts = platformAccepts
        }
    }

    /// What was decided of a connection.
    public struct Decision: Sendable, Equatable {
        /// How a connection was decided.
        public enum Verdict: Sendable, Equatable {
            /// Allowed: a pin matched, the one at `pin` in the entry, at `position` in the path, 0 being the leaf.
            case pinned(pin: Int, position: Int)
            /// Allowed by the platform alone: permissive, and no entry.
            case notCovered
            /// Allowed although `code` holds: the entry only reports.
            case reported
            /// Refused: `code` says why.
            case refused
        }

        /// How.
        public let verdict: Verdict
        /// The code of a refusal or of a reported violation.
        public let code: String?
        /// Name of the entry; `nil` if none was reached.
        public let entry: String?
        /// When `Pintle.generation` differs from it, the connection must be decided again before it carries a request.
        public let generation: UInt64
        /// The log list is older than 70 days, so that Certificate Transparency only reports.
        public let isCTListStale: Bool

        /// Whether the connection may carry requests while the generation stays what this says.
        public var isAllowed: Bool { verdict != .refused }

        init(refused code: String) {
            (verdict, self.code, entry, generation, isCTListStale) = (.refused, code, nil, 0, false)
        }

        init(_ decision: PintleDecision) {
            switch decision.verdict {
            case PINTLE_VERDICT_PINNED: verdict = .pinned(pin: decision.pin, position: decision.position)
            case PINTLE_VERDICT_NOT_COVERED: verdict = .notCovered
            case PINTLE_VERDICT_REPORTED: verdict = .reported
            default: verdict = .refused
            }
            code = decision.code.map { String(cString: $0) }
            let name = withUnsafeBytes(of: decision.entry) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            entry = name.isEmpty ? nil : name
            generation = decision.generation
            isCTListStale = decision.ct_list_stale
        }
    }
}

extension [Data] {
    /// As the library takes chains: each certificate after its length in three bytes. `nil` if one is longer than that.
    func joinedAsChain() -> Data? {
        var chain = Data()
        for certificate in self {
            guard certificate.count < 1 << 24 else { return nil }
            chain.append(contentsOf: [16, 8, 0].map { UInt8(truncatingIfNeeded: certificate.count >> $0) })
            chain.append(certificate)
        }
        return chain
    }
}
