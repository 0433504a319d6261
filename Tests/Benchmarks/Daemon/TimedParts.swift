// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// The parts whose figures are times: each is compared with the C loop's, and both take turns, so that whatever else the
/// machine does meets both alike.
extension DaemonBenchmark {
    mutating func latency() throws {
        try onEachDevice("timed") { benchmark, name, device in
            try benchmark.withBoth(try device(1), try device(2), tool: .none) { benchmark, _, _, ours, theirs in
                try benchmark.roundTrips(name, ours, theirs)
            }
        }
    }

    /// kcsmuxd on one device and the C loop on another, with the same plugin.
    private mutating func withBoth(
        _ ours: Device, _ theirs: Device, tool: Tool,
        _ body: (inout DaemonBenchmark, Program, Program, SimulatedHost, SimulatedHost) throws -> Void
    ) throws {
        let plugin = workshop.plugin("echo")
        let daemon = try workshop.daemon([ChannelLine(device: ours, plugin: plugin)], tool: tool)
        let loop = try workshop.cLoop(theirs, plugin, tool: tool)
        try body(&self, daemon, loop, try ours.host(), try theirs.host())
        daemon.finish()
        loop.finish()
    }

    private mutating func roundTrips(_ name: String, _ daemon: SimulatedHost, _ loop: SimulatedHost) throws {
        var ours: [UInt64] = []
        var theirs: [UInt64] = []
        _ = (try daemon.roundTrips(200), try loop.roundTrips(200))
        for _ in 0..<200 {
            ours += try daemon.roundTrips(50)
            theirs += try loop.roundTrips(50)
        }
        ours.sort()
        theirs.sort()
        let percentiles: [(String, Int, Double?)] = [
            ("median", 500, Limits.medianRatio), ("90 %", 900, nil), ("99 %", 990, Limits.tailRatio),
            ("99.9 %", 999, nil),
        ]
        for (percentile, place, limit) in percentiles {
            report.add(
                "\(name): round trip, \(percentile)", Double(ours[(ours.count - 1) * place / 1000]) / 1000, "us",
                against: Double(theirs[(theirs.count - 1) * place / 1000]) / 1000, limit: limit)
        }
    }

    mutating func processor() throws {
        // The programs have a processor of their own, and the host CPU's side another.
        let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        guard processors > 1, access("/usr/bin/taskset", X_OK) == 0 else {
            return report.skip("processor", "one processor, or no taskset")
        }
        let own = try Program("/usr/bin/taskset", ["-p", "-c", "0", "\(getpid())"])
        own.wait()
        try onEachDevice("paced") { benchmark, name, device in
            try benchmark.withBoth(try device(1), try device(2), tool: .pinned(1)) {
                benchmark, daemon, loop, ourHost, theirHost in
                _ = (try ourHost.exchange(200, pause: 50), try theirHost.exchange(200, pause: 50))
                var (ours, theirs): ([Double], [Double]) = ([], [])
                for _ in 0..<5 {
                    ours.append(try Self.processorTime(daemon, ourHost))
                    theirs.append(try Self.processorTime(loop, theirHost))
                }
                benchmark.report.add(
                    "\(name): processor time a byte", ours.sorted()[2], "us", against: theirs.sorted()[2],
                    limit: Limits.processorRatio)
            }
        }
        let freed = try Program("/usr/bin/taskset", ["-p", "-c", "0-\(processors - 1)", "\(getpid())"])
        freed.wait()
    }

    /// Microseconds of all threads, user and system, for one byte.
    private static func processorTime(_ program: Program, _ host: SimulatedHost) throws -> Double {
        let before = program.processorTime
        try host.exchange(2_000, pause: 50)
        return Double(program.processorTime - before) / 2_000_000
    }

    // MARK: At rest

    mutating func idle() throws {
        try onEachDevice("resting") { benchmark, name, device in
            let workshop = benchmark.workshop
            var lines = [ChannelLine(device: try device(1), plugin: workshop.plugin("echo"))]
            lines.append(ChannelLine(device: try device(2), plugin: workshop.plugin("debug-trigger")))
            let daemon = try workshop.daemon(lines)
            try lines[0].device.host().exchange(1_000)
            let wakeUps = Self.rest(daemon)
            benchmark.report.add("\(name): wake-ups at rest", wakeUps.main, "/s", limit: Limits.wakeUps)
            benchmark.report.add("\(name): other threads' wake-ups", wakeUps.others, "/s", limit: Limits.wakeUps)
            daemon.finish()

            let strict = try (1...4).map {
                ChannelLine(
                    device: try device($0), plugin: workshop.plugin("ipmi-lite"),
                    more: ", transfer: {handshake: strict}")
            }
            try benchmark.strict(name, strict)
        }
    }

    /// Four channels that look at STR from time to time, for there is no other way to know of a stray byte.
    private mutating func strict(_ name: String, _ channels: [ChannelLine]) throws {
        let daemon = try workshop.daemon(channels)
        for channel in channels { try workshop.transfers(channel.device, 2) }
        let wakeUps = Self.rest(daemon)
        report.add("\(name), 4 strict: other threads' wake-ups", wakeUps.others, "/s", limit: Limits.wakeUps)
        daemon.finish()
        // A look at a simulated device is no call, and does not sleep: each has a wake-up of its own, or shares one.
        guard name == "node" else {
            return report.add("sim, 4 strict: wake-ups at rest", wakeUps.main, "/s", limit: Limits.strictLooks)
        }
        let made = try counter.calls(
            channels,
            warmUp: {
                for channel in channels { try workshop.transfers(channel.device, 2) }
                usleep(Self.calming)
            }, { usleep(Self.window) })
        report.add(
            "node, 4 strict: looks at STR", made.looks / Double(Self.window) * 1e6, "/s", limit: Limits.strictLooks)
    }

    private static let calming: UInt32 = 3_000_000
    private static let window: UInt32 = 4_000_000

    /// Lets what was begun come to its end, and answers how often a second the main thread and all others woke after that.
    private static func rest(_ program: Program) -> (main: Double, others: Double) {
        usleep(calming)
        let before = program.wakeUps
        usleep(window)
        let seconds = Double(window) / 1e6
        var (main, others) = (0.0, 0.0)
        for (thread, count) in program.wakeUps {
            let woken = Double(count - (before[thread] ?? 0)) / seconds
            if thread == program.identifier { main += woken } else { others += woken }
        }
        return (main, others)
    }
}
