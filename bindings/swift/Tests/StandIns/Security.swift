// Stands for Apple's Security, and for what Foundation has there beside it, as their documentation describes it: with it the
// sources for Apple platforms are compiled where there is no Apple, and run on what OpenSSL verified.
import Foundation
@_exported import FoundationNetworking

/// What a server presented, and what was verified of it for `host`.
public final class SecTrust: @unchecked Sendable {
    fileprivate let certificates: [Data]
    fileprivate let isVerified: Bool
    fileprivate var host: String?

    public init(certificates: [Data], isVerified: Bool) {
        (self.certificates, self.isVerified) = (certificates, isVerified)
    }
}

public final class SecCertificate {
    fileprivate let der: Data

    fileprivate init(_ der: Data) {
        self.der = der
    }
}

public final class SecPolicy {
    fileprivate let host: String?

    fileprivate init(_ host: String?) {
        self.host = host
    }
}

public typealias OSStatus = Int32
public typealias CFString = NSString
public typealias CFData = NSData
public typealias CFArray = Any
public typealias CFError = NSError

public let errSecSuccess: OSStatus = 0

public func SecTrustSetPolicies(_ trust: SecTrust, _ policies: AnyObject) -> OSStatus {
    trust.host = (policies as? SecPolicy)?.host
    return trust.host == nil ? -50 : errSecSuccess
}

public func SecPolicyCreateSSL(_ server: Bool, _ hostname: CFString?) -> SecPolicy {
    SecPolicy(server ? hostname.map { "\($0)" } : nil)
}

/// Without a policy for a host nothing is verified.
public func SecTrustEvaluateWithError(_ trust: SecTrust, _: UnsafeMutablePointer<CFError?>?) -> Bool {
    trust.isVerified && trust.host != nil
}

public func SecTrustCopyCertificateChain(_ trust: SecTrust) -> CFArray? {
    trust.certificates.map(SecCertificate.init)
}

public func SecCertificateCopyData(_ certificate: SecCertificate) -> CFData {
    certificate.der as NSData
}

public let NSURLAuthenticationMethodServerTrust = "NSURLAuthenticationMethodServerTrust"

/// Foundation's own class has no place for it.
public final class StandInSpace: URLProtectionSpace, @unchecked Sendable {
    fileprivate var trust: SecTrust?

    public convenience init(host: String, port: Int, trust: SecTrust?) {
        let method = NSURLAuthenticationMethodServerTrust
        self.init(host: host, port: port, protocol: "https", realm: nil, authenticationMethod: method)
        self.trust = trust
    }
}

extension URLProtectionSpace {
    public var serverTrust: SecTrust? { (self as? StandInSpace)?.trust }
}

extension URLCredential {
    public convenience init(trust: SecTrust) {
        self.init(user: "trusted", password: "", persistence: .none)
    }
}
