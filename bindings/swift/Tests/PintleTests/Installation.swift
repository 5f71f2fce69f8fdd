import CPintle
import CPintleDoor
import Foundation
import XCTest

@testable import Pintle

typealias Object = [String: Any]

/// When every shared file is accepted.
let acceptedAt: UInt64 = 1_800_000_000

/// An installation with clocks and chance of ours, in the types of the vectors.
final class Installation {
    let native: Native
    private let told = Guarded<[Pintle.Event]>([])

    struct Start {
        var bundle: Data
        var now = acceptedAt
        var monotonicMs: UInt64 = 1
        var random: UInt64 = 1
        var options = Pintle.Options()
    }

    init(_ start: Start) throws {
        let told = self.told
        var options = start.options
        options.listener = { event in told.change { $0.append(event) } }
        native = try Native(Pintle.Root(json: start.bundle), options, fetch: nil) { options, place in
            pintle_dangerous_test_open(options, start.random, start.now, start.monotonicMs, place)
        }
    }

    func setClock(_ now: UInt64, _ monotonicMs: UInt64) {
        pintle_dangerous_test_set_clock(native.pointer, now, monotonicMs)
    }

    /// Events since the last call, in order.
    func takeTold() -> [Pintle.Event] {
        told.change { told in
            defer { told = [] }
            return told
        }
    }

    /// Everything to fetch now, and how long nothing more is.
    func poll() -> (fetches: [Fetch], waitMs: UInt64) {
        var (fetches, fetch, waitMs): ([Fetch], PintleFetch, UInt64) = ([], PintleFetch(), 0)
        while pintle_next(native.pointer, &fetch, &waitMs) { fetches.append(Fetch(fetch)) }
        return (fetches, waitMs)
    }

    /// The code, if it was of no use.
    func give(_ answer: Answer, to fetch: Fetch) -> String? {
        answer.withAnswer { pintle_answer(native.pointer, fetch.id, $0) }.map { String(cString: $0) }
    }

    func check(_ evidence: Pintle.Evidence) -> Object {
        let decision = native.check(evidence, cannotWait: true)
        if evidence.host.utf8.contains(0) == false {
            XCTAssertEqual(decision.generation, native.generation, "a decision carries the generation")
        }
        var answer: Object = ["ct_list_stale": decision.isCTListStale]
        let entry: Any = decision.entry ?? NSNull()
        switch decision.verdict {
        case .pinned(let pin, let position):
            answer.merge(["verdict": "pinned", "entry": entry, "pin": pin, "position": position]) { $1 }
        case .notCovered: answer["verdict"] = "not_covered"
        case .reported: answer.merge(["verdict": "reported", "entry": entry, "code": decision.code ?? ""]) { $1 }
        case .refused: answer.merge(["verdict": "refused", "entry": entry, "code": decision.code ?? ""]) { $1 }
        }
        return answer
    }

    func checkFinally(_ evidence: Pintle.Evidence) -> Object {
        let answer = check(evidence)
        guard answer["code"] as? String == "retry_after_refresh" else { return answer }
        // The forced refresh brings no news, so that the refusal is final.
        for fetch in poll().fetches { XCTAssertEqual(give(Answer(), to: fetch), "fetch_failed") }
        return check(evidence)
    }
}

/// Where there is none, the case ends here: `XCTUnwrap` would fail the test even for a case that is skipped.
func need<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw PintleError(code: "internal_error", message: "something is missing") }
    return value
}

func json(_ value: Any) -> Data {
    (try? JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed)) ?? Data()
}

func isSame(_ left: Any, _ right: Any) -> Bool {
    let sorted: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed]
    let texts = [left, right].map { try? JSONSerialization.data(withJSONObject: $0, options: sorted) }
    return texts[0] != nil && texts[0] == texts[1]
}

func bytes(_ base64: Any?) -> Data? {
    (base64 as? String).flatMap { Data(base64Encoded: $0) }
}

func number(_ value: Any?) -> UInt64 {
    (value as? NSNumber)?.uint64Value ?? 0
}

func hex(_ data: Data) -> String {
    data.map { String(format: "%02x", $0) }.joined()
}

/// Where the root of `bundle` keeps what it keeps below `storage`: a first start shows it, as it draws its draw.
func findStore(_ storage: URL, _ bundle: Data) throws -> URL {
    var start = Installation.Start(bundle: bundle)
    start.options.storageDirectory = storage
    _ = try Installation(start)
    let names = try FileManager.default.contentsOfDirectory(atPath: storage.path)
    XCTAssertEqual(names.count, 1)
    return storage.appendingPathComponent(names[0])
}

/// What the memory on disk says, in the vectors' form; nulls if there is none.
func persisted(_ store: URL) throws -> Object {
    guard let memory = try? Data(contentsOf: store.appendingPathComponent("state.json")) else {
        return ["state": NSNull(), "gone": false, "draw": NSNull()]
    }
    let kept = try need(try JSONSerialization.jsonObject(with: memory) as? Object)
    var state: Any = NSNull()
    if var floor = kept["floor"] as? Object {
        let digest = Array((floor["claims_digest"] as? String ?? "").utf8)
        let pairs = stride(from: 0, to: digest.count, by: 2).map { String(decoding: digest[$0...$0 + 1], as: UTF8.self) }
        floor["claims_digest"] = Data(pairs.compactMap { UInt8($0, radix: 16) }).base64EncodedString()
        state = [
            "floor": floor, "chain": kept["chain"] ?? [], "time_floor": kept["time_floor"] ?? 0,
            "withdrawn": kept["withdrawn"] ?? false,
        ]
    }
    return ["state": state, "gone": kept["gone"] ?? false, "draw": kept["draw"] ?? NSNull()]
}

/// Puts `state`, in the vectors' form, on the disk.
func persist(_ store: URL, _ state: Object?, draw: Any = NSNull(), withdrawn: Bool = false) throws {
    var memory: Object = [
        "format": 1, "floor": NSNull(), "chain": [String](), "time_floor": 0, "withdrawn": withdrawn, "gone": false,
        "draw": draw, "etags": Object(),
    ]
    if let state {
        var floor = try need(state["floor"] as? Object)
        floor["claims_digest"] = hex(try need(bytes(floor["claims_digest"])))
        memory["floor"] = floor
        for name in ["chain", "time_floor", "withdrawn"] { memory[name] = state[name] }
    }
    try json(memory).write(to: store.appendingPathComponent("state.json"))
}
