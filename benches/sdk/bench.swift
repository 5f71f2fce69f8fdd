// What pinning costs in Swift: `App FOLDER PORT`, by `cargo xtask bench sdk`, in place of the example's main.swift. A line of JSON for each
// figure. The handshakes are OpenSSL's: Apple's stacks are not here.
import Foundation
import Pintle

let host = "localhost"
let folder = URL(fileURLWithPath: CommandLine.arguments[1])
let port = UInt16(CommandLine.arguments[2]) ?? 0

struct Refused: Error {}

func measure(_ times: Int, _ work: () throws -> Void) rethrows -> [UInt64] {
    try (0..<times).map { _ in
        let begun = DispatchTime.now().uptimeNanoseconds
        try work()
        return DispatchTime.now().uptimeNanoseconds - begun
    }
}

func tell(_ name: String, _ taken: [UInt64]) {
    let sorted = taken.sorted()
    let at = { (share: Double) in sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] }
    print("{\"name\": \"\(name)\", \"least\": \(sorted[0]), \"p50\": \(at(0.5)), \"p99\": \(at(0.99))}")
}

var options = Pintle.Options(storageDirectory: folder.appendingPathComponent("storage"))
options.dangerousAllowHTTPLoopback = true

func setUp() throws -> Pintle {
    let pins = try Pintle(Pintle.Root(contentsOf: folder.appendingPathComponent("pintle.json")), options: options)
    try pins.waitUntilReady()
    return pins
}

try setUp().close()
var held: [Pintle] = []
tell("set-up", try measure(200) { held.append(try setUp()) })
held.dropFirst().forEach { $0.close() }
let pins = held[0]

let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
let evidence = try client.connect(host, port).evidence()
func decide(_ evidence: Pintle.Evidence) throws {
    if !pins.check(evidence).isAllowed { throw Refused() }
}
_ = try measure(1000) { try decide(evidence) }
tell("decision", try measure(20_000) { try decide(evidence) })

var (unpinned, pinned): ([UInt64], [UInt64]) = ([], [])
for _ in 0..<300 {
    unpinned += try measure(1) { _ = try client.connect(host, port) }
    pinned += try measure(1) { try decide(try client.connect(host, port).evidence()) }
}
tell("handshake, unpinned", unpinned)
tell("handshake, pinned", pinned)
pins.close()
