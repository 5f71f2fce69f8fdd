import Foundation
import XCTest

@testable import Pintle

/// Every case of the gauntlet, with a real server, a real handshake and the real fetcher.
final class GauntletTests: XCTestCase {
    func testEveryCaseEndsAsTheTableSays() async throws {
        let gauntlet = try Gauntlet()
        var differences: [String] = []
        for one in try gauntlet.cases() { differences += try await walk(one, gauntlet) }
        XCTAssertEqual(differences, [])
        XCTAssertNil(try gauntlet.hold("Swift"))
    }

    func testAConnectionThatIsStillPinnedIsKeptAcrossARelease() async throws {
        let gauntlet = try Gauntlet()
        let folder = try gauntlet.start("kept_connection_after_release")
        let pins = try await start(folder)
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        XCTAssertEqual(try client.get("localhost", gauntlet.port), 200)
        try gauntlet.change("release")
        try await pins.refresh()
        XCTAssertEqual(try client.get("localhost", gauntlet.port), 200)
        XCTAssertEqual(try gauntlet.seen(), Seen(connections: 1, handshakes: 1, resumed: 0, requests: 2))
    }

    func testAKeptConnectionIsRefusedOnceItsPinHasExpired() async throws {
        let gauntlet = try Gauntlet()
        let folder = try gauntlet.start("pinned_leaf")
        let pins = try await start(folder)
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        XCTAssertEqual(try client.get("localhost", gauntlet.port), 200)
        try gauntlet.change("expire_soon")
        try await pins.refresh()
        let deadline = Date() + 20
        var (requests, refusal) = (0, PintleError?.none)
        while refusal == nil, Date() < deadline {
            requests = try gauntlet.seen().requests
            do { _ = try client.get("localhost", gauntlet.port) } catch let error as PintleError { refusal = error }
        }
        XCTAssertEqual(refusal?.code, "all_pins_expired")
        XCTAssertEqual(try gauntlet.seen(), Seen(connections: 1, handshakes: 1, resumed: 0, requests: requests))
    }

    private func walk(_ one: Case, _ gauntlet: Gauntlet) async throws -> [String] {
        let folder = try gauntlet.start(one.name)
        var (ends, differences): ([String], [String]) = ([], [])
        func compare(_ what: Any, _ seen: String, _ expected: String?) {
            if seen != expected { differences.append("\(one.name): \(what): \(seen)") }
        }
        let pins = try await start(folder)
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        for step in one.steps {
            switch step.do {
            case "get":
                let before = try gauntlet.seen().requests
                let end = outcome { try client.get(step.host ?? "", gauntlet.port) }
                compare(step, end, step.expect)
                ends.append(end)
                let arrived = try gauntlet.seen().requests - before
                compare(step, "\(arrived) requests", step.expect == "ok" ? "1 requests" : "0 requests")
            case "refresh":
                do {
                    try await pins.refresh()
                    compare(step, "ok", step.expect)
                } catch let error as PintleError {
                    compare(step, error.code, step.expect)
                }
            case "permissive": try pins.setPermissive(true)
            default: try gauntlet.change(step.change ?? "")
            }
        }
        compare("sessions", "\(try gauntlet.seen().resumed) resumed", "0 resumed")
        try gauntlet.walked(Walk(case: one.name, client: "OpenSSL", ends: ends))
        return differences
    }

    private func outcome(_ get: () throws -> Int) -> String {
        do {
            let status = try get()
            return status == 200 ? "ok" : "\(status)"
        } catch let error as PintleError {
            return error.code
        } catch {
            return "\(error)"
        }
    }
}
