#if canImport(Security)
    import Foundation
    @preconcurrency import Security

    extension Pintle {
        /// Answers a challenge of `URLSession`, for apps with a session delegate of their own: call it from
        /// `urlSession(_:didReceive:completionHandler:)`, and from `urlSession(_:task:didReceive:completionHandler:)` if there is
        /// one. Challenges other than of the server's certificate are left to the platform.
        ///
        /// It answers from another thread: the check may wait for news, six seconds at most. What the pins refuse is cancelled, and
        /// no byte of a request is sent; `refused` is told why.
        public func respond(
            to challenge: URLAuthenticationChallenge,
            refused: (@Sendable (PintleError) -> Void)? = nil,
            completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            let (space, completion) = (challenge.protectionSpace, Completion(handler: completionHandler))
            guard space.authenticationMethod == NSURLAuthenticationMethodServerTrust else {
                return completion.handler(.performDefaultHandling, nil)
            }
            let host = space.host
            guard let trust = space.serverTrust else { return completion.handler(.cancelAuthenticationChallenge, nil) }
            onQueue {
                let evidence = Evidence(host: host, verifying: trust)
                let decision = self.check(evidence)
                switch Disposition(of: decision, platformAccepts: evidence.platformAccepts) {
                case .refuse:
                    refused?(PintleError(code: decision.code ?? "internal_error", message: "\(host) is refused"))
                    completion.handler(.cancelAuthenticationChallenge, nil)
                // Not the credential: that would go around App Transport Security.
                case .leaveToPlatform: completion.handler(.performDefaultHandling, nil)
                case .trustInstead: completion.handler(.useCredential, URLCredential(trust: trust))
                }
            }
        }
    }

    /// Foundation lets it be called from any thread, which not every version of it says.
    private struct Completion: @unchecked Sendable {
        let handler: (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    }

    /// Where checks may wait: neither on the thread of a delegate nor on one that tasks share.
    func onQueue(_ body: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "dev.pintle.check", qos: .userInitiated).async(execute: body)
    }
#endif
