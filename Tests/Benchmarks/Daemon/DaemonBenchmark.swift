// SPDX-License-Identifier: Apache-2.0
//
// Measures kcsmuxd beside the least that does the same work, a C loop of its own (loop.c), in one run on one machine:
//     DaemonBenchmark [--json] [--only PART,…] [FOLDER OF THE BINARIES]
// Parts: instructions, calls, latency, channels, memory. Without a folder, that of this program is measured, which for
// figures that mean something is a release build's. It ends with 1 if anything is over its limit.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

@main struct DaemonBenchmark {
    let workshop: Workshop
    let counter: Counter
    /// The Embedded build is held to more.
    let isEmbedded: Bool
    var report = Report()

    static func main() throws {
        var folder = Path.parent(of: CurrentProcess.executable ?? "")
        var parts = ["instructions", "calls", "latency", "channels", "memory"]
        var isJSON = false
        var arguments = CurrentProcess.arguments.dropFirst()
        while let argument = arguments.popFirst() {
            switch argument {
            case "--json": isJSON = true
            case "--only": parts = (arguments.popFirst() ?? "").split(separator: ",").map(String.init)
            case _ where argument.hasPrefix("-"):
                print("usage: DaemonBenchmark [--json] [--only PART,...] [FOLDER]")
                exit(64)
            default: folder = argument
            }
        }
        var benchmark = try DaemonBenchmark(folder)
        for part in parts { benchmark.measure(part) }
        print(isJSON ? benchmark.report.json() : benchmark.report.text(), terminator: "")
        exit(benchmark.report.rows.contains { $0.isWithin == false } ? 1 : 0)
    }

    init(_ folder: String) throws {
        workshop = try Workshop(binaries: folder)
        counter = Counter(workshop: workshop)
        // The ordinary build needs the Swift runtime, and is far smaller for that.
        let bytes = try Syscalls.readFile("\(workshop.programs)/kcsmuxd", limit: 1 << 28)
        isEmbedded = !String(decoding: bytes, as: UTF8.self).contains("libswiftCore.so")
    }

    mutating func measure(_ part: String) {
        do {
            switch part {
            case "instructions": try instructions()
            case "calls": try systemCalls()
            case "latency": try latency()
            case "channels": try channels()
            case "memory": try memory()
            default: report.skip(part, "there is no such part")
            }
        } catch let obstacle as Obstacle {
            report.skip(part, obstacle.text.split(separator: "\n").last.map(String.init) ?? "")
        } catch let error as SystemError {
            report.skip(part, error.description)
        } catch {
            report.skip(part, "\(error)")
        }
    }

    // MARK: For each byte

    /// What kcsmuxd and the C loop are served with, on a device of the given kind, for the counters.
    private func daemon(_ plugin: String, _ name: String = "counted", channels: Int = 1) -> Start {
        { [workshop] tool in
            let program = try workshop.daemon(name, workshop.plugin(plugin), channels: channels, tool: tool)
            return (program, try workshop.host(name))
        }
    }

    private func cLoop(_ plugin: String) -> Start {
        { [workshop] tool in
            let host = try workshop.host("looped")
            let device = ["sim", "\(workshop.folder.path)/looped-0"]
            return (try workshop.cLoop(device, workshop.plugin(plugin), tool: tool), host)
        }
    }

    private mutating func instructions() throws {
        guard Counter.hasCallgrind else { return report.skip("instructions", "no valgrind") }
        let limit = isEmbedded ? 1.25 : 1.5
        for plugin in ["Swift", "C"] {
            let loop = try counter.profile(cLoop(plugin))
            let slope = try counter.profile(daemon(plugin))
            report.add(
                "sim, \(plugin) plugin", slope.instructions, "instructions/byte", against: loop.instructions,
                limit: limit)
            // One more in one of the two runs, of many thousand bytes, is not a byte's.
            report.add("sim, \(plugin) plugin", slope.allocations, "allocations/byte", limit: 0.001)
        }
        do {
            let mounted = try Mounted(workshop, channels: 1)
            let plugin = workshop.plugin("Swift")
            let loop = try counter.profile { [workshop] tool in
                (try workshop.cLoop(["node", mounted.node(1)], plugin, tool: tool), try mounted.host(1))
            }
            let slope = try counter.profile { [workshop] tool in
                let device = "{type: raw-kcs, path: \(mounted.node(1))}"
                return (try workshop.daemon("node", plugin, device: device, tool: tool), try mounted.host(1))
            }
            report.add(
                "node, Swift plugin", slope.instructions, "instructions/byte", against: loop.instructions, limit: limit)
        } catch let obstacle as Obstacle { report.skip("instructions on a node", obstacle.text) }
    }

    private mutating func systemCalls() throws {
        guard Counter.hasStrace else { return report.skip("system calls", "no strace") }
        report.add(
            "sim, Swift plugin", try counter.systemCalls(daemon("Swift")), "system calls/byte",
            against: try counter.systemCalls(cLoop("Swift")))
        do {
            let mounted = try Mounted(workshop, channels: 1)
            let calls = try counter.systemCalls { [workshop] tool in
                let device = "{type: raw-kcs, path: \(mounted.node(1))}"
                return (
                    try workshop.daemon("node", workshop.plugin("Swift"), device: device, tool: tool),
                    try mounted.host(1)
                )
            }
            // The watchdog's looks come with time, not with bytes.
            report.add("node, Swift plugin", calls, "system calls/byte", limit: 3.05)
        } catch let obstacle as Obstacle { report.skip("system calls on a node", obstacle.text) }
    }

    // MARK: Round trips

    private mutating func latency() throws {
        let plugin = workshop.plugin("Swift")
        let host = try workshop.host("looped")
        let loop = try workshop.cLoop(["sim", "\(workshop.folder.path)/looped-0"], plugin)
        let daemon = try workshop.daemon("timed", plugin)
        try roundTrips("sim", try workshop.host("timed"), host)
        daemon.finish()
        loop.finish()
        do {
            let mounted = try Mounted(workshop, channels: 2)
            let device = "{type: raw-kcs, path: \(mounted.node(1))}"
            let daemon = try workshop.daemon("node", plugin, device: device)
            let loop = try workshop.cLoop(["node", mounted.node(2)], plugin)
            try roundTrips("node", try mounted.host(1), try mounted.host(2))
            daemon.finish()
            loop.finish()
        } catch let obstacle as Obstacle { report.skip("round trips on a node", obstacle.text) }
    }

    /// Takes turns, so that whatever else the machine does meets both alike.
    private mutating func roundTrips(_ name: String, _ daemon: SimulatedHost, _ loop: SimulatedHost) throws {
        var ours: [UInt64] = []
        var theirs: [UInt64] = []
        _ = (try daemon.roundTrips(200), try loop.roundTrips(200))
        for _ in 0..<repetitions(10_000) {
            ours += try daemon.roundTrips(50)
            theirs += try loop.roundTrips(50)
        }
        ours.sort()
        theirs.sort()
        for (percentile, place) in [("median", 500), ("90 %", 900), ("99 %", 990), ("99.9 %", 999)] {
            report.add(
                "\(name), \(percentile)", Double(ours[(ours.count - 1) * place / 1000]) / 1000, "us/round trip",
                against: Double(theirs[(theirs.count - 1) * place / 1000]) / 1000,
                limit: place == 500 ? 1.05 : nil)
        }
    }

    // MARK: Many channels

    private mutating func channels() throws {
        guard Counter.hasCallgrind else { return report.skip("channels", "no valgrind") }
        var first: Double?
        for count in [1, 16, 256, 1024] {
            // The devices exist, or the first start would make them and the second look at them.
            for index in 0..<count { _ = try workshop.host("many", index) }
            let cost = try counter.profile(daemon("Swift", "many", channels: count)).instructions
            report.add(
                "\(count) channels, one busy", cost, "instructions/byte", against: first,
                limit: first == nil ? nil : 1.1)
            first = first ?? cost
        }
    }

    // MARK: Footprint

    private mutating func memory() throws {
        let ready = try FileDescriptor(owning: Self.datagramSocket("\(workshop.folder.path)/notify"))
        let began = Clock.monotonic
        var start: UInt64?
        let plugin = workshop.plugin("Swift")
        // The devices exist, so that making them is not counted.
        for index in 0..<3 { _ = try workshop.host("small", index) }
        let daemon = try workshop.daemon(
            "small", plugin, channels: 3, events: 4096,
            environment: ["NOTIFY_SOCKET": "\(workshop.folder.path)/notify"])
        var request = pollfd(fd: ready.raw, events: Int16(POLLIN), revents: 0)
        if poll(&request, 1, 20_000) == 1 { start = Clock.monotonic - began }
        if let start { report.add("start to READY", Double(start) / 1e6, "ms", limit: isEmbedded ? 15 : nil) }
        try workshop.host("small").exchange(5_000)
        let map = String(
            decoding: try Syscalls.readFile("/proc/\(daemon.identifier)/smaps_rollup", limit: 1 << 16), as: UTF8.self)
        let resident = Self.kilobytes(map, "Rss:")
        let shared = Self.kilobytes(map, "Shared_Clean:") + Self.kilobytes(map, "Shared_Dirty:")
        report.add("three channels, 4096 events: resident", resident, "KB")
        report.add("three channels, 4096 events: dirty", Self.kilobytes(map, "Private_Dirty:"), "KB")
        report.add("three channels, 4096 events: private", resident - shared, "KB", limit: isEmbedded ? 1536 : nil)
        daemon.finish()
        for name in try Syscalls.list(workshop.programs).sorted() {
            let limit = name == "kcsmuxd" ? 500.0 : name == "kcsctl" ? 300 : 200
            let size = try Syscalls.stat("\(workshop.programs)/\(name)").size
            report.add("\(name), stripped", Double(size) / 1024, "KB", limit: isEmbedded ? limit : nil)
        }
    }

    private static func kilobytes(_ map: String, _ name: String) -> Double {
        let line = map.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0
    }

    private static func datagramSocket(_ path: String) throws -> Int32 {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError(.current, "socket") }
        if case .failure(let errno) = UnixSocket.bind(raw, path, abstract: false) {
            throw SystemError(errno, "bind", path)
        }
        return raw
    }
}
