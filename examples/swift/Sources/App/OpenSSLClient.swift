import COpenSSL
import Foundation

@testable import Pintle

/// HTTP over OpenSSL, which says what it verified; the pins decide after the handshake and before anything is sent. It keeps its
/// connections. This stands for the TLS stacks of an app's own: what Apple's have of theirs cannot run here.
final class OpenSSLClient {
    private let pins: Pintle
    private let context: OpaquePointer
    private var kept: [String: Connection] = [:]

    struct Failed: Error {
        let what: String
    }

    init(_ pins: Pintle, authorities: URL) {
        self.pins = pins
        context = SSL_CTX_new(TLS_client_method())
        // Verified all the same: the verdict is asked for, and handed over.
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        SSL_CTX_load_verify_locations(context, authorities.path, nil)
    }

    deinit {
        kept = [:]
        SSL_CTX_free(context)
    }

    /// The status; throws `PintleError` with the code of a refusal.
    func get(_ host: String, _ port: UInt16) throws -> Int {
        let connection: Connection
        if let open = kept[host] {
            connection = open
        } else {
            connection = try Connection(context, host, port)
            let evidence = connection.evidence()
            connection.decided = Pintle.KeptConnection(pins, evidence, decision: pins.check(evidence))
        }
        kept[host] = nil
        guard connection.decided.mayRequest() else {
            throw PintleError(code: connection.decided.decision.code ?? "none", message: "\(host) is refused")
        }
        let status = try connection.get()
        kept[host] = connection
        return status
    }

    /// What a connection to `host` is decided on.
    func evidence(_ host: String, _ port: UInt16) throws -> Pintle.Evidence {
        try Connection(context, host, port).evidence()
    }
}

private final class Connection {
    private let ssl: OpaquePointer
    private let descriptor: Int32
    private let host: String
    var decided: Pintle.KeptConnection!

    init(_ context: OpaquePointer, _ host: String, _ port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        ssl = SSL_new(context)
        self.host = host
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let isConnected = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if host != "127.0.0.1" { openssl_name(ssl, host) }
        SSL_set_fd(ssl, descriptor)
        guard isConnected, SSL_connect(ssl) == 1 else { throw OpenSSLClient.Failed(what: "no handshake") }
    }

    deinit {
        SSL_free(ssl)
        close(descriptor)
    }

    func evidence() -> Pintle.Evidence {
        let presented = certificates(SSL_get_peer_cert_chain(ssl))
        let isNamed: Bool
        let leaf = SSL_get0_peer_certificate(ssl)
        if host == "127.0.0.1" {
            isNamed = X509_check_ip_asc(leaf, host, 0) == 1
        } else {
            isNamed = X509_check_host(leaf, host, 0, 0, nil) == 1
        }
        let isVerified = SSL_get_verify_result(ssl) == X509_V_OK
        let path = isVerified ? certificates(SSL_get0_verified_chain(ssl)) : nil
        return Pintle.Evidence(
            host: host, presented: presented, verifiedPath: path, platformAccepts: isVerified && isNamed)
    }

    func get() throws -> Int {
        let request = "GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"
        guard SSL_write(ssl, request, Int32(request.utf8.count)) > 0 else { throw OpenSSLClient.Failed(what: "closed") }
        var head = ""
        while !head.hasSuffix("\r\n\r\n") { head.unicodeScalars.append(Unicode.Scalar(try readByte())) }
        let lines = head.lowercased().components(separatedBy: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }?.dropFirst(15).trimmingCharacters(in: .whitespaces)
        for _ in 0..<(length.flatMap { Int($0) } ?? 0) { _ = try readByte() }
        return Int(head.split(separator: " ")[1]) ?? 0
    }

    private func readByte() throws -> UInt8 {
        var byte: UInt8 = 0
        guard SSL_read(ssl, &byte, 1) == 1 else { throw OpenSSLClient.Failed(what: "closed") }
        return byte
    }

    private func certificates(_ chain: OpaquePointer?) -> [Data] {
        (0..<openssl_count(chain)).map { index in
            let certificate = openssl_certificate(chain, index)
            var der = Data(count: Int(i2d_X509(certificate, nil)))
            der.withUnsafeMutableBytes { bytes in
                var place = bytes.bindMemory(to: UInt8.self).baseAddress
                i2d_X509(certificate, &place)
            }
            return der
        }
    }
}
