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

/// A tool that runs a program and leaves a file.
enum Tool {
    case none
    case callgrind(String)
    case strace(String)

    /// The program to run, and what comes before its own arguments.
    func wrap(_ program: String, _ arguments: [String]) -> (String, [String]) {
        switch self {
        case .none: return (program, arguments)
        case .callgrind(let file):
            return (
                "/usr/bin/valgrind",
                ["--tool=callgrind", "--compress-strings=no", "--callgrind-out-file=\(file)", program] + arguments
            )
        case .strace(let file): return ("/usr/bin/strace", ["-f", "-c", "-o", file, program] + arguments)
        }
    }
}

/// The programs under test, copied without debug information, and a folder to work in.
final class Workshop {
    let folder = TestFolder()
    /// Stripped, by the names of the originals.
    let programs: String
    let loop: String
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
        loop = "\(path)/loop"
        let root = CCompiler.root
        try CCompiler.run(
            [
                "-O2", "-I", "\(root)/Sources/Plugins/CKCSPlugin/include", "\(root)/Tests/Benchmarks/Daemon/loop.c",
                "-o", loop,
            ])
        cPlugin = try CCompiler.library(
            "\(root)/Plugins/Examples/c/echo.c", to: "\(path)/libkcs-echo-c.so", ["-O2"])
        simulator = Path.parent(of: CurrentProcess.executable ?? "") + "/kcssim"
    }

    /// The plugin of a name, or the one in C.
    func plugin(_ name: String) -> String { name == "C" ? cPlugin : "\(programs)/libkcs-echo.so" }

    /// kcsmuxd on so many channels, the first of them `device`, with everything running. `events` nil: no recorders.
    func daemon(
        _ name: String, _ plugin: String, device: String? = nil, channels: Int = 1, events: Int? = nil,
        tool: Tool = .none, environment: [String: String] = [:]
    ) throws -> Program {
        var lines = ""
        for index in 0..<channels {
            let place = "{type: sim, path: \(folder.path)/\(name)-\(index)}"
            lines += "  - {name: c\(index), device: \(index == 0 ? device ?? place : place), plugin: \(plugin),"
            lines += " call_budget: 60s}\n"
        }
        let capture = events.map { "{mode: ring, events: \($0)" } ?? "{mode: none"
        let file = try folder.write(
            "\(name).yaml",
            """
            version: 1
            plugin_trust: any
            hang_timeout: 1m
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/\(name).sock}
            capture: \(capture), directory: \(folder.path)/captures}
            channels:
            \(lines)
            """)
        let (program, arguments) = tool.wrap("\(programs)/kcsmuxd", ["--config", file])
        let daemon = try Program(program, arguments, environment: environment)
        for _ in 0..<channels {
            guard daemon.line("running:", within: 120_000) != nil else { throw Obstacle(text: daemon.log) }
        }
        return daemon
    }

    /// The C loop on a device.
    func cLoop(_ device: [String], _ plugin: String, tool: Tool = .none) throws -> Program {
        let (program, arguments) = tool.wrap(loop, device + [plugin])
        let loop = try Program(program, arguments)
        guard loop.line("running:", within: 60_000) != nil else { throw Obstacle(text: loop.log) }
        return loop
    }

    /// The host CPU's side of a channel of `daemon`.
    func host(_ name: String, _ channel: Int = 0) throws -> SimulatedHost {
        try SimulatedHost(directory: "\(folder.path)/\(name)-\(channel)")
    }
}

extension SimulatedHost {
    /// Writes so many bytes, each when the answer to the one before was read.
    func exchange(_ count: Int) throws {
        for index in 0..<count {
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
    func finish(tool: Tool = .none) {
        if case .strace = tool {
            // The tracer passes nothing on: its child is asked.
            for child in Self.children(of: identifier) { _ = kill(child, SIGTERM) }
        } else {
            signal(SIGTERM)
        }
        wait(within: 60_000)
    }

    private static func children(of process: Int32) -> [Int32] {
        let file = "/proc/\(process)/task/\(process)/children"
        guard let bytes = try? Syscalls.readFile(file, limit: 4096) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
    }
}
