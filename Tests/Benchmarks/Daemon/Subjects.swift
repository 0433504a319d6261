// SPDX-License-Identifier: Apache-2.0
//
// What is measured: kcsmuxd on a configuration of its own, and the C loop; each under a tool, or by itself.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// What stands in the way of a measurement.
struct Obstacle: Error {
    let text: String
}

/// A tool that runs a program.
enum Tool {
    case none
    /// Writes its figures to a file.
    case callgrind(String)
    /// counter.c, built.
    case counter(String)
    /// On one processor.
    case pinned(Int)

    /// The program to run, and what comes before its own arguments.
    func wrap(_ program: String, _ arguments: [String]) -> (String, [String]) {
        switch self {
        case .none: return (program, arguments)
        case .callgrind(let file):
            return (
                "/usr/bin/valgrind",
                ["--tool=callgrind", "--compress-strings=no", "--callgrind-out-file=\(file)", program] + arguments
            )
        case .counter(let counter): return (counter, [program] + arguments)
        case .pinned(let processor): return ("/usr/bin/taskset", ["-c", "\(processor)", program] + arguments)
        }
    }

    /// Under it a call takes far longer than any budget allows.
    var isSlow: Bool { if case .callgrind = self { true } else { false } }
}

/// A device of a channel.
struct Device {
    /// As a configuration names it.
    let yaml: String
    /// As loop.c names it.
    let arguments: [String]
    /// Where the host CPU's side finds it.
    let directory: String

    func host() throws -> SimulatedHost { try SimulatedHost(directory: directory) }
}

/// A channel of a configuration.
struct ChannelLine {
    let device: Device
    /// Its path.
    let plugin: String
    /// More keys, with a comma before each.
    var more = ""
}

/// The programs under test, copied without debug information, and a folder to work in.
final class Workshop {
    let folder = TestFolder()
    /// Stripped, by the names of the originals.
    let programs: String
    let loop: String
    let counter: String
    let cPlugin: String
    /// kcssim, of this build: the Embedded one has none.
    let simulator: String

    /// `binaries` is the folder of kcsmuxd and its plugins.
    init(binaries: String) throws {
        let path = folder.path
        programs = "\(path)/bin"
        try Syscalls.makeFolders(programs)
        for name in try Syscalls.list(binaries)
        where name == "kcsmuxd" || name == "kcsctl" || (name.hasPrefix("libkcs-") && name.hasSuffix(".so")) {
            let strip = try Program("/usr/bin/strip", ["-o", "\(programs)/\(name)", "\(binaries)/\(name)"])
            guard strip.wait() == .exited(0) else { throw Obstacle(text: "strip: \(strip.log)") }
        }
        (loop, counter) = ("\(path)/loop", "\(path)/counter")
        let root = CCompiler.root
        let sources = "\(root)/Tests/Benchmarks/Daemon"
        try CCompiler.run(
            ["-O2", "-I", "\(root)/Sources/CKCSPlugin/include", "\(sources)/loop.c", "-o", loop])
        try CCompiler.run(["-O2", "\(sources)/Resources/counter.c", "-o", counter])
        cPlugin = try CCompiler.library(
            "\(root)/Plugins/Examples/c/echo.c", to: "\(path)/libkcs-echo-c.so", ["-O2"])
        simulator = Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim"
    }

    /// The shipped plugin of a name.
    func plugin(_ name: String) -> String { "\(programs)/libkcs-\(name).so" }

    /// A simulated device of that name, which exists from here on.
    func simulated(_ name: String, driver: String = "v2") -> Device {
        let directory = "\(folder.path)/\(name)"
        _ = try? SimulatedHost(directory: directory)
        return Device(
            yaml: "{type: sim, path: \(directory)}", arguments: ["sim", directory], directory: directory)
    }

    /// kcsmuxd on some channels, with everything running. The recorder is on, as it is by default. `binaries`: another folder.
    func daemon(
        _ channels: [ChannelLine], tool: Tool = .none, environment: [String: String] = [:], binaries: String? = nil
    ) throws -> Program {
        var lines = ""
        for (index, channel) in channels.enumerated() {
            lines += "  - {name: c\(index), device: \(channel.device.yaml), plugin: \(channel.plugin)\(channel.more)"
            lines += tool.isSlow ? ", call_budget: 60s}\n" : "}\n"
        }
        let file = try folder.write(
            "kcsmux.yaml",
            """
            version: 1
            plugin_trust: any
            \(tool.isSlow ? "hang_timeout: 1m" : "")
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/control.sock}
            capture: {directory: \(folder.path)/captures}
            channels:
            \(lines)
            """)
        let (program, arguments) = tool.wrap("\(binaries ?? programs)/kcsmuxd", ["--config", file])
        let daemon = try Program(program, arguments, environment: environment)
        for _ in channels {
            guard daemon.line("running:", within: 120_000) != nil else { throw Obstacle(text: daemon.log) }
        }
        return daemon
    }

    /// The C loop on a device.
    func cLoop(_ device: Device, _ plugin: String, tool: Tool = .none) throws -> Program {
        let (program, arguments) = tool.wrap(loop, device.arguments + [plugin])
        let loop = try Program(program, arguments)
        guard loop.line("running:", within: 60_000) != nil else { throw Obstacle(text: loop.log) }
        return loop
    }

    /// Has the host CPU ask a device for its Get Device ID so many times.
    func transfers(_ device: Device, _ count: Int) throws {
        let kcssim = try Program(
            simulator, ["ipmi", device.directory, "6", "1", "--count", "\(count)", "--timeout", "5m"])
        guard kcssim.wait(within: 300_000) == .exited(0) else {
            throw Obstacle(text: "kcssim ipmi: \(kcssim.log)\(kcssim.standardOutput())")
        }
    }
}

extension SimulatedHost {
    /// Writes so many bytes, each when the answer to the one before was read, and sleeps so many microseconds before each.
    func exchange(_ count: Int, pause: UInt32 = 0) throws {
        for index in 0..<count {
            if pause > 0 { usleep(pause) }
            let deadline = Clock.monotonic + 60_000_000_000
            let value = UInt8(truncatingIfNeeded: index)
            guard send(value, deadline: deadline), receive(deadline: deadline) == value else {
                throw Obstacle(text: "byte \(index) did not come back")
            }
        }
    }

    /// Nanoseconds that each of so many bytes took from being written to its answer.
    func roundTrips(_ count: Int) throws -> [UInt64] {
        try (0..<count).map { _ in
            let began = Clock.monotonic
            try exchange(1)
            return Clock.monotonic - began
        }
    }
}

extension Program {
    /// Asks it to end, and waits until it, and the tool around it, has.
    func finish() {
        signal(SIGTERM)
        wait(within: 60_000)
    }
}
