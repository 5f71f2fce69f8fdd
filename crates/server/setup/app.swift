import Foundation
import Pintle

let root = try Pintle.Root(contentsOf: Bundle.main.url(forResource: "pintle", withExtension: "json")!)
let support = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
let options = Pintle.Options(storageDirectory: support.appendingPathComponent("pins"))
let pins = try await Pintle.setUp(root, options: options)

let session = PinnedSession(pins)
let (body, _) = try await session.data(from: URL(string: "https://api.example.com/")!)
