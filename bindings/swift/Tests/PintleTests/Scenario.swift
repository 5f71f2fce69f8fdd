import Foundation
import XCTest

@testable import Pintle

/// An installation that lives through steps.
final class Scenario {
    private let shared: Object
    private let folder: URL
    private var installation: Installation!
    private var bundle = Data()
    private var fetches: [Fetch] = []
    private var generation: UInt64?

    /// What a step brought to light, beside events.
    private struct Brought {
        var fetches: [Fetch] = []
        var waitMs: UInt64?
        var judged: String?
        var decision: String?
    }

    init(_ shared: Object, _ folder: URL) {
        (self.shared, self.folder) = (shared, folder)
    }

    private var directory: URL { folder.appendingPathComponent("state") }

    private func store() throws -> URL {
        let elsewhere = folder.appendingPathComponent("name")
        defer { try? FileManager.default.removeItem(at: elsewhere) }
        return directory.appendingPathComponent(try findStore(elsewhere, bundle).lastPathComponent)
    }

    private func shared(_ kind: String, _ name: Any?) -> Any? {
        (name as? String).flatMap { (shared[kind] as? Object)?[$0] }
    }

    private func body(_ name: Any?) -> Data? {
        (shared("bodies", name) as? String).map { Data($0.utf8) }
    }

    func problem(_ input: Object, _ expected: Object) throws -> String? {
        for (index, step) in (input["steps"] as? [Object] ?? []).enumerated() {
            if let problem = try take(step) { return "step \(index), \(step["do"] ?? ""): \(problem)" }
        }
        let kept = try persisted(try store())
        return isSame(kept, expected) ? nil : "persisted: \(kept)"
    }

    private func take(_ step: Object) throws -> String? {
        let monotonicMs = number(step["monotonic_ms"])
        installation?.setClock(number(step["now"]), monotonicMs)
        let brought = try act(step)
        let earlier = fetches
        fetches += brought.fetches
        // Decisions and the refreshes they force are seen where they are asked for.
        let told = installation.takeTold().filter { !["connection", "refresh_forced"].contains($0.kind) }
        let codes = told.compactMap(\.code).sorted()
        let (before, now) = (generation, installation.native.generation)
        generation = now
        let expect = step["expect"] as? Object ?? [:]
        if let events = expect["events"] as? [String], events.sorted() != codes { return "events \(codes)" }
        if let moved = expect["generation"] as? String, moved != before.map({ now > $0 ? "raised" : "kept" }) {
            return "generation \(now) after \(String(describing: before))"
        }
        if expect["decision"] as? String != brought.decision { return "decision \(brought.decision ?? "none")" }
        // Neither is of use, and C says no more.
        let judged = expect["judged"] as? String
        if (judged == "too_late" ? "unchanged" : judged) != brought.judged { return "judged \(brought.judged ?? "none")" }
        return problemOfPoll(expect, brought, earlier, monotonicMs)
    }

    private func problemOfPoll(
        _ expect: Object, _ brought: Brought, _ earlier: [Fetch], _ monotonicMs: UInt64
    ) -> String? {
        if let expected = expect["fetch"] as? Object {
            var asked = (expected["unlike"] as? [Any] ?? []).map { earlier[Int(number($0))].url }
            let timeouts = (expected["timeout_ms"] as? [Any] ?? []).map { number($0) }
            let urls = expected["urls"] as? Object ?? [:]
            let bodies = expected["bodies"] as? Object ?? [:]
            for fetch in brought.fetches {
                let etag = urls[fetch.url].map { $0 as? String }
                let isExpected =
                    !asked.contains(fetch.url) && etag == .some(fetch.etag)
                    && body(of: fetch) == bodies[fetch.url] as? NSObject
                    && fetch.noCache == expected["no_cache"] as? Bool
                    && (timeouts[0]...timeouts[1]).contains(UInt64((fetch.timeout * 1000).rounded()))
                guard isExpected else { return "\(fetch)" }
                asked.append(fetch.url)
            }
            return UInt64(brought.fetches.count) == number(expected["count"]) ? nil : "\(brought.fetches.count) fetches"
        }
        let range = (expect["idle_until_ms"] as? [Any])?.map { number($0) }
        let isInTime = range.map { range in
            brought.waitMs.map { (range[0]...range[1]).contains($0 + monotonicMs) } ?? false
        }
        let wasAskedToWait = expect["waiting"] as? Bool == true || range != nil
        let isFine = brought.fetches.isEmpty && isInTime ?? true && wasAskedToWait == (brought.waitMs != nil)
        return isFine ? nil : "\(brought.fetches.count) fetches, idle for \(String(describing: brought.waitMs))"
    }

    private func act(_ step: Object) throws -> Brought {
        let files = FileManager.default
        let away = folder.appendingPathComponent("away")
        switch step["do"] as? String {
        case "start": try start(step)
        case "reconfigure":
            bundle = json(shared("bundles", step["root"]) ?? "")
            // Not by the function that waits: nobody answers in time here.
            XCTAssertThrowsError(try installation.native.reconfigure(Pintle.Root(json: bundle), 0)) {
                XCTAssertEqual(($0 as? PintleError)?.code, "fetch_failed")
            }
        case "set_mode": installation.native.setPermissive(step["mode"] as? String == "permissive")
        case "poll":
            let (fetches, waitMs) = installation.poll()
            return Brought(fetches: fetches, waitMs: waitMs)
        case "answer": return Brought(judged: answer(step))
        case "check":
            let certificate = try need(bytes(shared("certificates", step["certificate"])))
            let evidence = Pintle.Evidence(
                host: step["host"] as? String ?? "", presented: [certificate], verifiedPath: nil,
                platformAccepts: step["platform"] as? String == "accepted")
            let decision = installation.check(evidence)
            let word = decision["verdict"] as? String == "refused" ? decision["code"] : decision["verdict"]
            return Brought(decision: word as? String)
        case "wait": break
        case "damage":
            let name = step["part"] as? String == "file" ? "pins.jws" : "state.json"
            try Data("damaged".utf8).write(to: try store().appendingPathComponent(name))
        case "replace_file": try body(step["body"])?.write(to: try store().appendingPathComponent("pins.jws"))
        case "break_store":
            try files.moveItem(at: directory, to: away)
            try Data().write(to: directory)
        case "mend_store":
            try files.removeItem(at: directory)
            try files.moveItem(at: away, to: directory)
        default: throw PintleError(code: "internal_error", message: "no such step")
        }
        return Brought()
    }

    private func start(_ step: Object) throws {
        (installation, generation) = (nil, nil)
        bundle = json(shared("bundles", step["root"]) ?? "")
        var start = Installation.Start(bundle: bundle, now: number(step["now"]))
        start.monotonicMs = number(step["monotonic_ms"])
        start.random = UInt64(step["random"] as? String ?? "", radix: 16) ?? 0
        start.options.seed = body(step["seed"])
        start.options.isPermissive = step["mode"] as? String == "permissive"
        start.options.storageDirectory = step["store"] as? Bool == true ? directory : nil
        start.options.fetchTimeout = TimeInterval(number(step["fetch_timeout_ms"])) / 1000
        start.options.reportTo = (step["report_to"] as? String).flatMap { URL(string: $0) }
        installation = try Installation(start)
    }

    private func body(of fetch: Fetch) -> NSObject? {
        fetch.body.flatMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) } as? NSObject
    }

    private func answer(_ step: Object) -> String {
        let (fetch, with) = (fetches[Int(number(step["to"]))], step["with"] as? Object ?? [:])
        let byURL = (with["etag_by_url"] as? Object ?? [:]).first { fetch.url.hasPrefix($0.key) }?.value
        let answer = Answer(
            status: UInt16(number(with["status"])), etag: (with["etag"] ?? byURL) as? String,
            retryAfter: (with["retry_after"] as? NSNumber).map { "\($0)" }, body: body(with["body"]) ?? Data())
        let before = installation.native.generation
        if installation.give(answer, to: fetch) != nil { return "rejected" }
        // C tells what was of no use, nothing more; a new configuration shows in the generation.
        return installation.native.generation > before ? "updated" : "unchanged"
    }
}
