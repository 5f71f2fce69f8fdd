import CPintle
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Makes one request, on the thread that asks.
typealias FetchFunction = @Sendable (Fetch) -> Answer

/// One request that the library asks for.
struct Fetch: Sendable, Equatable {
    let id: UInt64
    let url: String
    /// What to POST; a GET without.
    let body: String?
    let etag: String?
    let noCache: Bool
    let maxBytes: Int
    let timeout: TimeInterval

    init(_ fetch: PintleFetch) {
        id = fetch.id
        url = String(cString: fetch.url)
        body = fetch.body.map { String(cString: $0) }
        etag = fetch.etag.map { String(cString: $0) }
        noCache = fetch.no_cache
        maxBytes = fetch.max_bytes
        timeout = TimeInterval(fetch.timeout_ms) / 1000
    }
}

/// What came of it.
struct Answer: Sendable, Equatable {
    /// 0: no complete answer came, `error` says why.
    var status: UInt16 = 0
    var etag: String?
    var retryAfter: String?
    var body = Data()
    var error: String?

    func withAnswer<Result>(_ body: (UnsafePointer<PintleAnswer>) -> Result) -> Result {
        withText(etag) { etag in
            withText(retryAfter) { retryAfter in
                withText(error) { error in
                    withBytes(self.body) { bytes in
                        var answer = PintleAnswer(
                            status: status, etag: etag, retry_after: retryAfter, body: bytes, error: error)
                        return body(&answer)
                    }
                }
            }
        }
    }
}

/// Fetches by `URLSession`: ordinary TLS, no redirect, no cache, no cookies.
struct URLSessionFetcher: Sendable {
    private let configuration: URLSessionConfiguration

    init(_ configuration: URLSessionConfiguration) {
        // Ours alone: what is set here must not reach the app's own sessions.
        let own = configuration.copy() as? URLSessionConfiguration ?? .ephemeral
        own.urlCache = nil
        own.requestCachePolicy = .reloadIgnoringLocalCacheData
        own.httpCookieStorage = nil
        own.httpShouldSetCookies = false
        self.configuration = own
    }

    func answer(_ fetch: Fetch) -> Answer {
        guard let url = URL(string: fetch.url) else { return Answer(error: "no URL: \(fetch.url)") }
        var request = URLRequest(url: url, timeoutInterval: fetch.timeout)
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        request.setValue(userAgent, forHTTPHeaderField: "User-Agent")
        request.setValue(fetch.etag, forHTTPHeaderField: "If-None-Match")
        if fetch.noCache { request.setValue("no-cache", forHTTPHeaderField: "Cache-Control") }
        if let body = fetch.body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        // Of a report's answer the status is all there is to know.
        let get = Get(maxBytes: fetch.body == nil ? fetch.maxBytes : nil)
        let session = URLSession(configuration: configuration, delegate: get, delegateQueue: nil)
        defer { session.invalidateAndCancel() }
        session.dataTask(with: request).resume()
        return get.wait(fetch.timeout)
    }
}

private let userAgent = "pintle-swift/\(Pintle.version) level/\(Pintle.protocolLevel)"

/// Gathers one answer.
private final class Get: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let maxBytes: Int?
    private let ended = DispatchSemaphore(value: 0)
    /// Touched by the session's queue until `ended` is signalled, and by `wait` afterwards.
    private var answer = Answer()
    private var isTooLong = false

    /// Without `maxBytes` no body is taken.
    init(maxBytes: Int?) {
        self.maxBytes = maxBytes
    }

    func wait(_ timeout: TimeInterval) -> Answer {
        guard ended.wait(timeout: .now() + timeout) == .success else {
            return Answer(error: "the last byte did not come within \(timeout) seconds")
        }
        return answer
    }

    func urlSession(
        _: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        if let response = response as? HTTPURLResponse {
            answer.status = UInt16(clamping: response.statusCode)
            answer.etag = response.value(forHTTPHeaderField: "ETag")
            answer.retryAfter = response.value(forHTTPHeaderField: "Retry-After")
        }
        completionHandler(.allow)
    }

    func urlSession(_: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        // Only a configuration is of use.
        guard answer.status == 200, !isTooLong, let maxBytes else { return }
        isTooLong = answer.body.count + data.count > maxBytes
        if isTooLong {
            dataTask.cancel()
        } else {
            answer.body.append(data)
        }
    }

    func urlSession(_: URLSession, task _: URLSessionTask, didCompleteWithError error: Error?) {
        if isTooLong {
            answer = Answer(error: "more than \(maxBytes ?? 0) bytes")
        } else if let error {
            answer = Answer(error: error.localizedDescription)
        }
        ended.signal()
    }

    /// A redirect is a failure: it ends as the status it is.
    func urlSession(
        _: URLSession, task _: URLSessionTask, willPerformHTTPRedirection _: HTTPURLResponse,
        newRequest _: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
