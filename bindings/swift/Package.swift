// swift-tools-version: 5.10
import PackageDescription

// On a Mac the native library is an XCFramework beside this file, elsewhere pkg-config finds it: see Makefile.
#if os(macOS)
    let native = Target.binaryTarget(name: "CPintle", path: "CPintle.xcframework")
#else
    let native = Target.systemLibrary(name: "CPintle", pkgConfig: "pintle")
#endif

let package = Package(
    name: "Pintle",
    platforms: [.macOS(.v12), .iOS(.v15), .tvOS(.v15), .watchOS(.v8)],
    products: [.library(name: "Pintle", targets: ["Pintle"])],
    targets: [
        native,
        .target(
            name: "Pintle",
            dependencies: ["CPintle"],
            swiftSettings: [.enableExperimentalFeature("StrictConcurrency")]
        ),
    ]
)
