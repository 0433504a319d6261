// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// One source, two builds:
//   swift build                                            ordinary Swift, for tests and a workstation
//   KCSD_EMBEDDED=1 swift build -c release --scratch-path .build-embedded
//                                                          Embedded Swift, what ships to a BMC
// An ordinary target cannot import a module that was built as Embedded in the same graph, so the second build
// leaves out the workstation's tools and the tests.
//
// Dependencies, and why each is worth its flash and memory:
//   libyaml (Debian libyaml-dev)   a hardened YAML 1.1 parser with positions; 133 KB, already on most BMC images
import PackageDescription

let embedded = Context.environment["KCSD_EMBEDDED"] != nil
let toolchain = Context.environment["KCSD_TOOLCHAIN"] ?? "/opt/swift/usr"
let root = Context.packageDirectory

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
/// What ships to a BMC stays in the Embedded subset, and is compiled in both ways.
let shipped: [SwiftSetting] =
    strict + (embedded ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])] : [])
let cSettings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]
/// Drops the Swift runtime's libraries, and links the tables that String comparison needs.
let shippedLink: [LinkerSetting] =
    embedded
    ? [
        .unsafeFlags([
            "-enable-experimental-feature", "Embedded", "-wmo",
            "\(toolchain)/lib/swift/embedded/x86_64-unknown-linux-gnu/libswiftUnicodeDataTables.a", "-lm",
        ])
    ] : []

func shippedTarget(_ name: String, _ dependencies: [String], path: String? = nil) -> Target {
    .target(
        name: name, dependencies: dependencies.map { .init(stringLiteral: $0) }, path: path, swiftSettings: shipped)
}

func testTarget(_ name: String, _ dependencies: [String]) -> Target {
    .testTarget(name: name, dependencies: dependencies.map { .init(stringLiteral: $0) }, swiftSettings: strict)
}

/// L0 to L3 of the architecture; imports point down.
let libraries: [Target] = [
    .target(name: "CLinux", cSettings: cSettings),
    .target(name: "CYAML", linkerSettings: [.linkedLibrary("yaml")]),
    shippedTarget("LinuxIO", ["CLinux"]),
    shippedTarget("Wire", []),
    shippedTarget("MCTP", ["CLinux", "Wire"]),
    shippedTarget("MCTPEndpoint", ["MCTP"], path: "Plugins/MCTPEndpoint/Handler"),
]

let tests: [Target] = [
    testTarget("LinuxIOTests", ["LinuxIO", "CLinux"]),
    testTarget("MCTPTests", ["MCTP", "Wire", "CLinux"]),
    testTarget("MCTPEndpointTests", ["MCTP", "MCTPEndpoint", "Wire"]),
    testTarget("WireTests", ["Wire"]),
]

let package = Package(
    name: "kcsd",
    targets: libraries + (embedded ? [] : tests)
)
