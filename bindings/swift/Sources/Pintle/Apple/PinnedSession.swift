#if canImport(Security)
    import Foundation
    import Security

    /// Longer than anybody needs from asking for a session to giving it a task: a session that is invalidated takes none.
    private let lingering: TimeInterval = 60

    /// A `URLSession` all of whose connections are pinned, and which leaves its kept connections behind when trust changes. It
    /// ends when nobody holds it and its tasks are over.
    ///
    /// Not for background sessions, `AVPlayer` or web views: the system makes their connections without asking.
    public final class PinnedSession: Sendable {
        private let refusals = Guarded<[String: PintleError]>([:])
        private let sessions: PerGeneration<URLSession>

        /// `configuration` as for any session.
        public init(_ pins: Pintle, configuration: URLSessionConfiguration = .default) {
            let refusals = self.refusals
            sessions = PerGeneration(of: { pins.generation }) {
                let delegate = PinnedSessionDelegate(pins) { host, error in refusals.change { $0[host] = error } }
                return URLSession(configuration: configuration, delegate: delegate, delegateQueue: nil)
            } retire: { session in
                DispatchQueue.global().asyncAfter(deadline: .now() + lingering) { session.finishTasksAndInvalidate() }
            }
        }

        /// The session of now. Ask for it before every request, and do not keep it: its connections are of one generation of trust.
        public var current: URLSession { sessions.current }

        /// As `URLSession.data(for:)`. Throws `PintleError` if the pins refuse the host, and for what is not `https`.
        public func data(for request: URLRequest) async throws -> (Data, URLResponse) {
            try await refusing(request.url) { try await self.current.data(for: request) }
        }

        /// As `URLSession.data(from:)`.
        public func data(from url: URL) async throws -> (Data, URLResponse) {
            try await data(for: URLRequest(url: url))
        }

        /// As `URLSession.upload(for:from:)`.
        public func upload(for request: URLRequest, from body: Data) async throws -> (Data, URLResponse) {
            try await refusing(request.url) { try await self.current.upload(for: request, from: body) }
        }

        /// Why the pins refused `host` last, for tasks of `current` that end with `URLError.cancelled`.
        public func lastRefusal(of host: String) -> PintleError? {
            refusals.value[host]
        }

        private func refusing(
            _ url: URL?, _ body: () async throws -> (Data, URLResponse)
        ) async throws -> (Data, URLResponse) {
            guard url?.scheme?.lowercased() == "https" else {
                throw PintleError(code: "host_invalid", message: "only https is pinned")
            }
            do {
                return try await body()
            } catch let error as URLError where error.code == .cancelled && !Task.isCancelled {
                // After a redirect it is not the host that was asked for.
                throw (error.failureURL?.host ?? url?.host).flatMap(lastRefusal) ?? error
            }
        }
    }

    extension URLError {
        fileprivate var failureURL: URL? { userInfo[NSURLErrorFailingURLErrorKey] as? URL }
    }

    /// Answers the challenges of a session, at the level of session and task, and follows no redirect away from `https`. To be
    /// subclassed by apps with a delegate of their own.
    ///
    /// The selectors are written out: a method that Foundation does not find is one that refuses nothing.
    open class PinnedSessionDelegate: NSObject, URLSessionTaskDelegate, @unchecked Sendable {
        private let pins: Pintle
        private let refused: @Sendable (String, PintleError) -> Void

        /// `refused` is told of hosts that the pins refuse.
        public init(_ pins: Pintle, refused: @escaping @Sendable (String, PintleError) -> Void = { _, _ in }) {
            (self.pins, self.refused) = (pins, refused)
        }

        /// Of every connection.
        #if canImport(ObjectiveC)
            @objc(URLSession:didReceiveChallenge:completionHandler:)
        #endif
        public final func urlSession(
            _: URLSession, didReceive challenge: URLAuthenticationChallenge,
            completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            answer(challenge, completionHandler)
        }

        /// Of what concerns one task.
        #if canImport(ObjectiveC)
            @objc(URLSession:task:didReceiveChallenge:completionHandler:)
        #endif
        public final func urlSession(
            _: URLSession, task _: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
            completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            answer(challenge, completionHandler)
        }

        /// Nothing but TLS is pinned.
        #if canImport(ObjectiveC)
            @objc(URLSession:task:willPerformHTTPRedirection:newRequest:completionHandler:)
        #endif
        open func urlSession(
            _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse,
            newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
        ) {
            completionHandler(request.url?.scheme?.lowercased() == "https" ? request : nil)
        }

        private func answer(
            _ challenge: URLAuthenticationChallenge,
            _ completionHandler: @escaping (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
        ) {
            let (host, refused) = (challenge.protectionSpace.host, refused)
            pins.respond(to: challenge, refused: { refused(host, $0) }, completionHandler: completionHandler)
        }
    }
#endif
