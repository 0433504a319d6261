// SPDX-License-Identifier: Apache-2.0
//
// Measures kcsmuxd beside the least that does the same work, a C loop of its own (loop.c), in one run on one machine, with
// the recorder on as it ships, and holds it to Limits.swift:
//     DaemonBenchmark [--json] [--only PART,…] [--debug FOLDER] [FOLDER OF THE BINARIES] [INSTALLED TREE…]
// Parts:
//     instructions   instructions, allocations and locks a byte, under callgrind
//     calls          system calls and clock reads without a vDSO: a byte's, and a Get Device ID's (Resources/counter.c)
//     latency        round trips
//     processor      processor time a byte while both sides sleep between bytes
//     idle           wake-ups of threads where nothing is due, and what strict channels at rest cost
//     channels       one busy channel among many
//     memory         start and footprint
//     sizes          stripped programs and plugins, of the folder and of trees that .ci/install made, any processor's
//     frames         the stack of a byte's and of a reply's way, of a debug build (--debug; default: .build/debug)
// Without a folder, that of this program is measured, which for figures that mean something is a release build's; without a
// tree, those that stand in .build-embedded, .build-armv7 and .build-aarch64. It ends with 1 if anything is over its limit.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

@main struct DaemonBenchmark {
    let workshop: Workshop
    let counter: Counter
    /// The Embedded build is what ships: some limits are its own.
    let isEmbedded: Bool
    var trees: [String] = []
    var debug = "\(CCompiler.root)/.build/debug"
    var report = Report()

    static let parts: [(name: String, measure: @Sendable (inout DaemonBenchmark) throws -> Void)] = [
        ("instructions", { try $0.instructions() }), ("calls", { try $0.calls() }),
        ("latency", { try $0.latency() }), ("processor", { try $0.processor() }), ("idle", { try $0.idle() }),
        ("channels", { try $0.channels() }), ("memory", { try $0.memory() }), ("sizes", { try $0.sizes() }),
        ("frames", { try $0.frames() }),
    ]

    static func main() throws {
        var folders: [String] = []
        var names = parts.map(\.name)
        var debug: String?
        var isJSON = false
        var arguments = CurrentProcess.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--json": isJSON = true
            case "--only": names = (arguments.popFirst() ?? "").split(separator: ",").map(String.init)
            case "--debug": debug = arguments.popFirst()
            case _ where argument.hasPrefix("-"):
                print("usage: DaemonBenchmark [--json] [--only PART,...] [--debug FOLDER] [FOLDER] [TREE...]")
                exit(64)
            default: folders.append(argument)
            }
        }
        let trees = folders.filter { access("\($0)/usr/bin", F_OK) == 0 }
        let folder = folders.first { !trees.contains($0) } ?? Path.parent(of: CurrentProcess.executable ?? "")
        var benchmark = try DaemonBenchmark(folder, trees)
        benchmark.debug = debug ?? benchmark.debug
        for name in names { benchmark.measure(name) }
        print(isJSON ? benchmark.report.json() : benchmark.report.text(), terminator: "")
        exit(benchmark.report.rows.contains { $0.isWithin == false } ? 1 : 0)
    }

    init(_ folder: String, _ trees: [String]) throws {
        workshop = try Workshop(binaries: folder)
        counter = Counter(workshop: workshop)
        // The ordinary build needs the Swift runtime, and is far smaller for that.
        let bytes = try Syscalls.readFile("\(workshop.programs)/kcsmuxd", limit: 1 << 28)
        isEmbedded = !String(decoding: bytes, as: UTF8.self).contains("libswiftCore.so")
        let made = ["embedded", "armv7", "aarch64"].map { "\(CCompiler.root)/.build-\($0)/tree" }
        self.trees = trees.isEmpty ? made.filter { access("\($0)/usr/bin", F_OK) == 0 } : trees
    }

    mutating func measure(_ name: String) {
        guard let part = Self.parts.first(where: { $0.name == name }) else {
            return report.skip(name, "there is no such part")
        }
        do {
            try part.measure(&self)
        } catch let obstacle as Obstacle {
            report.skip(name, obstacle.text.split(separator: "\n").last.map(String.init) ?? "")
        } catch let error as SystemError {
            report.skip(name, error.description)
        } catch {
            report.skip(name, "\(error)")
        }
    }

    /// Does `body` for a simulated device, and where files can be mounted for a node.
    mutating func onEachDevice(
        _ what: String, _ body: (inout DaemonBenchmark, String, (Int) throws -> Device) throws -> Void
    ) throws {
        let workshop = self.workshop
        try body(&self, "sim") { workshop.simulated("\(what)-\($0)") }
        let mounted: Mounted
        do {
            mounted = try Mounted(workshop, channels: 4)
        } catch let obstacle as Obstacle { return report.skip("\(what) on a node", obstacle.text) }
        // It is unmounted when nobody holds it.
        try withExtendedLifetime(mounted) { try body(&self, "node") { mounted.device($0) } }
    }
}
