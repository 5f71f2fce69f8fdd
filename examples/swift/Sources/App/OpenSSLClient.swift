// Elsewhere than on Apple's platforms, where `URLSession` cannot be pinned. bindings/swift/Tests runs it through the gauntlet.
#if canImport(COpenSSL)
    import COpenSSL
    import Foundation
    import Pintle

    /// GETs over OpenSSL, which says what it verified: the pins decide after the handshake and before anything is sent. It keeps its
    /// connections, and is for one thread.
    final class OpenSSLClient {
        private let pins: Pintle
        private let context: OpaquePointer
        private var kept: [String: Connection] = [:]

        /// The pins refuse the connection; `code` says why.
        struct Refused: Error {
            let code: String
        }

        struct Failed: Error {
            let what: String
        }

        /// Trusts the authorities in the file, or OpenSSL's own.
        init(_ pins: Pintle, authorities: URL? = nil) {
            self.pins = pins
            context = SSL_CTX_new(TLS_client_method())
            // Verified all the same: the verdict is asked for, and handed over.
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            if let authorities {
                SSL_CTX_load_verify_locations(context, authorities.path, nil)
            } else {
                SSL_CTX_set_default_verify_paths(context)
            }
        }

        deinit {
            kept = [:]
            SSL_CTX_free(context)
        }

        /// Throws `Refused` before a byte is sent.
        func get(_ path: String, of host: String, port: UInt16) throws -> (status: Int, body: String) {
            let name = "\(host):\(port)"
            let connection: Connection
            if let open = kept[name] {
                connection = open
            } else {
                connection = try connect(host, port)
                let evidence = connection.evidence()
                connection.decided = Pintle.KeptConnection(pins, evidence, decision: pins.check(evidence))
            }
            kept[name] = nil
            guard connection.decided.mayRequest() else {
                throw Refused(code: connection.decided.decision.code ?? "internal_error")
            }
            let answer = try connection.get(path)
            kept[name] = connection
            return answer
        }

        /// A connection that nothing was decided of.
        func connect(_ host: String, _ port: UInt16) throws -> Connection {
            try Connection(context, host, port)
        }
    }

    final class Connection {
        private let bio: OpaquePointer
        private let ssl: OpaquePointer
        private let host: String
        fileprivate var decided: Pintle.KeptConnection!

        fileprivate init(_ context: OpaquePointer, _ host: String, _ port: UInt16) throws {
            var ssl: OpaquePointer?
            let bio = openssl_connect(context, host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)", host, &ssl)
            guard let bio, let ssl else { throw OpenSSLClient.Failed(what: "no handshake with \(host)") }
            (self.bio, self.ssl, self.host) = (bio, ssl, host)
        }

        deinit {
            BIO_free_all(bio)
        }

        /// What it is decided on.
        func evidence() -> Pintle.Evidence {
            let presented = certificates(SSL_get_peer_cert_chain(ssl))
            let leaf = SSL_get0_peer_certificate(ssl)
            // -2: the host is no address.
            let asAddress = X509_check_ip_asc(leaf, host, 0)
            let isNamed = (asAddress == -2 ? X509_check_host(leaf, host, 0, 0, nil) : asAddress) == 1
            let isVerified = SSL_get_verify_result(ssl) == X509_V_OK
            let path = isVerified ? certificates(SSL_get0_verified_chain(ssl)) : nil
            return Pintle.Evidence(
                host: host, presented: presented, verifiedPath: path, platformAccepts: isVerified && isNamed)
        }

        fileprivate func get(_ path: String) throws -> (status: Int, body: String) {
            let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n"
            guard SSL_write(ssl, request, Int32(request.utf8.count)) > 0 else { throw OpenSSLClient.Failed(what: "closed") }
            var head = ""
            while !head.hasSuffix("\r\n\r\n") { head.unicodeScalars.append(Unicode.Scalar(try readByte())) }
            let lines = head.lowercased().components(separatedBy: "\r\n")
            let length = lines.first { $0.hasPrefix("content-length:") }?.dropFirst(15).trimmingCharacters(in: .whitespaces)
            let body = try (0..<(length.flatMap { Int($0) } ?? 0)).map { _ in try readByte() }
            return (Int(head.split(separator: " ")[1]) ?? 0, String(decoding: body, as: UTF8.self))
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
#endif
