// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// The parts whose figures are counted, and so the same in every run.
extension DaemonBenchmark {
    mutating func instructions() throws {
        guard Counter.hasCallgrind else { return report.skip("instructions", "no valgrind") }
        try onEachDevice("counted") { benchmark, name, device in
            try benchmark.instructions(name, try device(1), benchmark.workshop.plugin("echo"))
            if name == "sim" { try benchmark.instructions("sim, C plugin", try device(2), benchmark.workshop.cPlugin) }
        }
    }

    private mutating func instructions(_ name: String, _ device: Device, _ plugin: String) throws {
        let loop = try counter.profile(device) { try workshop.cLoop(device, plugin, tool: $0) }
        let ours = try counter.profile(device) {
            try workshop.daemon([ChannelLine(device: device, plugin: plugin)], tool: $0)
        }
        report.add(
            "\(name): instructions a byte", ours.instructions, "", against: loop.instructions,
            most: name == "node" && isEmbedded ? Limits.instructions : nil)
        report.add("\(name): allocations a byte", ours.allocations, "", limit: Limits.allocations)
        report.add("\(name): locks a byte", ours.locks, "", limit: Limits.locks)
    }

    mutating func calls() throws {
        try onEachDevice("called") { benchmark, name, device in
            try benchmark.bytes(name, ChannelLine(device: try device(1), plugin: benchmark.workshop.plugin("echo")))
            try benchmark.transfers(
                name, ChannelLine(device: try device(2), plugin: benchmark.workshop.plugin("ipmi-lite")))
        }
    }

    private mutating func bytes(_ name: String, _ channel: ChannelLine) throws {
        let host = try channel.device.host()
        let count = 5_000
        let made = try counter.calls([channel], warmUp: { try host.exchange(500) }, { try host.exchange(count) })
        report.add(
            "\(name): system calls a byte", (made.calls - made.others - made.clocks) / Double(count), "",
            limit: Limits.callsForByte)
        report.add(
            "\(name): clock reads a turn", made.clocks / made.turns, "", limit: Limits.clocksForTurn)
    }

    private mutating func transfers(_ name: String, _ channel: ChannelLine) throws {
        let count = 200
        // The first command after an open is begun again.
        let made = try counter.calls(
            [channel], warmUp: { try workshop.transfers(channel.device, 2) },
            { try workshop.transfers(channel.device, count) })
        report.add(
            "\(name), Get Device ID: calls", made.calls / Double(count), "", limit: Limits.callsForTransfer)
        report.add("\(name), Get Device ID: clock reads", made.clocks / Double(count), "")
        report.add(
            "\(name), Get Device ID: reads a turn", made.clocks / made.turns, "", limit: Limits.clocksForTurn)
    }

    mutating func channels() throws {
        guard Counter.hasCallgrind else { return report.skip("channels", "no valgrind") }
        var first: Double?
        for count in [1, 16, 256, 1024] {
            let lines = (0..<count).map {
                ChannelLine(device: workshop.simulated("many-\($0)"), plugin: workshop.plugin("echo"))
            }
            let cost = try counter.profile(lines[0].device) { try workshop.daemon(lines, tool: $0) }.instructions
            report.add(
                "one busy of \(count): instructions a byte", cost, "", against: first,
                limit: first == nil ? nil : Limits.manyRatio)
            first = first ?? cost
        }
    }

    mutating func memory() throws {
        let ready = try FileDescriptor(owning: Self.datagramSocket("\(workshop.folder.path)/notify"))
        let lines = (0..<3).map {
            ChannelLine(device: workshop.simulated("small-\($0)"), plugin: workshop.plugin("echo"))
        }
        let began = Clock.monotonic
        let daemon = try workshop.daemon(
            lines, environment: ["NOTIFY_SOCKET": "\(workshop.folder.path)/notify"])
        if Self.isReadable(ready.raw) {
            report.add("start to READY", Double(Clock.monotonic - began) / 1e6, "ms", limit: Limits.start)
        }
        try lines[0].device.host().exchange(5_000)
        let map = String(
            decoding: try Syscalls.readFile("/proc/\(daemon.identifier)/smaps_rollup", limit: 1 << 16), as: UTF8.self)
        let resident = Self.kilobytes(map, "Rss:")
        let shared = Self.kilobytes(map, "Shared_Clean:") + Self.kilobytes(map, "Shared_Dirty:")
        report.add("three channels: resident", resident, "KB")
        report.add("three channels: dirty", Self.kilobytes(map, "Private_Dirty:"), "KB")
        report.add(
            "three channels: private", resident - shared, "KB", limit: isEmbedded ? Limits.privateMemory : nil)
        daemon.finish()
    }

    private static func isReadable(_ descriptor: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 20_000) == 1
    }

    private static func datagramSocket(_ path: String) throws -> Int32 {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError(.current, "socket") }
        if case .failure(let errno) = UnixSocket.bind(raw, path, abstract: false) {
            throw SystemError(errno, "bind", path)
        }
        return raw
    }

    private static func kilobytes(_ map: String, _ name: String) -> Double {
        let line = map.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0
    }

    mutating func sizes() throws {
        try sizes("", workshop.programs, [workshop.programs], isShipped: isEmbedded)
        for tree in trees {
            // …/.build-armv7/tree: the last folder that says which.
            let name = tree.split(separator: "/").last { $0 != "tree" && $0 != "." }.map { "\($0)/" } ?? ""
            try sizes(name, tree, ["\(tree)/usr/bin", "\(tree)/usr/lib/kcsmux/plugins"], isShipped: true)
        }
    }

    private mutating func sizes(_ prefix: String, _ tree: String, _ folders: [String], isShipped: Bool) throws {
        for folder in folders {
            for name in try Syscalls.list(folder).sorted() {
                let size = Double(try Syscalls.stat("\(folder)/\(name)").size) / 1024
                report.add("\(prefix)\(name)", size, "KB", limit: isShipped ? Limits.size(name) : nil)
            }
        }
    }
}
