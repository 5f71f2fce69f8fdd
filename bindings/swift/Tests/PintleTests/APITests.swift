import Foundation
import XCTest

@testable import Pintle

/// What a developer meets before any client does.
final class APITests: XCTestCase {
    private var gauntlet: Gauntlet!

    override func setUpWithError() throws {
        gauntlet = try Gauntlet()
    }

    override func tearDown() {
        gauntlet = nil
    }

    private func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "ok"
        } catch {
            return (error as? PintleError)?.code ?? "\(error)"
        }
    }

    private func values(_ folder: URL) throws -> Object {
        let bundle = try Data(contentsOf: folder.appendingPathComponent("pintle.json"))
        return try XCTUnwrap(try JSONSerialization.jsonObject(with: bundle) as? Object)
    }

    private func open(_ root: Pintle.Root) throws -> Pintle {
        var options = Pintle.Options()
        options.dangerousAllowHTTPLoopback = true
        return try Pintle(root, options: options)
    }

    func testFourValuesAndAPropertyListAreAsGoodAsABundle() async throws {
        let folder = try gauntlet.start("pinned_leaf")
        let values = try values(folder)
        let four = Pintle.Root(
            organization: try XCTUnwrap(values["organization"] as? String),
            project: try XCTUnwrap(values["project"] as? String),
            publicKey: try XCTUnwrap(values["public_key"] as? String),
            urls: try XCTUnwrap(values["urls"] as? [String]), builtAt: Date())
        for format in [PropertyListSerialization.PropertyListFormat.xml, .binary] {
            let plist = try PropertyListSerialization.data(fromPropertyList: values, format: format, options: 0)
            let file = folder.appendingPathComponent("Pintle.plist")
            try plist.write(to: file)
            for root in [four, try Pintle.Root(plist: plist), try Pintle.Root(contentsOf: file)] {
                let pins = try open(root)
                try await pins.ready()
                XCTAssertGreaterThan(pins.generation, 0)
            }
        }
    }

    func testAWrongRootIsNamed() async throws {
        let date = try PropertyListSerialization.data(
            fromPropertyList: ["organization": Date()], format: .xml, options: 0)
        let wrong: [() throws -> Void] = [
            { _ = try Pintle(Pintle.Root(json: Data())) },
            { _ = try Pintle(Pintle.Root(json: Data("{".utf8))) },
            { _ = try Pintle(Pintle.Root(organization: "acme", project: "app", publicKey: "x", urls: [])) },
            { _ = try Pintle.Root(plist: Data("<plist>".utf8)) },
            { _ = try Pintle.Root(plist: date) },
            { _ = try Pintle.Root(infoOf: Bundle.main) },
            { _ = try Pintle.Root(contentsOf: URL(fileURLWithPath: "/nowhere.json")) },
        ]
        for make in wrong { expect(await code { try make() }, "setup_invalid") }
        let bundle = try Pintle.Root(
            contentsOf: try gauntlet.start("pinned_leaf").appendingPathComponent("pintle.json"))
        // Its URL is http, of this machine: not without being told.
        XCTAssertThrowsError(try Pintle(bundle)) { XCTAssertEqual(($0 as? PintleError)?.code, "setup_invalid") }
    }

    func testWhatIsNoTimeIsNamedOrNone() async throws {
        var options = Pintle.Options()
        (options.dangerousAllowHTTPLoopback, options.fetchTimeout) = (true, .nan)
        let bundle = try Pintle.Root(
            contentsOf: try gauntlet.start("pinned_leaf").appendingPathComponent("pintle.json"))
        XCTAssertThrowsError(try Pintle(bundle, options: options)) { expect(($0 as? PintleError)?.code, "setup_invalid") }
        options.fetchTimeout = .infinity
        let pins = try Pintle(bundle, options: options)
        try await pins.ready(timeout: .infinity)
        let code = await code { try await pins.reconfigure(bundle, timeout: .nan) }
        XCTAssertTrue(["ok", "fetch_failed"].contains(code), code)
    }

    func testTheFirstStartWithoutANetworkSaysSoAndLaterOnesBeginFromWhatWasKept() async throws {
        let folder = try gauntlet.start("pinned_leaf")
        let kept = folder.appendingPathComponent("kept")
        _ = try await start(folder) { $0.storageDirectory = kept }
        try gauntlet.change("cdn_dead")
        expect(await code { _ = try await start(folder) }, "fetch_failed")
        let again = try await start(folder) { $0.storageDirectory = kept }
        let client = OpenSSLClient(again, authorities: folder.appendingPathComponent("ca.pem"))
        XCTAssertEqual(try client.get("localhost", gauntlet.port), 200)
    }

    func testADirectoryThatCannotBeWrittenIsToldAndChangesNothing() async throws {
        let folder = try gauntlet.start("pinned_leaf")
        let told = Guarded<[String]>([])
        let pins = try await start(folder) { options in
            options.storageDirectory = folder.appendingPathComponent("pintle.json/below")
            options.listener = { event in told.change { $0.append(event.kind) } }
        }
        XCTAssertGreaterThan(pins.generation, 0)
        XCTAssertTrue(told.value.contains("store_failed"), "\(told.value)")
    }

    func testTheListenerIsToldWhatMattersAndMayCallBack() async throws {
        let folder = try gauntlet.start("wrong_leaf_from_trusted_ca")
        let (told, seen) = (Guarded<[Pintle.Event]>([]), Guarded<Pintle?>(nil))
        let pins = try await start(folder) { options in
            options.leastSeverity = .warn
            options.listener = { event in
                // It comes from inside of a check.
                _ = seen.value?.generation
                try? seen.value?.setPermissive(false)
                told.change { $0.append(event) }
            }
        }
        seen.value = pins
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        XCTAssertThrowsError(try client.get("localhost", gauntlet.port)) {
            XCTAssertEqual(($0 as? PintleError)?.code, "pin_mismatch")
        }
        let refusal = told.value.first { $0.code == "pin_mismatch" && $0.kind == "connection" }
        XCTAssertEqual(refusal?.host, "localhost")
        XCTAssertTrue(told.value.allSatisfy { $0.severity >= .warn }, "\(told.value)")
        seen.value = nil
    }

    func testACheckThatWaitsForNewsBlocksNoTask() async throws {
        let folder = try gauntlet.start("rotation_while_running")
        let pins = try await start(folder)
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        try gauntlet.change("rotate")
        let evidence = try client.connect("localhost", gauntlet.port).evidence()
        expect(await pins.check(evidence).verdict, .pinned(pin: 0, position: 0))
    }

    func testAnotherRootIsTakenUp() async throws {
        let other = try Pintle.Root(contentsOf: try gauntlet.start("pinned_leaf").appendingPathComponent("pintle.json"))
        let pins = try await start(try gauntlet.start("pinned_leaf"))
        let generation = pins.generation
        // The other project's CDN ended with its case: nothing is in force, and everything refused.
        expect(await code { try await pins.reconfigure(other, timeout: 15) }, "fetch_failed")
        XCTAssertGreaterThan(pins.generation, generation)
        let evidence = Pintle.Evidence(
            host: "localhost", presented: [Data([0x30, 0])], verifiedPath: nil, platformAccepts: true)
        expect(await pins.check(evidence).code, "config_missing")
        expect(await code { try await pins.reconfigure(Pintle.Root(json: Data())) }, "setup_invalid")
    }

    func testHostsThatAreNoneAreRefused() async throws {
        let pins = try await start(try gauntlet.start("pinned_leaf"))
        for host in ["", "localhost\0.evil.example", "bücher.example", "a b", String(repeating: "a", count: 300)] {
            let evidence = Pintle.Evidence(host: host, presented: [], verifiedPath: nil, platformAccepts: true)
            expect(await pins.check(evidence).code, "host_invalid", host)
        }
        let huge = Pintle.Evidence(
            host: "localhost", presented: [Data(count: 1 << 24)], verifiedPath: nil, platformAccepts: true)
        expect(await pins.check(huge).code, "certificate_unparsable")
    }

    func testAfterCloseNothingIsDecidedAndWhatIsKeptIsRefused() async throws {
        let folder = try gauntlet.start("pinned_leaf")
        let pins = try await start(folder)
        let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
        XCTAssertEqual(try client.get("localhost", gauntlet.port), 200)
        pins.close()
        pins.close()
        XCTAssertThrowsError(try client.get("localhost", gauntlet.port)) {
            XCTAssertEqual(($0 as? PintleError)?.code, "setup_invalid")
        }
        XCTAssertEqual(try gauntlet.seen().requests, 1)
        expect(await code { try await pins.refresh() }, "setup_invalid")
        XCTAssertEqual(pins.generation, 0)
    }

    func testManyThreadsAndInstancesEndTogether() async throws {
        let folder = try gauntlet.start("pinned_leaf")
        let client = OpenSSLClient(try await start(folder), authorities: folder.appendingPathComponent("ca.pem"))
        let evidence = try client.connect("localhost", gauntlet.port).evidence()
        for _ in 0..<20 {
            let pins = try await start(folder)
            await withTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        if number == 3 { try? await pins.refresh() }
                        if number == 7 { pins.close() }
                        let decision = await pins.check(evidence)
                        return decision.isAllowed || decision.code == "setup_invalid"
                    }
                }
                for await isExpected in group { XCTAssertTrue(isExpected) }
            }
        }
    }

    func testWhatIsGivenAwayIsFreed() async throws {
        final class Canary: Sendable {}
        let folder = try gauntlet.start("pinned_leaf")
        weak var seen: Canary?
        try await {
            let canary = Canary()
            seen = canary
            let pins = try await start(folder) { $0.listener = { _ in withExtendedLifetime(canary) {} } }
            pins.close()
        }()
        // The refresher's thread may hold it for a moment.
        let deadline = Date() + 10
        while seen != nil, Date() < deadline { await Task.yield() }
        XCTAssertNil(seen)
    }

    func testThePlatformIsToldNoMoreThanWasDecided() async throws {
        for (name, disposition) in [
            ("pinned_leaf", Pintle.Disposition.leaveToPlatform), ("report_only", .leaveToPlatform),
            ("self_signed_trusted_by_pins", .trustInstead), ("self_signed", .refuse), ("same_name_root", .refuse),
        ] {
            let folder = try gauntlet.start(name)
            let pins = try await start(folder)
            let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
            let evidence = try client.connect("localhost", gauntlet.port).evidence()
            let decision = await pins.check(evidence)
            XCTAssertEqual(Pintle.Disposition(of: decision, platformAccepts: evidence.platformAccepts), disposition, name)
        }
    }

    func testWhatStandsOnOneGenerationIsMadeAnewInTheNext() {
        let (generation, made, retired) = (Guarded(1), Guarded(0), Guarded<[Int]>([]))
        var sessions: PerGeneration<Int>? = PerGeneration(of: { UInt64(generation.value) }) {
            made.change {
                $0 += 1; return $0
            }
        } retire: { session in
            retired.change { $0.append(session) }
        }
        XCTAssertEqual([sessions?.current, sessions?.current], [1, 1])
        generation.value = 2
        XCTAssertEqual([sessions?.current, sessions?.current], [2, 2])
        XCTAssertEqual(retired.value, [1])
        sessions = nil
        XCTAssertEqual(retired.value, [1, 2])
    }
}

/// `XCTAssertEqual` for what was awaited.
private func expect<Value: Equatable>(
    _ seen: Value, _ expected: Value, _ message: String = "", file: StaticString = #filePath, line: UInt = #line
) {
    XCTAssertEqual(seen, expected, message, file: file, line: line)
}
