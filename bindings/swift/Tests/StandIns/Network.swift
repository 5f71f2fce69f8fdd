// Stands for Apple's Network, as Security.swift does for Security. It connects to nothing.
import Dispatch
import Foundation
import Security

public final class sec_protocol_options {
    public fileprivate(set) var verify: sec_protocol_verify_t?
    public fileprivate(set) var resumes = true
}
public final class sec_protocol_metadata {
    public init() {}
}
public final class sec_trust {
    fileprivate let trust: SecTrust

    public init(_ trust: SecTrust) {
        self.trust = trust
    }
}
public typealias sec_protocol_options_t = sec_protocol_options
public typealias sec_protocol_metadata_t = sec_protocol_metadata
public typealias sec_trust_t = sec_trust
public typealias sec_protocol_verify_complete_t = (Bool) -> Void
public typealias sec_protocol_verify_t = (sec_protocol_metadata_t, sec_trust_t, @escaping sec_protocol_verify_complete_t) -> Void

public func sec_trust_copy_ref(_ trust: sec_trust_t) -> Unmanaged<SecTrust> { .passRetained(trust.trust) }
public func sec_protocol_options_set_tls_server_name(_ options: sec_protocol_options_t, _ name: UnsafePointer<CChar>) {}
public func sec_protocol_options_set_peer_authentication_required(_ options: sec_protocol_options_t, _ required: Bool) {}
public func sec_protocol_options_set_tls_resumption_enabled(_ options: sec_protocol_options_t, _ enabled: Bool) {
    options.resumes = enabled
}
public func sec_protocol_options_set_tls_tickets_enabled(_ options: sec_protocol_options_t, _ enabled: Bool) {}
public func sec_protocol_options_set_verify_block(
    _ options: sec_protocol_options_t, _ block: @escaping sec_protocol_verify_t, _ queue: DispatchQueue
) {
    options.verify = block
}

public final class NWProtocolTLS {
    public final class Options {
        public init() {}
        public let securityProtocolOptions = sec_protocol_options()
    }
}

public final class NWParameters {
    public init(tls: NWProtocolTLS.Options?) {}
}

public enum NWEndpoint {
    public struct Host: Sendable, ExpressibleByStringLiteral {
        public init(_ string: String) {}
        public init(stringLiteral: String) {}
    }
    public struct Port: Sendable {
        public static let https = Port(rawValue: 443)!
        public init?(rawValue: UInt16) {}
    }
}

public enum NWError: Error { case posix }

public final class NWConnection: @unchecked Sendable {
    public enum State: Sendable { case setup, waiting(NWError), preparing, ready, failed(NWError), cancelled }
    public init(host: NWEndpoint.Host, port: NWEndpoint.Port, using: NWParameters) {}
    public var stateUpdateHandler: (@Sendable (State) -> Void)?
    public func start(queue: DispatchQueue) {}
    public func cancel() {}
}
