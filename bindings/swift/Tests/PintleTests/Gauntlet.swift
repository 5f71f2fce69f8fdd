import Foundation
import XCTest

@testable import Pintle

/// One case of `testkit::gauntlet`.
struct Case: Decodable {
    let name: String
    let steps: [Step]
}

/// One step of a case.
struct Step: Decodable {
    let `do`: String
    let host: String?
    let expect: String?
    let change: String?
}

/// What the server of a case saw.
struct Seen: Decodable, Equatable {
    let connections: Int
    let handshakes: Int
    let resumed: Int
    let requests: Int
}

/// What came of a case.
struct Walk: Encodable {
    let `case`: String
    let client: String
    let ends: [String]
}

private struct Done: Decodable {}

/// Talks to `crates/testkit/examples/gauntlet.rs`: one process that serves one case at a time.
final class Gauntlet {
    private let process = Process()
    private let input = Pipe()
    private let output: UnsafeMutablePointer<FILE>
    private var folders: [URL] = []
    private(set) var port: UInt16 = 0

    init() throws {
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: try environment("PINTLE_GAUNTLET"))
        process.standardInput = input
        process.standardOutput = pipe
        try process.run()
        output = try XCTUnwrap(fdopen(dup(pipe.fileHandleForReading.fileDescriptor), "r"))
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        fclose(output)
        folders.forEach { try? FileManager.default.removeItem(at: $0) }
    }

    func cases() throws -> [Case] { try ask("cases") }

    /// The folder with `pintle.json` and `ca.pem`.
    func start(_ name: String) throws -> URL {
        struct Started: Decodable { let port: UInt16 }
        let folder = try makeFolder()
        folders.append(folder)
        let started: Started = try ask("start \(name) \(folder.path)")
        port = started.port
        return folder
    }

    func change(_ change: String) throws {
        let _: Done = try ask("change \(change)")
    }

    func seen() throws -> Seen { try ask("seen") }

    /// How the requests of a case ended with a client.
    func walked(_ walk: Walk) throws {
        let text = String(decoding: try JSONEncoder().encode(walk), as: UTF8.self)
        let _: Done = try ask("walked \(text)")
    }

    /// What is wrong with the rows of docs/sdk/conformance.md.
    func hold(_ sdk: String) throws -> String? {
        struct Held: Decodable { let error: String? }
        let held: Held = try ask("hold \(sdk) \(root.appendingPathComponent("docs/sdk/conformance.md").path)")
        return held.error
    }

    private func ask<Answer: Decodable>(_ line: String) throws -> Answer {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
        var text: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(text) }
        let length = getline(&text, &room, output)
        guard let text, length > 0 else { throw CocoaError(.fileReadUnknown) }
        return try JSONDecoder().decode(Answer.self, from: Data(bytes: text, count: length))
    }
}

/// What the runner says, in `xtask/src/plan.rs`.
func environment(_ name: String) throws -> String {
    try XCTUnwrap(ProcessInfo.processInfo.environment[name], "`cargo xtask test swift` sets \(name)")
}

/// Of the repository.
let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(5).reduce(URL(fileURLWithPath: "/")) {
    $0.appendingPathComponent($1)
}

/// An empty one. Thousands of stores are written and synced: not to a disk, where there is something else.
func makeFolder() throws -> URL {
    let memory = URL(fileURLWithPath: "/dev/shm")
    let isThere = FileManager.default.fileExists(atPath: memory.path)
    let parent = isThere ? memory : FileManager.default.temporaryDirectory
    let folder = parent.appendingPathComponent("pintle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    return folder
}

/// What an app does, but for the CDN of the tests, which is on this machine.
func start(_ folder: URL, _ change: (inout Pintle.Options) -> Void = { _ in }) async throws -> Pintle {
    var options = Pintle.Options()
    options.dangerousAllowHTTPLoopback = true
    options.fetchTimeout = 2
    change(&options)
    let bundle = try Pintle.Root(contentsOf: folder.appendingPathComponent("pintle.json"))
    return try await Pintle.setUp(bundle, options: options)
}

extension OpenSSLClient {
    /// The status of `/`; throws `PintleError` with the code of a refusal.
    func get(_ host: String, _ port: UInt16) throws -> Int {
        do {
            return try get("/", of: host, port: port).status
        } catch let refused as Refused {
            throw PintleError(code: refused.code, message: "\(host) is refused")
        }
    }
}
