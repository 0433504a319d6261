// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// One source, two builds:
//   swift build                                            ordinary Swift, for tests and a workstation
//   KCSMUX_EMBEDDED=1 swift build -c release --scratch-path .build-embedded
//                                                          Embedded Swift, what ships to a BMC
// An ordinary target cannot import a module that was built as Embedded in the same graph, so the second build
// leaves out the workstation's tools and the tests.
//
// Dependencies, and why each is worth its flash and memory:
//   libyaml (Debian libyaml-dev)   a hardened YAML 1.1 parser with positions; 133 KB, already on most BMC images
//   swift-argument-parser          kcssim's command line; a workstation's tool, absent from the Embedded build
// `.ci/install` runs the second build, for other processors too, and lays out what it makes.
import Foundation
import PackageDescription

let embedded = Context.environment["KCSMUX_EMBEDDED"] != nil
/// The toolchain's `usr`: that of the `swift` which the search path finds, unless the environment names another.
let toolchain =
    Context.environment["KCSMUX_TOOLCHAIN"]
    ?? (Context.environment["PATH"] ?? "").split(separator: ":").lazy
    .map { URL(fileURLWithPath: "\($0)/swift").resolvingSymlinksInPath() }
    .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    .map { $0.deletingLastPathComponent().deletingLastPathComponent().path } ?? "/usr"
let root = Context.packageDirectory

/// CLinux needs the GNU extensions, and a type with two definitions is an error: the C modules that Foundation brings along
/// are to see the same headers.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error), .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"])]
/// What ships to a BMC stays in the Embedded subset, and is compiled in both ways. Every Embedded module carries copies of
/// what it uses of others: sections let the linker keep one and drop the rest, which more than halves the programs.
/// Exclusive access is checked in the debug build, in which the tests run.
let shippedApart: [SwiftSetting] =
    strict
    + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
    + (embedded
        ? [
            .enableExperimentalFeature("Embedded"),
            .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections", "-Xcc", "-fno-asynchronous-unwind-tables"]),
        ]
        : [
            .unsafeFlags(
                // A function that calls nobody needs no frame to be found in a backtrace.
                ["-cross-module-optimization", "-Xcc", "-momit-leaf-frame-pointer"], .when(configuration: .release))
        ])
/// An optimized program is put together as a whole: in Embedded Swift by the linker, which gets every module's bitcode (the
/// driver's own option for that writes files where SwiftPM does not look for them); else by small functions that are
/// inlined across modules.
let shippedAlone: [SwiftSetting] =
    shippedApart
    + (embedded
        ? [.unsafeFlags(["-Xfrontend", "-emit-bc", "-Xfrontend", "-lto=llvm-full"], .when(configuration: .release))]
        : [])
/// In Embedded Swift, every file sees CompactText.
let shared: [String] = embedded ? ["CompactText"] : []
let seesCompactText: [SwiftSetting] =
    embedded ? [.unsafeFlags(["-Xfrontend", "-import-module", "-Xfrontend", "CompactText"])] : []
let shipped: [SwiftSetting] = shippedAlone + seesCompactText
/// For what every byte goes through: compiled by itself, because what is done to a whole program to make it small, such as
/// keeping sequences of instructions that occur twice only once, costs each byte a quarter more.
let shippedHot: [SwiftSetting] = shippedApart + seesCompactText
/// Small code counts for more than the last instruction.
let shippedSmall: [SwiftSetting] =
    shipped + (embedded ? [.unsafeFlags(["-Osize"], .when(configuration: .release))] : [])
/// -Osize alone inlines a function for each call, load, store, branch or count of references that may go by it, and anything
/// into a function that is small itself. In programs the result is larger, and in plugins mostly not.
let smallest: SwiftSetting = .unsafeFlags(
    ["-Osize"]
        + [
            "overall-caller-block-limit", "removed-call-benefit", "removed-load-benefit", "removed-store-benefit",
            "removed-terminator-benefit", "ref-count-benefit", "o-size-class-method-benefit", "global-init-benefit",
        ].flatMap { ["-Xllvm", "-sil-inline-\($0)=0"] }, .when(configuration: .release))
/// For programs' modules that are not on a byte's way.
let shippedSmallest: [SwiftSetting] = shipped + (embedded ? [smallest] : [])
let cSettings: [CSetting] = [
    .unsafeFlags(["-Wall", "-Wextra", "-Werror"]),
    .unsafeFlags(["-momit-leaf-frame-pointer"], .when(configuration: .release)),
]
/// Drops the Swift runtime's libraries.
let shippedLink: [LinkerSetting] =
    embedded
    ? [
        .unsafeFlags([
            "-enable-experimental-feature", "Embedded", "-wmo",
            // Arithmetic on 128 bits comes from libgcc.
            "-Xlinker", "--gc-sections", "-Xclang-linker", "-static-libgcc",
        ])
    ] : []

/// lld puts bitcode together. Many functions are the same code for several types, and many sequences of instructions occur
/// more than once: each is kept once.
let shrinkingLink: [LinkerSetting] =
    embedded
    ? [
        .unsafeFlags([
            "-use-ld=lld", "-Xlinker", "--icf=all",
            "-Xlinker", "-mllvm", "-Xlinker", "-enable-machine-outliner=always",
        ])
    ] : []

/// How long a function may be that the linker inlines. `.ci/install` asks for more on ARM, where LLVM and Swift's calling
/// convention do not get on with some of the functions that are left otherwise: a text that is put together came out broken.
let inlineThreshold = Context.environment["KCSMUX_INLINE_THRESHOLD"] ?? "0"

/// Programs carry a build id. Where the compiler left a call, the linker inlines it only if that is the shorter; plugins
/// are so small that they would grow by it.
let programLink: [LinkerSetting] =
    shippedLink + shrinkingLink
    + (embedded ? [.unsafeFlags(["-Xlinker", "-mllvm", "-Xlinker", "-inline-threshold=\(inlineThreshold)"])] : [])
    + [.unsafeFlags(["-Xlinker", "--build-id=sha1"])]

func shippedTarget(
    _ name: String, _ dependencies: [String], path: String? = nil, settings: [SwiftSetting] = shipped
) -> Target {
    .target(
        name: name, dependencies: (dependencies + shared).map { .init(stringLiteral: $0) }, path: path,
        swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [String]) -> Target {
    .executableTarget(
        name: name, dependencies: (dependencies + shared).map { .init(stringLiteral: $0) },
        swiftSettings: shippedSmallest, linkerSettings: programLink)
}

func testTarget(_ name: String, _ dependencies: [String]) -> Target {
    .testTarget(name: name, dependencies: dependencies.map { .init(stringLiteral: $0) }, swiftSettings: strict)
}

/// A plugin NAME in Plugins/NAME: a handler that tests can link, and an entry that becomes libkcs-NAME.so. That library
/// exports the entry and nothing else.
func plugin(_ name: String) -> [Target] {
    [
        shippedTarget(
            "\(name)Handler", ["CKCSPlugin", "PluginKit"], path: "Plugins/\(name)/Handler", settings: shippedSmall),
        pluginEntry(name, "\(name)Handler"),
    ]
}

func pluginEntry(_ name: String, _ handler: String) -> Target {
    .target(
        name: "\(name)Plugin", dependencies: (["CKCSPlugin", handler] + shared).map { .init(stringLiteral: $0) },
        path: "Plugins/\(name)/Entry", swiftSettings: shippedSmall,
        linkerSettings: shippedLink
            // lld, because gold lists symbols that the map made local
            + [.unsafeFlags(["-use-ld=lld", "-Xlinker", "--version-script=\(root)/Plugins/plugin.map"])]
            + shrinkingLink)
}

func pluginProduct(_ name: String, _ target: String) -> Product {
    .library(name: "kcs-\(name)", type: .dynamic, targets: ["\(target)Plugin"])
}

/// L0 to L3 of the architecture; imports point down.
let libraries: [Target] = [
    .target(name: "CLinux", cSettings: cSettings + (embedded ? [.define("KCSMUX_EMBEDDED")] : [])),
    .target(
        name: "CUnicode",
        cSettings: cSettings
            + (embedded ? [.define("KCSMUX_EMBEDDED"), .unsafeFlags(["-flto"], .when(configuration: .release))] : [])),
    .target(
        name: "CompactText", dependencies: ["CUnicode"],
        swiftSettings: shippedAlone + (embedded ? [.unsafeFlags(["-Osize"], .when(configuration: .release))] : [])),
    .target(name: "CYAML", linkerSettings: [.linkedLibrary("yaml")]),
    .target(name: "CKCSPlugin", cSettings: cSettings),
    shippedTarget("LinuxIO", ["CLinux"], settings: shippedSmallest),
    shippedTarget("IPMI", [], settings: shippedSmall),
    shippedTarget("IPMIController", ["IPMI"], path: "Plugins/IPMILite/Core", settings: shippedSmall),
    shippedTarget("Events", ["CLinux", "LinuxIO"], settings: shippedHot),
    shippedTarget("Wire", []),
    shippedTarget("MCTP", ["CLinux", "Wire"]),
    shippedTarget("MCTPMux", ["MCTP"], path: "Plugins/MCTP/Core"),
    shippedTarget("PluginKit", ["CKCSPlugin"], settings: shippedSmall),
    shippedTarget("JSON", [], settings: shippedSmallest),
    shippedTarget("KCS", []),
    shippedTarget("DriverModel", []),
    shippedTarget("SimulatedDevice", ["DriverModel", "LinuxIO", "CLinux"]),
    shippedTarget(
        "HotPath", ["CKCSPlugin", "CLinux", "Capture", "Devices", "DriverModel", "Events", "LinuxIO"],
        settings: shippedHot),
    shippedTarget("Schema", [], settings: shippedSmallest),
    shippedTarget("PluginHost", ["CKCSPlugin", "CLinux", "LinuxIO", "Schema"], settings: shippedSmallest),
    shippedTarget(
        "Daemon",
        [
            "CKCSPlugin", "CLinux", "Capture", "DaemonConfiguration", "Devices", "Events", "HotPath", "JSON", "KCS",
            "LinuxIO", "PluginHost", "Schema", "YAML",
        ], settings: shippedSmallest),
    shippedTarget("Devices", ["CLinux", "DriverModel", "LinuxIO", "SimulatedDevice"], settings: shippedSmallest),
    shippedTarget("YAML", ["CYAML", "Schema"], settings: shippedSmallest),
    shippedTarget("DaemonConfiguration", ["LinuxIO", "Schema", "YAML"], settings: shippedSmallest),
    .target(name: "CCapture", cSettings: cSettings),
    shippedTarget("Capture", ["CCapture", "CLinux", "LinuxIO"], settings: shippedSmallest),
    shippedTarget("Decode", ["Capture"], settings: shippedSmallest),
    shippedTarget(
        "IPMILiteHandler", ["CKCSPlugin", "CLinux", "IPMI", "IPMIController", "LinuxIO", "PluginKit"],
        path: "Plugins/IPMILite/Handler", settings: shippedSmall),
]

/// L4: what is run on a BMC.
let programs: [Target] = [
    program("kcsmuxd", ["CLinux", "Daemon", "LinuxIO", "PluginHost", "YAML"]),
    program("kcsctl", ["CKCSPlugin", "CLinux", "Capture", "Decode", "JSON", "LinuxIO", "PluginHost", "Schema"]),
]

/// The MCTP endpoint does no input or output by itself, so that what ties it to kcsmuxd is a target of its own.
let mctpPlugin: [Target] = [
    shippedTarget(
        "MCTPHandler", ["CKCSPlugin", "CLinux", "LinuxIO", "MCTP", "MCTPMux", "PluginKit", "Wire"],
        path: "Plugins/MCTP/Handler", settings: shippedSmall),
    pluginEntry("MCTP", "MCTPHandler"),
]

let plugins: [Target] =
    mctpPlugin
    + plugin("Echo")
    + plugin("DebugTrigger")
    + [pluginEntry("IPMILite", "IPMILiteHandler")]

let products: [Product] = [
    pluginProduct("echo", "Echo"),
    pluginProduct("mctp", "MCTP"),
    pluginProduct("debug-trigger", "DebugTrigger"),
    pluginProduct("ipmi-lite", "IPMILite"),
]

/// A workstation's tools: ordinary Swift, never on a BMC.
let tools: [Target] = [
    .target(name: "CFuse", cSettings: cSettings),
    .target(
        name: "Simulator",
        dependencies: [
            "CFuse", "CLinux", "DriverModel", "Events", "IPMI", "KCS", "LinuxIO", "MCTP", "SimulatedDevice",
        ],
        swiftSettings: strict),
    .target(
        name: "PluginTrial",
        dependencies: [
            "CKCSPlugin", "CLinux", "DaemonConfiguration", "Events", "LinuxIO", "PluginHost", "Schema", "YAML",
        ], swiftSettings: strict),
    .executableTarget(
        name: "MCTPBenchmark", dependencies: ["CLinux", "MCTP", "MCTPMux"], path: "Tests/Benchmarks/MCTP",
        swiftSettings: strict),
    .executableTarget(
        name: "DaemonBenchmark", dependencies: ["CLinux", "LinuxIO", "SimulatedDevice", "TestKit"],
        path: "Tests/Benchmarks/Daemon", exclude: ["loop.c"], swiftSettings: strict,
        linkerSettings: [.linkedLibrary("m")]),
    .executableTarget(
        name: "kcssim",
        dependencies: [
            "CLinux", "DriverModel", "IPMI", "KCS", "LinuxIO", "MCTP", "PluginHost", "PluginTrial", "SimulatedDevice",
            "Simulator", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ], swiftSettings: strict),
]

let allTests: [Target] = [
    .target(
        name: "PluginTestSupport", dependencies: ["CKCSPlugin"], path: "Tests/Support/PluginTestSupport",
        swiftSettings: strict),
    testTarget("PluginKitTests", ["PluginKit", "CKCSPlugin", "PluginTestSupport", "LinuxIO", "CLinux"]),
    testTarget("EchoTests", ["EchoHandler", "CKCSPlugin", "PluginTestSupport"]),
    testTarget("DebugTriggerTests", ["DebugTriggerHandler", "CKCSPlugin", "PluginTestSupport"]),
    testTarget("EventsTests", ["Events", "LinuxIO", "CLinux", "CTestSupport"]),
    testTarget("LinuxIOTests", ["LinuxIO", "CLinux"]),
    testTarget("IPMITests", ["IPMI"]),
    testTarget("IPMIControllerTests", ["IPMI", "IPMIController"]),
    testTarget(
        "IPMILiteHandlerTests",
        [
            "CKCSPlugin", "CLinux", "IPMI", "IPMIController", "IPMILiteHandler", "LinuxIO", "PluginTestSupport",
            "TestKit",
        ]),
    .executableTarget(
        name: "ipmi-count", dependencies: ["IPMI", "IPMIController"], path: "Tests/Plugins/ipmi-count",
        swiftSettings: strict),
    testTarget("KCSTests", ["KCS", "DriverModel"]),
    testTarget(
        "IPMIEndToEndTests",
        [
            "CLinux", "DriverModel", "IPMI", "KCS", "LinuxIO", "SimulatedDevice", "Simulator", "TestKit", "kcsmuxd",
            "kcssim",
        ]),
    testTarget("DriverModelTests", ["DriverModel"]),
    .testTarget(
        name: "SimulatedDeviceTests",
        dependencies: ["SimulatedDevice", "DriverModel", "LinuxIO", "CLinux", "SimulatedPeer"],
        exclude: ["Resources"], swiftSettings: strict),
    testTarget(
        "SimulatorTests",
        ["CLinux", "DriverModel", "Events", "IPMI", "LinuxIO", "SimulatedDevice", "Simulator"]),
    testTarget("DevicesTests", ["CLinux", "Devices", "DriverModel", "SimulatedDevice", "TestKit"]),
    testTarget("KcssimTests", ["SimulatedDevice", "LinuxIO", "kcssim"]),
    .executableTarget(
        name: "SimulatedPeer", dependencies: ["SimulatedDevice", "LinuxIO", "CLinux"],
        path: "Tests/Devices/SimulatedPeer",
        swiftSettings: strict),
    testTarget("WireTests", ["Wire"]),
    testTarget("MCTPTests", ["MCTP", "Wire", "CLinux"]),
    testTarget("MCTPMuxTests", ["MCTP", "MCTPMux", "Wire"]),
    testTarget(
        "MCTPHandlerTests",
        ["CKCSPlugin", "CLinux", "LinuxIO", "MCTP", "MCTPHandler", "PluginTestSupport"]),
    testTarget("SchemaTests", ["Schema"]),
    testTarget("YAMLTests", ["Schema", "YAML"]),
    testTarget("DaemonConfigurationTests", ["DaemonConfiguration", "LinuxIO", "Schema", "YAML"]),
    .executableTarget(
        name: "capture-child", dependencies: ["Capture", "CLinux", "LinuxIO"], path: "Tests/Capture/capture-child",
        swiftSettings: strict),
    .target(name: "CTestSupport", path: "Tests/Support/CTestSupport", cSettings: cSettings),
    testTarget("CaptureTests", ["Capture", "CLinux", "CTestSupport", "LinuxIO"]),
    .testTarget(
        name: "MountTests",
        dependencies: [
            "CLinux", "CTestSupport", "Devices", "DriverModel", "KCS", "LinuxIO", "MCTP", "SimulatedDevice",
            "Simulator",
            "kcsmuxd", "kcssim",
        ],
        exclude: ["Resources"], swiftSettings: strict),
    .testTarget(
        name: "ABITests", dependencies: ["CLinux", "LinuxIO", "PluginHost", "Schema", "TestKit", "kcsctl", "kcssim"],
        exclude: ["1.0", "grow", "host.c", "stranger.c"], swiftSettings: strict),
    testTarget("PluginTrialTests", ["LinuxIO", "PluginHost", "PluginTrial", "TestKit", "kcsctl", "kcsmuxd", "kcssim"]),
    testTarget("DecodeTests", ["Capture", "Decode", "LinuxIO"]),
    .target(
        name: "TestKit", dependencies: ["CLinux", "CTestSupport", "LinuxIO", "SimulatedDevice"],
        path: "Tests/Support/TestKit",
        swiftSettings: strict),
    .testTarget(
        name: "PluginHostTests",
        dependencies: [
            "CKCSPlugin", "CLinux", "DaemonConfiguration", "Events", "LinuxIO", "PluginHost", "Schema", "TestKit",
            "YAML",
        ],
        exclude: ["Plugins"], swiftSettings: strict),
    .testTarget(
        name: "EndToEndTests",
        dependencies: [
            "CLinux", "Capture", "DriverModel", "KCS", "LinuxIO", "PluginHost", "SimulatedDevice", "TestKit", "kcsmuxd",
            "kcssim",
        ],
        exclude: ["Plugins"], swiftSettings: strict),
    testTarget(
        "DaemonTests",
        [
            "CTestSupport", "Capture", "CLinux", "DaemonConfiguration", "Daemon", "Events", "HotPath", "LinuxIO",
            "PluginHost", "SimulatedDevice", "TestKit",
        ]),
    testTarget("JSONTests", ["JSON"]),
    testTarget(
        "ControlTests",
        [
            "CLinux", "Capture", "DaemonConfiguration", "Daemon", "Events", "JSON", "LinuxIO", "PluginHost",
            "SimulatedDevice", "kcsctl", "kcsmuxd",
        ]),
    testTarget(
        "MCTPEndToEndTests",
        [
            "CLinux", "DriverModel", "Events", "KCS", "LinuxIO", "MCTP", "SimulatedDevice", "Simulator", "TestKit",
            "kcsmuxd", "kcssim",
        ]),
]

/// `.ci/fuzz` builds these, with instrumented libraries and in a folder of its own.
let fuzzers: [Target] =
    Context.environment["KCSMUX_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CKCSPlugin", "CLinux", "Capture", "DaemonConfiguration", "Decode", "DriverModel", "JSON", "KCS",
                "LinuxIO",
                "MCTP", "PluginHost", "Schema", "YAML",
            ], path: "Tests/Fuzz", exclude: ["Seeds"], swiftSettings: strict,
            linkerSettings: [
                .unsafeFlags([
                    "-use-ld=lld", "\(toolchain)/lib/swift/clang/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a",
                    "-lstdc++",
                ])
            ])
    ]

/// The folder of each target that does not stand in Plugins/.
let rooms: [String: [String]] = [
    "Sources/System": ["CLinux", "LinuxIO", "Events", "CUnicode", "CompactText"],
    "Sources/Protocols": ["KCS", "IPMI", "MCTP", "Wire", "JSON"],
    "Sources/Configuration": ["CYAML", "Schema", "YAML", "DaemonConfiguration"],
    "Sources/Devices": ["DriverModel", "SimulatedDevice", "Devices"],
    "Sources/Capture": ["CCapture", "Capture", "Decode"],
    "Sources/Plugins": ["CKCSPlugin", "PluginHost", "PluginKit"],
    "Sources/Daemon": ["Daemon", "HotPath", "kcsmuxd"],
    "Sources/Tools": ["kcsctl", "kcssim", "Simulator", "PluginTrial", "CFuse"],
    "Tests/System": ["EventsTests", "LinuxIOTests"],
    "Tests/Protocols": ["KCSTests", "IPMITests", "MCTPTests", "WireTests", "JSONTests"],
    "Tests/Configuration": ["SchemaTests", "YAMLTests", "DaemonConfigurationTests"],
    "Tests/Devices": ["DriverModelTests", "SimulatedDeviceTests", "DevicesTests", "SimulatedPeer"],
    "Tests/Capture": ["CaptureTests", "DecodeTests", "capture-child"],
    "Tests/Plugins": [
        "PluginHostTests", "PluginKitTests", "ABITests", "EchoTests", "DebugTriggerTests", "IPMIControllerTests",
        "IPMILiteHandlerTests", "MCTPMuxTests", "MCTPHandlerTests", "ipmi-count",
    ],
    "Tests/Daemon": ["DaemonTests", "ControlTests"],
    "Tests/Tools": ["PluginTrialTests", "KcssimTests", "SimulatorTests", "MountTests"],
    "Tests/EndToEnd": ["EndToEndTests", "IPMIEndToEndTests", "MCTPEndToEndTests"],
    "Tests/Support": ["TestKit", "CTestSupport", "PluginTestSupport"],
]
/// `KCSMUX_TESTS=KCSTests,MCTPTests swift test` builds those test targets alone.
let wanted = Context.environment["KCSMUX_TESTS"]?.split(separator: ",").map(String.init)
let tests = allTests.filter { $0.type != .test || wanted?.contains($0.name) ?? true }
let targets = libraries + programs + plugins + (embedded ? [] : tools + tests + fuzzers)
for (room, names) in rooms {
    for target in targets where names.contains(target.name) { target.path = "\(room)/\(target.name)" }
}

let package = Package(
    name: "kcsmux",
    products: products,
    dependencies: embedded
        ? [] : [.package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")],
    targets: targets
)
