#if canImport(Network)
    import Foundation
    import Network
    import Security

    /// TLS for one `NWConnection` to `host`, pinned inside the handshake. No session is resumed.
    public final class PinnedTLS: Sendable {
        private let host: String
        private let pins: Pintle
        private let decided = Guarded<Pintle.KeptConnection?>(nil)

        /// For one connection; make another one for the next.
        public init(_ pins: Pintle, host: String) {
            (self.pins, self.host) = (pins, host)
        }

        /// For `NWParameters(tls:)`.
        public func options() -> NWProtocolTLS.Options {
            let tls = NWProtocolTLS.Options()
            let options = tls.securityProtocolOptions
            sec_protocol_options_set_tls_server_name(options, host)
            sec_protocol_options_set_peer_authentication_required(options, true)
            // A resumed session shows no certificate to decide on.
            sec_protocol_options_set_tls_resumption_enabled(options, false)
            sec_protocol_options_set_tls_tickets_enabled(options, false)
            let (pins, host, decided) = (pins, host, decided)
            sec_protocol_options_set_verify_block(
                options,
                { _, trust, complete in
                    let evidence = Pintle.Evidence(
                        host: host, verifying: sec_trust_copy_ref(trust).takeRetainedValue())
                    // In place of what the platform would say: it is part of the evidence.
                    let decision = pins.check(evidence)
                    decided.value = Pintle.KeptConnection(pins, evidence, decision: decision)
                    complete(decision.isAllowed)
                },
                DispatchQueue(label: "dev.pintle.check", qos: .userInitiated))
            return tls
        }

        /// Before every request on a connection that is kept; false: drop it. False before the handshake.
        public func mayRequest() -> Bool {
            decided.value?.mayRequest() ?? false
        }

        /// Why the pins refuse the connection, if they do.
        public var refusal: PintleError? {
            guard let decision = decided.value?.decision, !decision.isAllowed else { return nil }
            return PintleError(code: decision.code ?? "internal_error", message: "\(host) is refused")
        }
    }

    extension Pintle {
        /// What `host` presents, in DER, leaf first. It proves nothing, and nothing is sent over the connection.
        ///
        /// Throws what Network says if there is no handshake.
        public static func fetchCertificate(host: String, port: UInt16 = 443) async throws -> [Data] {
            let tls = NWProtocolTLS.Options()
            let queue = DispatchQueue(label: "dev.pintle.look")
            let shown = Guarded<[Data]>([])
            sec_protocol_options_set_tls_server_name(tls.securityProtocolOptions, host)
            sec_protocol_options_set_verify_block(
                tls.securityProtocolOptions,
                { _, trust, complete in
                    // Whoever answers is shown, true or forged; no further than this.
                    shown.value = Evidence(host: host, verifying: sec_trust_copy_ref(trust).takeRetainedValue()).presented
                    complete(false)
                }, queue)
            let connection = NWConnection(
                host: NWEndpoint.Host(host), port: NWEndpoint.Port(rawValue: port) ?? .https,
                using: NWParameters(tls: tls))
            defer { connection.cancel() }
            return try await withCheckedThrowingContinuation { continuation in
                connection.stateUpdateHandler = { state in
                    let failure: Error
                    switch state {
                    case .failed(let error), .waiting(let error): failure = error
                    default: return
                    }
                    connection.stateUpdateHandler = nil
                    let chain = shown.value
                    continuation.resume(with: chain.isEmpty ? .failure(failure) : .success(chain))
                }
                connection.start(queue: queue)
            }
        }
    }
#endif
