// swift-tools-version: 5.10
import PackageDescription

// A package of its own: what ships knows neither the door for vectors nor the TLS stack that the tests look through.
let package = Package(
    name: "PintleTests",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "Pintle", path: "..")],
    targets: [
        .systemLibrary(name: "CPintleDoor", path: "CPintleDoor"),
        .systemLibrary(name: "COpenSSL", path: "COpenSSL"),
        .testTarget(
            name: "PintleTests",
            dependencies: [.product(name: "Pintle", package: "Pintle"), "CPintleDoor", "COpenSSL"],
            path: "PintleTests",
            exclude: ["skipped.json"]
        ),
    ]
)
