// swift-tools-version: 5.10
import PackageDescription

// On Apple's platforms the app uses `URLSession`; elsewhere that cannot be pinned, and OpenSSL stands in.
#if os(macOS)
    let tls: [Target] = []
#else
    let tls: [Target] = [.systemLibrary(name: "COpenSSL")]
#endif

let package = Package(
    name: "App",
    platforms: [.macOS(.v12), .iOS(.v15)],
    dependencies: [.package(name: "Pintle", path: "../../bindings/swift")],
    targets: tls + [
        .executableTarget(
            name: "App",
            dependencies: [.product(name: "Pintle", package: "Pintle")] + tls.map { .target(name: $0.name) })
    ]
)
