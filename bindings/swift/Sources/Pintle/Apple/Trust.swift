#if canImport(Security)
    import Foundation
    import Security

    extension Pintle.Evidence {
        /// What Security verifies of `trust` for `host`, here and now: it may fetch what is missing, and so block.
        ///
        /// The path is the one that Security built, up to its anchor. SCTs and OCSP responses of the handshake are not shown by it;
        /// SCTs in the certificate are in the certificate.
        public init(host: String, verifying trust: SecTrust) {
            // Whoever made `trust` may have had another host in mind, or none.
            let isForHost = SecTrustSetPolicies(trust, SecPolicyCreateSSL(true, host as CFString)) == errSecSuccess
            let isAccepted = isForHost && SecTrustEvaluateWithError(trust, nil)
            let path = SecTrustCopyCertificateChain(trust) as? [SecCertificate] ?? []
            let chain = path.map { SecCertificateCopyData($0) as Data }
            self.init(
                host: host, presented: chain, verifiedPath: isAccepted ? chain : nil, platformAccepts: isAccepted)
        }
    }
#endif
