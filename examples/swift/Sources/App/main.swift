// One pinned request: `swift run App pintle.json https://api.example.com/`. By `URLSession` on Apple's platforms, elsewhere by OpenSSL.
import Foundation
import Pintle

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
    exit(1)
}

func setUp(_ file: String) async throws -> Pintle {
    var options = Pintle.Options()
    // For a CDN on this machine, in trials.
    options.dangerousAllowHTTPLoopback = ProcessInfo.processInfo.environment["PINTLE_DANGEROUS_HTTP"] != nil
    return try await Pintle.setUp(Pintle.Root(contentsOf: URL(fileURLWithPath: file)), options: options)
}

#if canImport(COpenSSL)
    func get(_ url: URL, _ pins: Pintle) async throws -> String {
        let path = (url.path.isEmpty ? "/" : url.path) + (url.query.map { "?\($0)" } ?? "")
        do {
            let (status, body) = try OpenSSLClient(pins).get(path, of: url.host ?? "", port: UInt16(url.port ?? 443))
            return "\(status) \(body)"
        } catch let refused as OpenSSLClient.Refused {
            fail("refused: \(refused.code)")
        }
    }
#else
    func get(_ url: URL, _ pins: Pintle) async throws -> String {
        do {
            let (body, response) = try await PinnedSession(pins).data(from: url)
            return "\((response as? HTTPURLResponse)?.statusCode ?? 0) \(String(decoding: body, as: UTF8.self))"
        } catch let refused as PintleError {
            fail("refused: \(refused.code)")
        }
    }
#endif

let arguments = CommandLine.arguments
guard arguments.count == 3, let url = URL(string: arguments[2]), url.scheme == "https" else {
    fail("usage: App pintle.json URL")
}
do {
    let pins = try await setUp(arguments[1])
    print(try await get(url, pins))
} catch {
    fail("failed: \(error)")
}
