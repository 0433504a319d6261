// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// One source, two builds. `swift build` makes ordinary Swift, for tests and a workstation. What ships to a BMC is Embedded:
// `.ci/install` makes it, without tools and tests, as ordinary targets cannot import Embedded modules.
// Dependencies, and why each is worth its flash and memory: libyaml (Debian libyaml-dev), a hardened YAML 1.1 parser with
// positions, 133 KB, already on most BMC images; swift-argument-parser, kcssim's command line, absent from the Embedded build.
import Foundation
import PackageDescription

let embedded = Context.environment["KCSMUX_EMBEDDED"] != nil
let memorySafe: Set = ["DaemonConfiguration", "IPMI", "JSON", "KCS", "Schema", "YAML"]  // `unsafe` is marked there
// MARK: Two profiles. What ships to a BMC stays in the Embedded subset, and is compiled in both ways.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]
let strictC: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"] + (embedded ? ["-DKCSMUX_EMBEDDED"] : []))]
let ordinary: [SwiftSetting] = [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]
let bmc: [SwiftSetting] = [
    .enableExperimentalFeature("Embedded"),
    // Every module carries copies of what it uses of others: sections let the linker keep one.
    .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections"]),
    // Embedded Swift checks exclusive access at compile time only: at run time it calls an empty function.
    .unsafeFlags(["-Osize", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]
let link =
    ["-enable-experimental-feature", "Embedded", "-wmo", "-use-ld=lld", "-Xclang-linker", "-static-libgcc"]
    + ["-Xlinker", "--gc-sections", "-Xlinker", "--icf=all"]  // one of equal functions: -10 KB
// MARK: A row: the folder, whose last part is the target's name unless one is given, and what the target imports
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
extension String {
    var name: String { String(split(separator: "/").last!) }
    var targets: [Target.Dependency] {
        split(separator: " ").map { $0 == "ArgumentParser" ? argumentParser : .byName(name: String($0)) }
    }
}
func c(_ folder: String, link: [LinkerSetting] = []) -> Target {
    .target(name: folder.name, path: folder, cSettings: strictC, linkerSettings: link)
}
func library(_ folder: String, _ imports: String = "", name: String? = nil) -> Target {
    .target(name: name ?? folder.name, dependencies: imports.targets, path: folder)
}
func program(_ folder: String, _ imports: String, name: String? = nil) -> Target {
    .executableTarget(name: name ?? folder.name, dependencies: imports.targets, path: folder)
}
/// ROOM/NAME stands for the target NAMETests in Tests/ROOM; all may use the system.
func tests(_ folder: String, _ imports: String = "") -> Target {
    .testTarget(
        name: "\(folder.name)Tests", dependencies: "CLinux LinuxIO \(imports)".targets, path: "Tests/\(folder)Tests")
}
/// libkcs-NAME.so, which exports the entry and nothing else, and the plugin that it is.
let plugins: KeyValuePairs = [
    "dcmi": "DCMI", "echo": "Echo", "debug-trigger": "DebugTrigger", "ipmi-lite": "IPMILite", "mctp": "MCTP",
    "post-code": "PostCode", "ipmi-dbus": "IPMIDBus", "ipmi-settings": "IPMISettings",
]
let entries = plugins.map { library("Plugins/\($1)/Entry", "CKCSPlugin PluginKit \($1)Handler", name: "\($1)Plugin") }
let shippedTargets: [Target] = [
    c("Sources/System/CLinux"),
    library("Sources/System/LinuxIO", "CLinux"),
    c("Sources/System/CUnicode"),
    library("Sources/System/CompactText", "CUnicode"),
    library("Sources/System/Events", "CLinux LinuxIO"),
    library("Sources/System/NumberFiles", "CLinux LinuxIO"),
    library("Sources/System/DBus", "CLinux LinuxIO"),
    library("Sources/Protocols/Common"), library("Sources/Protocols/KCS"), library("Sources/Protocols/IPMI"),
    library("Sources/Protocols/Wire"),
    library("Sources/Protocols/MCTP", "CLinux Wire"),
    library("Sources/Protocols/JSON"),
    c("Sources/Configuration/CYAML", link: [.linkedLibrary("yaml")]),
    library("Sources/Configuration/Schema"),
    library("Sources/Configuration/YAML", "CYAML Schema"),
    library("Sources/Configuration/DaemonConfiguration", "LinuxIO Schema YAML"),
    library("Sources/Devices/DriverModel", "KCS"),
    library("Sources/Devices/Devices", "CLinux KCS LinuxIO"),
    library("Sources/Devices/SimulatedDevice", "CLinux Devices DriverModel LinuxIO"),
    c("Sources/Capture/CCapture"),
    library("Sources/Capture/Capture", "CCapture CLinux LinuxIO"),
    library("Sources/Capture/Decode", "Capture IPMI JSON KCS MCTP"),
    c("Sources/CKCSPlugin"),
    library("Sources/Plugins/PluginHost", "CKCSPlugin CLinux LinuxIO Schema"),
    library("Sources/Plugins/PluginKit", "CKCSPlugin"),
    library(
        "Sources/Daemon/Daemon",
        "CKCSPlugin CLinux Capture DaemonConfiguration Devices Events IPMI JSON KCS LinuxIO PluginHost Schema YAML"),
    program(
        "Sources/Daemon/kcsmuxd", "CLinux Daemon DaemonConfiguration Devices LinuxIO PluginHost SimulatedDevice YAML"),
    program("Sources/Daemon/kcsmux-dbus", "CLinux DBus LinuxIO"),
    program("Sources/Tools/kcsctl", "CKCSPlugin CLinux Capture Decode IPMI JSON LinuxIO PluginHost Schema"),
    library("Plugins/DCMI/Core", "IPMI", name: "DCMI"),
    library("Plugins/DCMI/Handler", "CKCSPlugin CLinux DCMI IPMI LinuxIO NumberFiles PluginKit", name: "DCMIHandler"),
    library("Plugins/Echo/Handler", "CKCSPlugin PluginKit", name: "EchoHandler"),
    library("Plugins/DebugTrigger/Handler", "CKCSPlugin PluginKit", name: "DebugTriggerHandler"),
    library("Plugins/IPMIDBus/Core", "IPMI", name: "IPMIDBus"),
    library("Plugins/IPMIDBus/Handler", "DBus IPMI IPMIDBus LinuxIO PluginKit", name: "IPMIDBusHandler"),
    library("Plugins/IPMILite/Core", "IPMI", name: "IPMIController"),
    library(
        "Plugins/IPMILite/Handler", "CKCSPlugin CLinux IPMI IPMIController LinuxIO NumberFiles PluginKit",
        name: "IPMILiteHandler"),
    library(
        "Plugins/IPMISettings/Handler", "CKCSPlugin CLinux IPMI JSON LinuxIO PluginKit", name: "IPMISettingsHandler"),
    library("Plugins/MCTP/Core", "MCTP", name: "MCTPMux"),
    library("Plugins/MCTP/Handler", "CKCSPlugin CLinux LinuxIO MCTP MCTPMux PluginKit Wire", name: "MCTPHandler"),
    library("Plugins/PostCode/Handler", "CLinux LinuxIO PluginKit", name: "PostCodeHandler"),
]
let tools: [Target] = [
    c("Sources/Tools/CFuse"),
    library("Sources/Tools/Simulator", "CFuse CLinux DriverModel Events IPMI KCS LinuxIO MCTP SimulatedDevice"),
    library(
        "Sources/Tools/PluginTrial",
        "CKCSPlugin CLinux DaemonConfiguration Devices Events LinuxIO PluginHost Schema YAML"),
    library("Sources/Tools/Conformance", "CLinux KCS LinuxIO SimulatedDevice Simulator Wire"),
    library("Sources/Tools/Reports", "Capture Decode"),
    library("Sources/Tools/Trials", "CLinux Capture Decode KCS LinuxIO PluginHost PluginTrial Schema Simulator"),
    program(
        "Sources/Tools/kcssim",
        "ArgumentParser CLinux Capture Conformance DaemonConfiguration Devices DriverModel IPMI JSON KCS LinuxIO MCTP PluginHost"
            + " PluginTrial Reports Schema SimulatedDevice Simulator Trials"),
]
let testTargets: [Target] = [
    c("Tests/Support/CTestSupport"),
    library("Tests/Support/PluginTestSupport", "CKCSPlugin CLinux LinuxIO"),
    library("Tests/Support/TestKit", "CLinux CTestSupport LinuxIO SimulatedDevice"),
    program("Tests/Capture/capture-child", "Capture CLinux LinuxIO"),
    program("Tests/Devices/SimulatedPeer", "CLinux LinuxIO SimulatedDevice"),
    program("Tests/Plugins/ipmi-count", "IPMI IPMIController"),
    program("Tests/Benchmarks/MCTP", "CLinux LinuxIO MCTP MCTPMux", name: "MCTPBenchmark"),
    program("Tests/Benchmarks/Daemon", "CLinux LinuxIO SimulatedDevice TestKit", name: "DaemonBenchmark"),
    program(
        "Tests/Fuzz",
        "CKCSPlugin CLinux Capture DaemonConfiguration Decode DriverModel JSON KCS LinuxIO MCTP PluginHost Schema YAML",
        name: "fuzz"),
    tests("System/LinuxIO"),
    tests("System/Events", "CTestSupport Events"),
    tests("System/NumberFiles", "NumberFiles"),
    tests("Protocols/Common"), tests("Protocols/KCS", "DriverModel KCS"), tests("Protocols/IPMI", "IPMI"),
    tests("Protocols/Wire", "Wire"), tests("Protocols/MCTP", "MCTP Wire"), tests("Protocols/JSON", "JSON"),
    tests("Configuration/Schema", "Schema"),
    tests("Configuration/YAML", "Schema YAML"),
    tests("Configuration/DaemonConfiguration", "DaemonConfiguration Schema TestKit YAML"),
    tests("Devices/DriverModel", "DriverModel"),
    tests("Devices/SimulatedDevice", "DriverModel SimulatedDevice SimulatedPeer"),
    tests("Devices/Devices", "Devices DriverModel SimulatedDevice TestKit"),
    tests("Capture/Capture", "CTestSupport Capture"),
    tests("Capture/Decode", "Capture Decode JSON"),
    tests("Plugins/PluginKit", "CKCSPlugin PluginKit PluginTestSupport"),
    tests("Plugins/PluginHost", "CKCSPlugin DaemonConfiguration Events PluginHost Schema TestKit YAML kcsmuxd"),
    tests("Plugins/ABI", "PluginHost Schema TestKit kcsctl kcssim"),
    tests("Plugins/DCMI", "CKCSPlugin DCMI DCMIHandler IPMI PluginTestSupport TestKit"),
    tests("Plugins/Echo", "CKCSPlugin EchoHandler PluginTestSupport"),
    tests("Plugins/DebugTrigger", "CKCSPlugin DebugTriggerHandler PluginTestSupport"),
    tests("Plugins/IPMIDBus", "CKCSPlugin IPMI IPMIDBus IPMIDBusHandler PluginTestSupport TestKit"),
    tests("Plugins/IPMIController", "IPMI IPMIController"),
    tests("Plugins/IPMILiteHandler", "CKCSPlugin IPMI IPMIController IPMILiteHandler PluginTestSupport TestKit"),
    tests("Plugins/IPMISettings", "CKCSPlugin IPMISettingsHandler PluginTestSupport TestKit"),
    tests("Plugins/PostCode", "CKCSPlugin PluginTestSupport PostCodeHandler TestKit"),
    tests("Plugins/MCTPMux", "MCTP MCTPMux Wire"),
    tests("Plugins/MCTPHandler", "CKCSPlugin MCTP MCTPHandler PluginTestSupport"),
    tests(
        "Daemon/Daemon",
        "CTestSupport Capture Daemon DaemonConfiguration Devices Events PluginHost SimulatedDevice TestKit"),
    tests("Daemon/Control", "Capture Daemon DaemonConfiguration Events JSON PluginHost SimulatedDevice kcsctl kcsmuxd"),
    tests("Tools/Simulator", "DriverModel Events IPMI SimulatedDevice Simulator"),
    tests("Tools/PluginTrial", "PluginHost PluginTrial TestKit kcsctl kcsmuxd kcssim"),
    tests("Tools/Kcssim", "Capture Conformance Reports SimulatedDevice TestKit Trials kcsctl kcsmuxd kcssim"),
    tests("Tools/Mount", "CTestSupport Devices DriverModel KCS MCTP SimulatedDevice Simulator kcsmuxd kcssim"),
    tests("EndToEnd/EndToEnd", "Capture DriverModel KCS PluginHost SimulatedDevice TestKit kcsmuxd kcssim"),
    tests("EndToEnd/IPMIEndToEnd", "DriverModel IPMI KCS SimulatedDevice Simulator TestKit kcsctl kcsmuxd kcssim"),
    tests("EndToEnd/BusEndToEnd", "DBus KCS SimulatedDevice Simulator TestKit kcsmux-dbus kcsmuxd kcssim"),
    tests("EndToEnd/MCTPEndToEnd", "DriverModel Events KCS MCTP SimulatedDevice Simulator TestKit kcsmuxd kcssim"),
]
/// `KCSMUX_TESTS=KCSTests,MCTPTests swift test` builds those test targets alone; `.ci/fuzz` builds the fuzzers.
let wanted = Context.environment["KCSMUX_TESTS"]?.split(separator: ",").map(String.init)
let fuzzes = Context.environment["KCSMUX_FUZZ"] != nil
let workstation = (embedded ? [] : tools + testTargets).filter {
    $0.type == .test ? wanted?.contains($0.name) ?? true : $0.name != "fuzz" || fuzzes
}
let (shipped, files, root) = (shippedTargets + entries, FileManager.default, Context.packageDirectory)
let notSources = ["Resources", "Plugins", "Seeds", "1.0", "grow", "host.c", "stranger.c", "loop.c"]
for target in shipped + workstation {
    target.exclude = notSources.filter { files.fileExists(atPath: "\(root)/\(target.path!)/\($0)") }
    if target.cSettings == nil { target.swiftSettings = strict }
    let isLeaf = ["Common", "CompactText"].contains(target.name)  // words and numbers that every file may use
    if target.cSettings == nil && !isLeaf { target.dependencies.append("Common") }
    if memorySafe.contains(target.name) { target.swiftSettings! += [.strictMemorySafety()] }
}
for target in shipped where target.cSettings == nil {
    target.swiftSettings! += embedded ? bmc : ordinary
    // An id, by which debuggers find a program's debug file; lld, because gold lists symbols that the map made local.
    let map = "--version-script=\(root)/Plugins/plugin.map"
    let result = target.type == .executable ? ["-Xlinker", "--build-id=sha1"] : ["-use-ld=lld", "-Xlinker", map]
    if target.type == .executable || target.name.hasSuffix("Plugin") {
        target.linkerSettings = [.unsafeFlags(result + (embedded ? link : []))]
    }
    guard embedded && target.name != "CompactText" else { continue }  // which every file of that build sees
    target.dependencies.append("CompactText")
    target.swiftSettings! += [.unsafeFlags(["-Xfrontend", "-import-module", "-Xfrontend", "CompactText"])]
}
let package = Package(
    name: "kcsmux",
    products: plugins.map { .library(name: "kcs-\($0.key)", type: .dynamic, targets: ["\($0.value)Plugin"]) },
    dependencies: embedded ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")],
    targets: shipped + workstation
)
