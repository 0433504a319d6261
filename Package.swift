// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// One source, two builds:
//   swift build                                            ordinary Swift, for tests and a workstation
//   KCSMUX_EMBEDDED=1 swift build -c release --scratch-path .build-embedded
//                                                          Embedded Swift, what ships to a BMC
// An ordinary target cannot import a module that was built as Embedded in the same graph, so the second build
// leaves out the workstation's tools and the tests. `.ci/install` runs it, for other processors too.
//
// Dependencies, and why each is worth its flash and memory:
//   libyaml (Debian libyaml-dev)   a hardened YAML 1.1 parser with positions; 133 KB, already on most BMC images
//   swift-argument-parser          kcssim's command line; a workstation's tool, absent from the Embedded build
import Foundation
import PackageDescription

let embedded = Context.environment["KCSMUX_EMBEDDED"] != nil
/// The targets in which every unsafe construct is marked `unsafe`.
let memorySafe: Set<String> = []

// MARK: Two profiles. What ships to a BMC stays in the Embedded subset, and is compiled in both ways.

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]
let ordinary: [SwiftSetting] = [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]
let bmc: [SwiftSetting] = [
    // Every module carries copies of what it uses of others: sections let the linker keep one.
    .enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections"]),
    .unsafeFlags(["-Osize"], .when(configuration: .release)),
]
/// No runtime library but Unicode's tables, for this machine or the one that `.ci/install` names; arithmetic on 128 bits
/// comes from libgcc.
let bmcLink: [LinkerSetting] = [
    .unsafeFlags([
        "-enable-experimental-feature", "Embedded", "-wmo", "-Xlinker", "--gc-sections", "-Xclang-linker",
        "-static-libgcc",
        "\(toolchain)/lib/swift/embedded/\(library)/libswiftUnicodeDataTables.a",
    ])
]
var library: String { Context.environment["KCSMUX_LIBRARY"] ?? "x86_64-unknown-linux-gnu" }
var toolchain: String {
    let folders = (Context.environment["PATH"] ?? "").split(separator: ":")
    let found = folders.first { FileManager.default.isExecutableFile(atPath: "\($0)/swift") } ?? "/usr/bin"
    return URL(fileURLWithPath: "\(found)/swift").resolvingSymlinksInPath().deletingLastPathComponent().path + "/.."
}
let profile = strict + (embedded ? bmc : ordinary)
let profileLink = embedded ? bmcLink : []

// MARK: A row: the folder, whose last part is the target's name unless one is given, and what the target imports

extension String {
    var name: String { String(split(separator: "/").last!) }
    var targets: [Target.Dependency] { split(separator: " ").map { .byName(name: String($0)) } }
    /// What stands in the folder, and is not compiled.
    var notSources: [String] {
        ["Resources", "Plugins", "Seeds", "1.0", "grow", "host.c", "stranger.c", "loop.c"].filter {
            FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/\(self)/\($0)")
        }
    }
}
func c(_ folder: String, link: [LinkerSetting] = []) -> Target {
    .target(
        name: folder.name, path: folder,
        cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])] + (embedded ? [.define("KCSMUX_EMBEDDED")] : []),
        linkerSettings: link)
}
func shipped(_ folder: String, _ imports: String = "", name: String? = nil) -> Target {
    .target(
        name: name ?? folder.name, dependencies: imports.targets, path: folder,
        swiftSettings: profile + (memorySafe.contains(name ?? folder.name) ? [.strictMemorySafety()] : []))
}
/// With a build id, by which debuggers find its debug file.
func shippedProgram(_ folder: String, _ imports: String) -> Target {
    .executableTarget(
        name: folder.name, dependencies: imports.targets, path: folder, swiftSettings: profile,
        linkerSettings: profileLink + [.unsafeFlags(["-Xlinker", "--build-id=sha1"])])
}
/// What becomes libkcs-….so, which exports the entry and nothing else. lld, because gold lists symbols that the map made local.
func entry(_ folder: String, _ imports: String) -> Target {
    let map = "--version-script=\(Context.packageDirectory)/Plugins/plugin.map"
    return .target(
        name: "\(folder.name)Plugin", dependencies: imports.targets, path: "\(folder)/Entry",
        swiftSettings: profile, linkerSettings: profileLink + [.unsafeFlags(["-use-ld=lld", "-Xlinker", map])])
}
/// A workstation's, never on a BMC.
func library(_ folder: String, _ imports: String) -> Target {
    .target(name: folder.name, dependencies: imports.targets, path: folder, swiftSettings: strict)
}
func program(_ folder: String, _ imports: String, name: String? = nil, products: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name ?? folder.name, dependencies: imports.targets + products, path: folder, exclude: folder.notSources,
        swiftSettings: strict)
}
/// ROOM/NAME stands for the target NAMETests in Tests/ROOM; all may use the system.
func tests(_ folder: String, _ imports: String = "") -> Target {
    .testTarget(
        name: "\(folder.name)Tests", dependencies: "CLinux LinuxIO \(imports)".targets, path: "Tests/\(folder)Tests",
        exclude: "Tests/\(folder)Tests".notSources, swiftSettings: strict)
}

// MARK: What ships

let shippedTargets: [Target] = [
    c("Sources/System/CLinux"),
    shipped("Sources/System/LinuxIO", "CLinux"),
    shipped("Sources/System/Events", "CLinux LinuxIO"),
    shipped("Sources/Protocols/KCS"),
    shipped("Sources/Protocols/IPMI"),
    shipped("Sources/Protocols/Wire"),
    shipped("Sources/Protocols/MCTP", "CLinux Wire"),
    shipped("Sources/Protocols/JSON"),
    c("Sources/Configuration/CYAML", link: [.linkedLibrary("yaml")]),
    shipped("Sources/Configuration/Schema"),
    shipped("Sources/Configuration/YAML", "CYAML Schema"),
    shipped("Sources/Configuration/DaemonConfiguration", "LinuxIO Schema YAML"),
    shipped("Sources/Devices/DriverModel"),
    shipped("Sources/Devices/SimulatedDevice", "CLinux DriverModel LinuxIO"),
    shipped("Sources/Devices/Devices", "CLinux DriverModel LinuxIO SimulatedDevice"),
    c("Sources/Capture/CCapture"),
    shipped("Sources/Capture/Capture", "CCapture CLinux LinuxIO"),
    shipped("Sources/Capture/Decode", "Capture"),
    c("Sources/Plugins/CKCSPlugin"),
    shipped("Sources/Plugins/PluginHost", "CKCSPlugin CLinux LinuxIO Schema"),
    shipped("Sources/Plugins/PluginKit", "CKCSPlugin"),
    shipped("Sources/Daemon/HotPath", "CKCSPlugin CLinux Capture Devices DriverModel Events LinuxIO"),
    shipped(
        "Sources/Daemon/Daemon",
        "CKCSPlugin CLinux Capture DaemonConfiguration Devices Events HotPath JSON KCS LinuxIO PluginHost Schema YAML"),
    shippedProgram("Sources/Daemon/kcsmuxd", "CLinux Daemon LinuxIO PluginHost YAML"),
    shippedProgram("Sources/Tools/kcsctl", "CKCSPlugin CLinux Capture Decode JSON LinuxIO PluginHost Schema"),
    shipped("Plugins/Echo/Handler", "CKCSPlugin PluginKit", name: "EchoHandler"),
    entry("Plugins/Echo", "CKCSPlugin EchoHandler PluginKit"),
    shipped("Plugins/DebugTrigger/Handler", "CKCSPlugin PluginKit", name: "DebugTriggerHandler"),
    entry("Plugins/DebugTrigger", "CKCSPlugin DebugTriggerHandler PluginKit"),
    shipped("Plugins/IPMILite/Core", "IPMI", name: "IPMIController"),
    shipped(
        "Plugins/IPMILite/Handler", "CKCSPlugin CLinux IPMI IPMIController LinuxIO PluginKit", name: "IPMILiteHandler"),
    entry("Plugins/IPMILite", "CKCSPlugin IPMILiteHandler"),
    shipped("Plugins/MCTP/Core", "MCTP", name: "MCTPMux"),
    shipped("Plugins/MCTP/Handler", "CKCSPlugin CLinux LinuxIO MCTP MCTPMux PluginKit Wire", name: "MCTPHandler"),
    entry("Plugins/MCTP", "CKCSPlugin MCTPHandler PluginKit"),
]

/// libkcs-NAME.so, and the target that it is made of.
let plugins = [
    "echo": "EchoPlugin", "debug-trigger": "DebugTriggerPlugin", "ipmi-lite": "IPMILitePlugin", "mctp": "MCTPPlugin",
]

// MARK: What stays on a workstation

let tools: [Target] = [
    c("Sources/Tools/CFuse"),
    library("Sources/Tools/Simulator", "CFuse CLinux DriverModel Events IPMI KCS LinuxIO MCTP SimulatedDevice"),
    library("Sources/Tools/PluginTrial", "CKCSPlugin CLinux DaemonConfiguration Events LinuxIO PluginHost Schema YAML"),
    program(
        "Sources/Tools/kcssim",
        "CLinux DriverModel IPMI KCS LinuxIO MCTP PluginHost PluginTrial SimulatedDevice Simulator",
        products: [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
]

let testTargets: [Target] = [
    c("Tests/Support/CTestSupport"),
    library("Tests/Support/PluginTestSupport", "CKCSPlugin CLinux"),
    library("Tests/Support/TestKit", "CLinux CTestSupport LinuxIO SimulatedDevice"),
    program("Tests/Capture/capture-child", "Capture CLinux LinuxIO"),
    program("Tests/Devices/SimulatedPeer", "CLinux LinuxIO SimulatedDevice"),
    program("Tests/Plugins/ipmi-count", "IPMI IPMIController"),
    program("Tests/Benchmarks/MCTP", "CLinux MCTP MCTPMux", name: "MCTPBenchmark"),
    program("Tests/Benchmarks/Daemon", "CLinux LinuxIO SimulatedDevice TestKit", name: "DaemonBenchmark"),
    tests("System/LinuxIO"),
    tests("System/Events", "CTestSupport Events"),
    tests("Protocols/KCS", "DriverModel KCS"),
    tests("Protocols/IPMI", "IPMI"),
    tests("Protocols/Wire", "Wire"),
    tests("Protocols/MCTP", "MCTP Wire"),
    tests("Protocols/JSON", "JSON"),
    tests("Configuration/Schema", "Schema"),
    tests("Configuration/YAML", "Schema YAML"),
    tests("Configuration/DaemonConfiguration", "DaemonConfiguration Schema YAML"),
    tests("Devices/DriverModel", "DriverModel"),
    tests("Devices/SimulatedDevice", "DriverModel SimulatedDevice SimulatedPeer"),
    tests("Devices/Devices", "Devices DriverModel SimulatedDevice TestKit"),
    tests("Capture/Capture", "CTestSupport Capture"),
    tests("Capture/Decode", "Capture Decode"),
    tests("Plugins/PluginKit", "CKCSPlugin PluginKit PluginTestSupport"),
    tests("Plugins/PluginHost", "CKCSPlugin DaemonConfiguration Events PluginHost Schema TestKit YAML"),
    tests("Plugins/ABI", "PluginHost Schema TestKit kcsctl kcssim"),
    tests("Plugins/Echo", "CKCSPlugin EchoHandler PluginTestSupport"),
    tests("Plugins/DebugTrigger", "CKCSPlugin DebugTriggerHandler PluginTestSupport"),
    tests("Plugins/IPMIController", "IPMI IPMIController"),
    tests("Plugins/IPMILiteHandler", "CKCSPlugin IPMI IPMIController IPMILiteHandler PluginTestSupport TestKit"),
    tests("Plugins/MCTPMux", "MCTP MCTPMux Wire"),
    tests("Plugins/MCTPHandler", "CKCSPlugin MCTP MCTPHandler PluginTestSupport"),
    tests(
        "Daemon/Daemon",
        "CTestSupport Capture Daemon DaemonConfiguration Events HotPath PluginHost SimulatedDevice TestKit"),
    tests("Daemon/Control", "Capture Daemon DaemonConfiguration Events JSON PluginHost SimulatedDevice kcsctl kcsmuxd"),
    tests("Tools/Simulator", "DriverModel Events IPMI SimulatedDevice Simulator"),
    tests("Tools/PluginTrial", "PluginHost PluginTrial TestKit kcsctl kcsmuxd kcssim"),
    tests("Tools/Kcssim", "SimulatedDevice kcssim"),
    tests("Tools/Mount", "CTestSupport Devices DriverModel KCS MCTP SimulatedDevice Simulator kcsmuxd kcssim"),
    tests("EndToEnd/EndToEnd", "Capture DriverModel KCS PluginHost SimulatedDevice TestKit kcsmuxd kcssim"),
    tests("EndToEnd/IPMIEndToEnd", "DriverModel IPMI KCS SimulatedDevice Simulator TestKit kcsmuxd kcssim"),
    tests("EndToEnd/MCTPEndToEnd", "DriverModel Events KCS MCTP SimulatedDevice Simulator TestKit kcsmuxd kcssim"),
]
/// `KCSMUX_TESTS=KCSTests,MCTPTests swift test` builds those test targets alone.
let wanted = Context.environment["KCSMUX_TESTS"]?.split(separator: ",").map(String.init)
/// `.ci/fuzz` builds it, with instrumented libraries and in a folder of its own.
let fuzz = program(
    "Tests/Fuzz",
    "CKCSPlugin CLinux Capture DaemonConfiguration Decode DriverModel JSON KCS LinuxIO MCTP PluginHost Schema YAML",
    name: "fuzz")

let package = Package(
    name: "kcsmux",
    products: plugins.map { .library(name: "kcs-\($0.key)", type: .dynamic, targets: [$0.value]) },
    dependencies: embedded ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")],
    targets: shippedTargets
        + (embedded ? [] : tools + testTargets.filter { $0.type != .test || wanted?.contains($0.name) ?? true })
        + (Context.environment["KCSMUX_FUZZ"] == nil ? [] : [fuzz])
)
