// SPDX-License-Identifier: Apache-2.0
//
// The built kcsmuxd with its MCTP plugin on simulated devices. $KCSMUX_BIN names a folder with another build;
// KCSMUX_DEVICES=mounted puts files that behave as the kernel's nodes in the devices' place.
import CLinux
import DriverModel
import LinuxIO
import MCTP
import SimulatedDevice
import Simulator
import TestKit
import Testing

/// One after the other: they measure, kill and wait.
@Suite(.serialized) enum MCTPEndToEnd {}

/// A folder with a device, a configuration, and kcsmuxd on it.
final class Bench {
    let folder: TestFolder
    private let devices = Devices()
    private(set) var daemon: Program

    /// Far enough away that only a hang gets there.
    static let patience: UInt64 = 60_000_000_000
    static var deadline: UInt64 { Clock.monotonic + patience }

    /// Starts kcsmuxd on one channel, `mctp`. `options` go on top of the binding and the socket at `socket`.
    convenience init(
        _ binding: String, _ options: String = "", beside: String? = nil, environment: [String: String] = [:],
        passed: [Int32] = []
    ) throws {
        let folder = TestFolder()
        let path = folder.path
        let given = options.isEmpty ? "socket: {name: \"\", path: SOCKET}" : options
        let mctp = "options: {binding: \(binding), \(Bench.replace(given, path))}"
        let handlers =
            beside.map { "plugins:\n      - {plugin: mctp, \(mctp)}\n      - {plugin: \($0)}" }
            ?? "plugin: mctp\n    \(mctp)"
        try self.init(folder, handlers, environment, passed)
    }

    /// Another handler alone, without options.
    convenience init(handler: String) throws { try self.init(TestFolder(), "plugin: \(handler)", [:], []) }

    private init(
        _ folder: TestFolder, _ handlers: String, _ environment: [String: String], _ passed: [Int32]
    ) throws {
        self.folder = folder
        let path = folder.path
        try folder.write(
            "kcsmux.yaml",
            devices.configuration(
                """
                version: 1
                state_directory: \(path)/state
                control: {socket: \(path)/control.sock}
                capture: {directory: \(path)/captures}
                channels:
                  - name: mctp
                    device: {type: sim, path: \(path)/device}
                    \(handlers)
                """))
        daemon = try Bench.launch(path, environment, passed)
    }

    /// SOCKET in options is the socket in this folder.
    private static func replace(_ options: String, _ path: String) -> String {
        let parts = options.split(separator: " ", omittingEmptySubsequences: false)
        return parts.map { $0.hasPrefix("SOCKET") ? "\(path)/mux\($0.dropFirst(6))" : String($0) }.joined(
            separator: " ")
    }

    private static func launch(
        _ path: String, _ environment: [String: String] = [:], _ passed: [Int32] = []
    ) throws -> Program {
        let folder = CurrentProcess.environment("KCSMUX_BIN") ?? Path.parent(of: CurrentProcess.executable ?? "")
        let program =
            passed.isEmpty
            ? try Program("\(folder)/kcsmuxd", ["--config", "\(path)/kcsmux.yaml"], environment: environment)
            // $LISTEN_PID is the daemon's own number, which is known only once it is there.
            : try Program(
                "/bin/sh", ["-c", "LISTEN_PID=$$ exec \(folder)/kcsmuxd --config \(path)/kcsmux.yaml"],
                environment: environment, passed: passed)
        try #require(program.line("mctp: running:") != nil, "\(program.log)")
        return program
    }

    var socket: String { "\(folder.path)/mux" }

    /// Ends kcsmuxd without a warning, and starts it again.
    func killAndRestart() throws {
        daemon.signal(SIGKILL)
        #expect(daemon.wait() == .signalled(SIGKILL))
        daemon = try Bench.launch(folder.path)
    }

    /// Ends kcsmuxd as a service manager does.
    func stop() {
        daemon.signal(SIGTERM)
        #expect(daemon.wait() == .exited(0), "\(daemon.log)")
    }

    /// Another program on the host CPU.
    func access() throws -> HostAccess {
        HostAccess(try SimulatedHost(directory: "\(folder.path)/device"), timeout: Bench.patience)
    }

    func astlpc(_ versions: AstlpcVersionRange = .all, unit: Int? = nil) throws -> AstlpcChannel {
        try AstlpcChannel(try access(), eid: EID(9), versions: versions, unit: unit)
    }

    /// A host whose channel was begun anew.
    func client(_ versions: AstlpcVersionRange = .all, unit: Int? = nil) throws -> MCTPClient {
        let channel = try astlpc(versions, unit: unit)
        try channel.start(anew: true)
        return MCTPClient(channel, timeout: Bench.patience)
    }

    func program(_ type: MessageType?) throws -> MuxClient {
        try MuxClient(name: socket, abstract: false, type: type)
    }

    func echo(_ type: MessageType) throws -> EchoProgram { try EchoProgram(name: socket, abstract: false, type: type) }
}

/// A message of a type without instance ids, whose other bytes follow from a seed.
func message(_ size: Int, _ seed: UInt64, type: MessageType = .vendorIANA) -> [UInt8] {
    var random = SplitMix(seed: seed)
    var bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    bytes[0] = type.rawValue
    return bytes
}
