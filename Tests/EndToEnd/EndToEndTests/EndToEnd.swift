// SPDX-License-Identifier: Apache-2.0
//
// The built programs as their users run them, against simulated devices. $KCSMUX_BIN names a folder with another build;
// KCSMUX_DEVICES=mounted puts files that behave as the kernel's nodes in the devices' place.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

/// One after the other: they measure, kill and wait.
@Suite(.serialized, .enabled(if: CCompiler.isThere)) enum EndToEnd {
    /// Where kcsmuxd and its plugins are.
    static var programs: String {
        CurrentProcess.environment("KCSMUX_BIN") ?? Path.parent(of: CurrentProcess.executable ?? "")
    }

    /// Runs kcsmuxd to its end.
    static func kcsmuxd(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> (ending: Program.Ending, output: String, errors: String) {
        let program = try Program("\(programs)/kcsmuxd", arguments, environment: environment)
        let output = program.standardOutput()
        return (program.wait(), output, program.log)
    }
}

/// A folder with devices, captures, state and a configuration, and kcsmuxd on it.
final class Bench {
    let folder = TestFolder()
    private let devices = Devices()
    private(set) var daemon: Program?

    deinit {
        daemon = nil
        devices.end()
    }

    /// What stands before `channels:`.
    var head = ""

    var path: String { folder.path }
    var file: String { "\(folder.path)/kcsmux.yaml" }

    /// A channel's lines: its device is a simulated one of the same name.
    func channel(_ name: String, _ plugin: String = "echo", _ more: String = "", device: String = "") -> String {
        let options = device.isEmpty ? "" : ", \(device)"
        return """
              - name: \(name)
                device: {type: sim, path: \(path)/\(name)\(options)}
                plugin: \(plugin)
            \(more.split(separator: "\n").map { "    \($0)\n" }.joined())
            """
    }

    /// Writes the file.
    @discardableResult
    func configure(_ channels: String..., control: String = "control.sock") throws -> String {
        try folder.write(
            "kcsmux.yaml",
            devices.configuration(
                """
                version: 1
                state_directory: \(path)/state
                control: {socket: \(path)/\(control)}
                capture: {directory: \(path)/captures}
                \(head)
                channels:
                \(channels.joined(separator: "\n"))
                """))
    }

    /// Starts kcsmuxd on the file, without waiting for anything.
    @discardableResult
    func launch(
        _ arguments: String..., environment: [String: String] = [:], passed: [Int32] = []
    ) throws -> Program {
        let program = try Program(
            "\(EndToEnd.programs)/kcsmuxd", ["--config", file] + arguments, environment: environment, passed: passed)
        daemon = program
        return program
    }

    /// Starts kcsmuxd, and waits until so many channels run.
    @discardableResult
    func start(running: Int = 1, _ arguments: String..., environment: [String: String] = [:]) throws -> Program {
        let program = try Program(
            "\(EndToEnd.programs)/kcsmuxd", ["--config", file] + arguments, environment: environment)
        daemon = program
        for _ in 0..<running { #expect(program.line("running:") != nil, "\(program.log)") }
        return program
    }

    /// Asks for something at the control socket: the answer's line.
    func control(_ command: String, _ channel: String) throws -> String {
        let socket = try UnixSocket.stream(blocking: true)
        try UnixSocket.connect(socket.raw, "\(path)/control.sock", abstract: false).get("connect")
        let request = Array("{\"command\":\"\(command)\",\"channel\":\"\(channel)\"}\n".utf8)
        try request.withUnsafeBytes { Syscalls.writeAll(socket.raw, $0) }.get("write")
        var answer: [UInt8] = []
        while answer.last != 0x0A, Poll.isReadable(socket.raw, until: deadline) {
            var bytes = [UInt8](repeating: 0, count: 4096)
            guard case .success(let count) = bytes.withUnsafeMutableBytes({ Syscalls.read(socket.raw, into: $0) }),
                count > 0
            else { break }
            answer += bytes[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// The host CPU's side of a channel's device.
    func host(_ name: String) throws -> SimulatedHost { try SimulatedHost(directory: "\(path)/\(name)") }

    /// Builds one of the test's plugins.
    func build(_ name: String, _ flags: [String] = []) throws -> String {
        try CCompiler.library(
            "\(CCompiler.root)/Tests/EndToEnd/EndToEndTests/Plugins/\(name).c", to: "\(path)/libkcs-\(name).so", flags)
    }
}

/// Far enough away that only a hang gets there.
var deadline: UInt64 { Clock.monotonic + 20_000_000_000 }

/// For rules that only simulated devices have.
let onSimulatedDevices = ConditionTrait.enabled(if: !Devices.areMounted, "it is about simulated devices")

extension SimulatedHost {
    /// Writes a byte and reads its answer.
    func exchange(_ value: UInt8) -> UInt8? {
        send(value, deadline: deadline) ? receive(deadline: deadline) : nil
    }
}
