// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// A function on the stack, as frames.py tells of it.
struct Frame: Equatable {
    let name: String
    let place: String

    /// `frame own NAME PLACE`: nil for what is not the project's, or has no frame of its own.
    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 4, words[0] == "frame", words[1] == "own" else { return nil }
        (name, place) = (String(words[2]), String(words[3]))
    }

    static func == (one: Frame, other: Frame) -> Bool { one.name == other.name }
}

/// The part that asks a debugger for the way of a byte, and of a reply, through a debug build.
extension DaemonBenchmark {
    private static let gdb = "/usr/bin/gdb"

    mutating func frames() throws {
        guard access(Self.gdb, X_OK) == 0 else { return report.skip("frames", "no gdb") }
        guard access("\(debug)/kcsmuxd", X_OK) == 0 else { return report.skip("frames", "no kcsmuxd in \(debug)") }
        try replyFrames()
        try byteFrames()
    }

    /// From the function that waits for events to the one that writes ODR, both counted.
    private mutating func byteFrames() throws {
        let mounted = try Mounted(workshop, channels: 1)
        defer { withExtendedLifetime(mounted) {} }
        let device = mounted.device(1)
        let daemon = try workshop.daemon(
            [ChannelLine(device: device, plugin: "\(debug)/libkcs-echo.so", more: ", call_budget: 60s")],
            binaries: debug)
        let count = 8
        let host = try device.host()
        let stacks = try Self.stacks(of: daemon, count: count) {
            for _ in 0..<count { try host.exchange(1) }
        }
        let waiting = stacks[0]
        let ways = stacks.dropFirst().map { stack -> [Frame] in
            let shared = zip(stack.reversed(), waiting.reversed()).prefix { $0 == $1 }.count
            return Array(stack.dropLast(shared - 1))
        }
        var different: [[Frame]] = []
        for way in ways where !different.contains(way) { different.append(way) }
        let longest = different.max { $0.count < $1.count } ?? []
        report.add("a byte: frames from wait to ODR", Double(longest.count), "", limit: Limits.frames)
        report.add("a byte: different ways", Double(different.count), "", limit: Limits.ways)
        for (index, way) in different.enumerated() {
            report.note("a byte's way \(index + 1):", Self.lines(way))
        }
        daemon.finish()
    }

    /// Functions that a reply goes through behind the host table's, the transfer machine's included.
    private mutating func replyFrames() throws {
        guard let function = try Self.symbol("$s3KCS15TransferMachineV5reply", in: "\(debug)/kcsmuxd") else {
            return report.skip("a reply's hops", "kcsmuxd has no TransferMachine.reply")
        }
        let device = workshop.simulated("replied")
        let daemon = try workshop.daemon(
            [ChannelLine(device: device, plugin: "\(debug)/libkcs-ipmi-lite.so", more: ", call_budget: 60s")],
            binaries: debug)
        let stacks = try Self.stacks(of: daemon, at: function, count: 1) { try workshop.transfers(device, 1) }
        // The innermost first: the machine, the services, PluginHost's table, then the plugin.
        let way = stacks[1].prefix { !$0.name.hasPrefix("$s10PluginHost") }
        // A closure belongs to the function that it stands in, which is on the stack too.
        let functions = Set(way.map(\.name))
        let hops = functions.filter { name in !functions.contains { $0 != name && name.hasPrefix($0) } }
        report.add("a reply: hops from table to machine", Double(hops.count), "", limit: Limits.hops)
        report.note("a reply's way:", Self.lines(Array(way)))
        daemon.finish()
    }

    /// A stack for people.
    private static func lines(_ stack: [Frame]) -> [String] {
        var names = stack.map(\.name)
        if let swift = Tools.find("swift"),
            let demangler = try? Program(swift, ["demangle", "--simplified", "--compact"] + names)
        {
            let readable = demangler.standardOutput().split(separator: "\n").map(String.init)
            if readable.count == names.count { names = readable }
        }
        return zip(stack, names).map { "\($0.place) \($1)" }
    }

    /// The name of a function that begins so.
    private static func symbol(_ prefix: String, in program: String) throws -> String? {
        let search = #"nm --defined-only "$0" | sed -n "s/^[^ ]* [tT] \($1.*F\)$/\1/p""#
        let nm = try Program("/bin/sh", ["-c", search, program, prefix.replacing("$", with: "[$]")])
        return nm.standardOutput().split(separator: "\n").first.map(String.init)
    }

    /// The stack of a program that waits, and behind it those of so many stops while `body` runs.
    private static func stacks(
        of program: Program, at function: String? = nil, count: Int, _ body: () throws -> Void
    ) throws -> [[Frame]] {
        let debugger = try Program(
            "/bin/sh",
            [
                "-c", #"exec "$@" 3>&2 >/dev/null 2>&1"#, "sh", gdb, "-nx", "-batch",
                "-p", "\(program.identifier)", "-x", "\(CCompiler.root)/Tests/Benchmarks/Daemon/Resources/frames.py",
            ], environment: function.map { ["KCSMUX_BREAK": $0] } ?? [:])
        defer {
            // It lets go of the program, which goes on.
            debugger.signal(SIGTERM)
            debugger.wait()
        }
        guard debugger.line("ready", within: 120_000) != nil else { throw Obstacle(text: "gdb: \(debugger.log)") }
        try body()
        for _ in 0..<count where debugger.line("end") == nil { throw Obstacle(text: "gdb: \(debugger.log)") }
        var stacks: [[Frame]] = []
        for line in debugger.log.split(separator: "\n") {
            if line == "stop" { stacks.append([]) }
            if let frame = Frame(line), !stacks.isEmpty { stacks[stacks.count - 1].append(frame) }
        }
        return stacks
    }
}
