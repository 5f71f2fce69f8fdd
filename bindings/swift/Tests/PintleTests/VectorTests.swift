import Foundation
import XCTest

@testable import Pintle

/// Runs `vectors/` through this package, as `vectors/README.md` asks.
///
/// Time, chance and what is kept on disk are the runner's, by the door that ships in no library; everything else goes the way an
/// app goes: set-up, fetches and their answers, checks, the listener.
final class VectorTests: XCTestCase {
    private let vectors = root.appendingPathComponent("vectors")

    func testEveryCaseIsAnsweredAsItSays() throws {
        let skipped = try readSkipped()
        var (ran, wrong) = (0, [String]())
        for file in try files() {
            let suite = try read(file)
            let kind = suite["kind"] as? String ?? ""
            let folder = file.deletingLastPathComponent().lastPathComponent
            let name = "\(folder)/\(file.deletingPathExtension().lastPathComponent)"
            if skipped.contains(kind) || skipped.contains(name) { continue }
            for case let one as Object in suite["cases"] as? [Any] ?? [] {
                let full = "\(name)/\(one["name"] ?? "")"
                XCTAssertLessThanOrEqual(number(one["level"]), UInt64(Pintle.protocolLevel))
                let problem = problem(kind, one, suite["shared"] as? Object ?? [:])
                if skipped.contains(full) {
                    wrong += problem == nil ? ["\(full) passes, but is skipped"] : []
                } else {
                    ran += 1
                    wrong += problem.map { ["\(full): \($0)"] } ?? []
                }
            }
        }
        XCTAssertEqual(wrong, [])
        XCTAssertGreaterThan(ran, 1300)
    }

    private func files() throws -> [URL] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: vectors.path)
        return paths.filter { $0.contains("/") && $0.hasSuffix(".json") }.sorted().map(vectors.appendingPathComponent)
    }

    private func read(_ file: URL) throws -> Object {
        try need(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? Object)
    }

    private func readSkipped() throws -> Set<String> {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("skipped.json")
        return Set(try JSONDecoder().decode([[String: String]].self, from: Data(contentsOf: file)).compactMap { $0["of"] })
    }

    private func problem(_ kind: String, _ one: Object, _ shared: Object) -> String? {
        do {
            let folder = try makeFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let input = try need(one["input"] as? Object)
            let expected = try need(one["expect"] as? Object)
            let answer: Object
            switch kind {
            case "scenario": return try Scenario(shared, folder).problem(input, expected)
            case "verify": answer = try verify(input, shared, folder)
            case "decide": answer = try decide(input, shared, folder)
            case "match": answer = ["entry": try match(input, shared, folder)["entry"] ?? NSNull()]
            case "setup": answer = try setUp(input, expected, folder)
            case "host": answer = try host(input, expected)
            case "codes": answer = ["codes": Pintle.codes]
            default: return "no such kind of case: \(kind)"
            }
            return isSame(answer, expected) ? nil : "expected \(expected), got \(answer)"
        } catch {
            return "\(error)"
        }
    }

    private func verify(_ input: Object, _ shared: Object, _ folder: URL) throws -> Object {
        let bundle = json((shared["bundles"] as? Object)?[input["root"] as? String ?? ""] ?? "")
        let store = try findStore(folder, bundle)
        try persist(store, input["state"] as? Object)
        var start = Installation.Start(bundle: bundle, now: number(input["now"]))
        start.options.storageDirectory = folder
        let installation = try Installation(start)
        _ = installation.takeTold()
        let fetch = try need(installation.poll().fetches.first)
        if let code = installation.give(Answer(status: 200, body: file(input["file"])), to: fetch) { return ["code": code] }
        let isStale = installation.takeTold().contains { $0.kind == "config_stale" }
        return ["state": try persisted(store)["state"] ?? NSNull(), "stale": isStale]
    }

    private func file(_ file: Any?) -> Data {
        if let text = file as? String { return Data(text.utf8) }
        guard let file = file as? Object else { return Data() }
        if let decoded = bytes(file["base64"]) { return decoded }
        let pieces = (file["concat"] as? [Any] ?? []).map { piece -> String in
            guard let piece = piece as? Object else { return piece as? String ?? "" }
            return String(repeating: piece["repeat"] as? String ?? "", count: Int(number(piece["times"])))
        }
        return Data(pieces.joined().utf8)
    }

    private func decide(_ input: Object, _ shared: Object, _ folder: URL) throws -> Object {
        let certificates = shared["certificates"] as? Object ?? [:]
        func chain(_ names: Any?) throws -> [Data]? {
            try (names as? [Any]).map { try $0.map { try need(bytes(certificates[$0 as? String ?? ""])) } }
        }
        var evidence = Pintle.Evidence(
            host: input["host"] as? String ?? "", presented: try chain(input["presented"]) ?? [],
            verifiedPath: try chain(input["path"]), platformAccepts: input["platform"] as? String == "accepted")
        evidence.ocspResponse = bytes(input["ocsp"])
        evidence.sctList = bytes(input["sct_tls"])
        return try decide(input, shared, folder, evidence)
    }

    private func match(_ input: Object, _ shared: Object, _ folder: URL) throws -> Object {
        let pins = try read(vectors.appendingPathComponent("decide/pins.json"))
        let certificates = (pins["shared"] as? Object)?["certificates"] as? Object
        // Whether a name has an entry shows with any certificate.
        let any = try need(bytes(certificates?.values.first))
        let host = input["host"] as? String ?? ""
        let evidence = Pintle.Evidence(host: host, presented: [any], verifiedPath: nil, platformAccepts: true)
        return try decide(input, shared, folder, evidence)
    }

    private func decide(_ input: Object, _ shared: Object, _ folder: URL, _ evidence: Pintle.Evidence) throws -> Object {
        let bundle = json((shared["bundles"] as? Object)?["plain"] ?? "")
        let (isWithdrawn, draw) = (input["file"] is Object, input["draw"] ?? NSNull())
        let keeps = isWithdrawn || !(draw is NSNull)
        if keeps { try persist(try findStore(folder, bundle), nil, draw: draw, withdrawn: isWithdrawn) }
        var start = Installation.Start(bundle: bundle)
        start.options.isPermissive = input["mode"] as? String == "permissive"
        start.options.storageDirectory = keeps ? folder : nil
        let installation = try Installation(start)
        if let name = input["file"] as? String {
            let body = Data(((shared["files"] as? Object)?[name] as? String ?? "").utf8)
            let fetch = try need(installation.poll().fetches.first)
            XCTAssertNil(installation.give(Answer(status: 200, body: body), to: fetch), name)
        }
        installation.setClock(input["t"] == nil ? acceptedAt : number(input["t"]), 2)
        return installation.checkFinally(evidence)
    }

    private func setUp(_ input: Object, _ expected: Object, _ folder: URL) throws -> Object {
        var start = Installation.Start(bundle: Data((input["bundle"] as? String ?? "").utf8))
        start.options.storageDirectory = folder
        start.options.dangerousAllowHTTPLoopback = input["http_loopback"] as? Bool ?? false
        let installation: Installation
        do {
            installation = try Installation(start)
        } catch let error as PintleError {
            return ["code": error.code]
        }
        let root = try need(expected["root"] as? Object)
        let url = try need(installation.poll().fetches.first?.url)
        XCTAssertTrue((root["pointer_urls"] as? [String] ?? []).contains(url), url)
        let store = folder.appendingPathComponent(hex(try need(bytes(root["store_key"]))))
        XCTAssertTrue(FileManager.default.fileExists(atPath: store.path))
        return expected
    }

    /// Before there is a configuration, a check tells hosts from what is none.
    private func host(_ input: Object, _ expected: Object) throws -> Object {
        let bundles = try read(vectors.appendingPathComponent("setup/bundles.json"))
        let first = (bundles["cases"] as? [Any])?.first as? Object
        let bundle = Data(((first?["input"] as? Object)?["bundle"] as? String ?? "").utf8)
        let evidence = Pintle.Evidence(
            host: input["text"] as? String ?? "", presented: [], verifiedPath: nil, platformAccepts: false)
        let code = try Installation(Installation.Start(bundle: bundle)).check(evidence)["code"] as? String
        let wanted = expected["host"] is NSNull ? "host_invalid" : "config_missing"
        return code == wanted ? expected : ["code": code ?? "none"]
    }
}
