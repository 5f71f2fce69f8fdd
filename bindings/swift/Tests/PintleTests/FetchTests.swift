import CPintle
import Foundation
import XCTest

@testable import Pintle

/// What the fetcher asks of a CDN, and what it makes of the answers.
final class FetchTests: XCTestCase {
    private func answer(
        _ response: String, maxBytes: Int = 1000, timeout: TimeInterval = 5, etag: String? = nil, noCache: Bool = false,
        body: String? = nil, closes: Bool = true
    ) throws -> (answer: Answer, requests: [String]) {
        let cdn = try CannedCDN(response, closes: closes)
        let fetch = Fetch(
            id: 1, url: "http://127.0.0.1:\(cdn.port)/pins.jws", body: body, etag: etag, noCache: noCache, maxBytes: maxBytes,
            timeout: timeout)
        let answer = URLSessionFetcher(.ephemeral).answer(fetch)
        return (answer, cdn.end())
    }

    func testAsksAsTheProtocolSays() throws {
        let response = "HTTP/1.1 200 OK\r\nETag: \"b\"\r\nContent-Length: 4\r\n\r\nbody"
        let (answer, requests) = try answer(response, etag: "\"a\"", noCache: true)
        XCTAssertEqual(answer, Answer(status: 200, etag: "\"b\"", body: Data("body".utf8)))
        let lines = Set(requests[0].lowercased().components(separatedBy: "\r\n"))
        XCTAssertTrue(lines.contains("get /pins.jws http/1.1"))
        XCTAssertTrue(lines.contains("accept-encoding: identity"), "\(lines)")
        XCTAssertTrue(lines.contains("if-none-match: \"a\""))
        XCTAssertTrue(lines.contains("cache-control: no-cache"))
        XCTAssertTrue(lines.contains { $0.hasPrefix("user-agent: pintle-swift/") })
        XCTAssertFalse(lines.contains { $0.hasPrefix("cookie:") })
    }

    func testSendsAReportAndTakesNothingButTheStatus() throws {
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
        let (answer, requests) = try answer(response, maxBytes: 0, body: "{}")
        XCTAssertEqual(answer, Answer(status: 200))
        let lines = Set(requests.joined().lowercased().components(separatedBy: "\r\n"))
        XCTAssertTrue(lines.contains("post /pins.jws http/1.1"), "\(lines)")
        XCTAssertTrue(lines.contains("content-type: application/json"), "\(lines)")
        XCTAssertTrue(requests.joined().hasSuffix("{}"), "\(requests)")
    }

    func testFollowsNoRedirect() throws {
        let elsewhere = try CannedCDN("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let response = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:\(elsewhere.port)/\r\nContent-Length: 0\r\n\r\n"
        XCTAssertEqual(try answer(response).answer.status, 302)
        XCTAssertEqual(elsewhere.end(), [])
    }

    func testTakesNoMoreThanItIsToldTo() throws {
        let body = String(repeating: "a", count: 1001)
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n\(body)"
        XCTAssertEqual(try answer(response).answer, Answer(error: "more than 1000 bytes"))
        XCTAssertEqual(try answer(response, maxBytes: 1001).answer.body.count, 1001)
    }

    func testWhatIsNoConfigurationIsNotKept() throws {
        let response = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbody"
        XCTAssertEqual(try answer(response).answer, Answer(status: 503, retryAfter: "7"))
    }

    func testAnAnswerThatEndsEarlyOrNeverIsNone() throws {
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbody"
        XCTAssertEqual(try answer(response).answer.status, 0)
        let start = Date()
        let endless = try answer(response, timeout: 1, closes: false).answer
        XCTAssertEqual(endless.status, 0)
        XCTAssertNotNil(endless.error)
        XCTAssertLessThan(Date().timeIntervalSince(start), 4)
    }
}

extension Fetch {
    fileprivate init(
        id: UInt64, url: String, body: String?, etag: String?, noCache: Bool, maxBytes: Int, timeout: TimeInterval
    ) {
        self = withText(url) { url in
            withText(body) { body in
                withText(etag) { etag in
                    Fetch(
                        PintleFetch(
                            id: id, url: url, body: body, etag: etag, user_agent: nil, no_cache: noCache,
                            max_bytes: maxBytes, timeout_ms: UInt32(timeout * 1000)))
                }
            }
        }
    }
}

/// Answers every connection with the same bytes.
private final class CannedCDN {
    let port: UInt16
    private let descriptor: Int32
    private let requests = Guarded<[String]>([])
    private let ended = DispatchSemaphore(value: 0)

    init(_ response: String, closes: Bool = true) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else { throw CocoaError(.fileReadUnknown) }
        port = UInt16(bigEndian: address.sin_port)
        let (requests, ended) = (requests, ended)
        Thread.detachNewThread {
            var kept: [Int32] = []
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { break }
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = read(connection, &bytes, bytes.count)
                requests.change { $0.append(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)) }
                _ = send(connection, response, response.utf8.count, Int32(MSG_NOSIGNAL))
                if closes { close(connection) } else { kept.append(connection) }
            }
            kept.forEach { _ = close($0) }
            ended.signal()
        }
    }

    /// What was asked. Nobody answers any more.
    func end() -> [String] {
        shutdown(descriptor, Int32(SHUT_RDWR))
        ended.wait()
        close(descriptor)
        return requests.value
    }
}
