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

/// A plugin's entry: nothing but `kcs_plugin_entry`, so that tests can link the library below it.
func pluginTarget(_ name: String, _ dependencies: [String], path: String) -> Target {
    .target(
        name: name, dependencies: dependencies.map { .init(stringLiteral: $0) }, path: path, swiftSettings: shipped,
        linkerSettings: shippedLink)
}

/// L0 to L3 of the architecture; imports point down.
let libraries: [Target] = [
    .target(name: "CLinux", cSettings: cSettings),
    .target(name: "CYAML", linkerSettings: [.linkedLibrary("yaml")]),
    .target(name: "CKCSPlugin", cSettings: cSettings),
    shippedTarget("LinuxIO", ["CLinux"]),
    shippedTarget("IPMI", []),
    shippedTarget("IPMILite", ["IPMI"], path: "Plugins/IPMILite/Handler"),
    shippedTarget("EventLoop", ["CLinux", "LinuxIO"]),
    shippedTarget("PluginKit", ["CKCSPlugin"]),
    shippedTarget("KCS", []),
    shippedTarget("DriverModel", []),
    shippedTarget("SimulatedDevice", ["DriverModel", "LinuxIO", "CLinux"]),
    shippedTarget("Schema", []),
    shippedTarget("PluginHost", ["CKCSPlugin", "CLinux", "LinuxIO", "Schema"]),
    shippedTarget("Device", ["CLinux", "DriverModel", "LinuxIO", "SimulatedDevice"]),
    shippedTarget("YAML", ["CYAML", "Schema"]),
    shippedTarget("Configuration", ["LinuxIO", "Schema", "YAML"]),
    .target(name: "CCapture", cSettings: cSettings),
    shippedTarget("Capture", ["CCapture", "CLinux", "LinuxIO"]),
    shippedTarget("Decode", ["Capture"]),
    shippedTarget(
        "IPMILiteDriver", ["CKCSPlugin", "CLinux", "IPMI", "IPMILite", "LinuxIO", "PluginKit"],
        path: "Plugins/IPMILite/Driver"),
    pluginTarget("IPMILitePlugin", ["CKCSPlugin", "IPMILiteDriver"], path: "Plugins/IPMILite/Entry"),
]

let tests: [Target] = [
    testTarget("LinuxIOTests", ["LinuxIO", "CLinux"]),
    testTarget("IPMITests", ["IPMI"]),
    testTarget("IPMILiteTests", ["IPMI", "IPMILite"]),
    testTarget("KCSTests", ["KCS"]),
    testTarget("DriverModelTests", ["DriverModel"]),
    .testTarget(
        name: "SimulatedDeviceTests",
        dependencies: ["SimulatedDevice", "DriverModel", "LinuxIO", "CLinux", "SimulatedPeer"],
        exclude: ["Resources"], swiftSettings: strict),
    .executableTarget(
        name: "SimulatedPeer", dependencies: ["SimulatedDevice", "LinuxIO", "CLinux"], path: "Tests/SimulatedPeer",
        swiftSettings: strict),
    testTarget("SchemaTests", ["Schema"]),
    testTarget("YAMLTests", ["Schema", "YAML"]),
    testTarget("ConfigurationTests", ["Configuration", "LinuxIO", "Schema", "YAML"]),
    .executableTarget(
        name: "capture-child", dependencies: ["Capture", "CLinux", "LinuxIO"], path: "Tests/capture-child",
        swiftSettings: strict),
    testTarget("CaptureTests", ["Capture", "CLinux", "LinuxIO"]),
    testTarget("DecodeTests", ["Capture", "Decode"]),
]

let package = Package(
    name: "kcsd",
    products: [
        .library(name: "kcs-ipmi-lite", type: .dynamic, targets: ["IPMILitePlugin"])
    ],
    targets: libraries + (embedded ? [] : tests)
)
