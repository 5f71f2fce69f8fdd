// The gauntlet through the sources for Apple's platforms: OpenSSL shakes hands and verifies, the stand-ins hand that over as
// Security would, and what `URLSession` and Network.framework would be told is compared with the table.
import Foundation
import Network
import Security

@testable import Pintle

private final class NoSender: NSObject, URLAuthenticationChallengeSender {
    func use(_: URLCredential, for _: URLAuthenticationChallenge) {}
    func continueWithoutCredential(for _: URLAuthenticationChallenge) {}
    func cancel(_: URLAuthenticationChallenge) {}
    func performDefaultHandling(for _: URLAuthenticationChallenge) {}
    func rejectProtectionSpaceAndContinue(with _: URLAuthenticationChallenge) {}
}

private func challenge(_ space: URLProtectionSpace) -> URLAuthenticationChallenge {
    URLAuthenticationChallenge(
        protectionSpace: space, proposedCredential: nil, previousFailureCount: 0, failureResponse: nil, error: nil,
        sender: NoSender())
}

/// What `URLSession` is told, in the words of the table, if it fits what the platform said.
private func respond(_ pins: Pintle, _ space: URLProtectionSpace, _ accepts: Bool) async -> String {
    let code = Guarded("no reason")
    let told = await withCheckedContinuation { continuation in
        let delegate = PinnedSessionDelegate(pins) { _, error in code.value = error.code }
        delegate.urlSession(URLSession.shared, didReceive: challenge(space)) { disposition, credential in
            continuation.resume(returning: (disposition, credential != nil))
        }
    }
    switch told {
    case (.performDefaultHandling, false): return accepts ? "ok" : "left to a platform that refuses"
    case (.useCredential, true): return accepts ? "went around the platform" : "ok"
    case (.cancelAuthenticationChallenge, false): return code.value
    default: return "\(told)"
    }
}

/// The same of Network.framework.
private func shakeHands(_ pins: Pintle, _ host: String, _ trust: SecTrust) async -> String {
    let tls = PinnedTLS(pins, host: host)
    let options = tls.options().securityProtocolOptions
    guard let verify = options.verify, !options.resumes, !tls.mayRequest() else { return "unprotected" }
    let isAllowed = await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            verify(sec_protocol_metadata(), sec_trust(trust)) { continuation.resume(returning: $0) }
        }
    }
    guard isAllowed == tls.mayRequest(), isAllowed == (tls.refusal == nil) else { return "of two minds" }
    return isAllowed ? "ok" : tls.refusal?.code ?? "no reason"
}

private func walk(_ one: Case, _ gauntlet: Gauntlet) async throws -> [String] {
    let folder = try gauntlet.start(one.name)
    let pins = try await start(folder)
    let client = OpenSSLClient(pins, authorities: folder.appendingPathComponent("ca.pem"))
    var differences: [String] = []
    for step in one.steps {
        switch step.do {
        case "get":
            let host = step.host ?? ""
            let evidence = try client.connect(host, gauntlet.port).evidence()
            let chain = evidence.verifiedPath ?? evidence.presented
            let make = { SecTrust(certificates: chain, isVerified: evidence.platformAccepts) }
            let space = StandInSpace(host: host, port: Int(gauntlet.port), trust: make())
            let bySession = await respond(pins, space, evidence.platformAccepts)
            let byNetwork = await shakeHands(pins, host, make())
            for (name, seen) in [("URLSession", bySession), ("Network", byNetwork)] where seen != step.expect {
                differences.append("\(one.name) with \(name): \(step): \(seen)")
            }
        case "refresh": try? await pins.refresh()
        case "permissive": try pins.setPermissive(true)
        default: try gauntlet.change(step.change ?? "")
        }
    }
    return differences
}

let gauntlet = try Gauntlet()
var differences: [String] = []
for one in try gauntlet.cases() { differences += try await walk(one, gauntlet) }

let pins = try await start(try gauntlet.start("pinned_leaf"))
let withoutTrust = await respond(pins, StandInSpace(host: "localhost", port: 1, trust: nil), true)
if withoutTrust != "no reason" { differences.append("without a trust: \(withoutTrust)") }
let password = URLProtectionSpace(
    host: "localhost", port: 1, protocol: "https", realm: "r", authenticationMethod: NSURLAuthenticationMethodHTTPBasic)
let forPassword = await respond(pins, password, true)
if forPassword != "ok" { differences.append("for a password: \(forPassword)") }

// An entry whose pins decide alone would take a path for proof.
let refused = Pintle.Evidence(host: "localhost", verifying: SecTrust(certificates: [Data([1])], isVerified: false))
if refused.verifiedPath != nil || refused.platformAccepts { differences.append("a path that nobody verified") }

let session = PinnedSession(pins)
do {
    _ = try await session.data(from: URL(string: "http://localhost:1/")!)
    differences.append("http went out")
} catch let error as PintleError where error.code == "host_invalid" {}
let first = session.current
if session.current !== first { differences.append("a session for each request") }
try pins.setPermissive(true)
if session.current === first { differences.append("a session that outlives its trust") }

print(differences.isEmpty ? "the sources for Apple's platforms do as the table says" : differences.joined(separator: "\n"))
exit(differences.isEmpty ? 0 : 1)
