// SPDX-License-Identifier: Apache-2.0
//
// kcsmuxd as its users run it, on one simulated channel with ipmi-lite, with dcmi and ipmi-settings if asked for.
import DriverModel
import Foundation
import KCS
import LinuxIO
import SimulatedDevice
import Simulator
import TestKit
import Testing

/// A folder with a device, a configuration and the daemon's state, and the daemon that runs there.
final class DaemonProcess {
    let folder: String
    private var process = Process()
    private var log = Pipe()
    private let devices = Devices()
    private(set) var said: [String] = []

    var device: String { folder + "/device" }

    /// Makes the folder; the daemon is not started yet.
    init(
        driver: String = "v2", handshake: String = "strict", options: String = "{}", dcmi: String? = nil,
        settings: String? = nil
    ) throws {
        folder = NSTemporaryDirectory() + "/kcsmux-ipmi-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = """
            version: 1
            state_directory: \(folder)/state
            plugin_trust: any
            control: {socket: \(folder)/control.sock}
            capture: {directory: \(folder)/capture}
            channels:
              - name: ipmi
                device: {type: sim, path: \(folder)/device, driver: \(driver)}
                plugins:
                  \(settings.map { "- {plugin: ipmi-settings, options: \($0)}" } ?? "")
                  - {plugin: ipmi-lite, options: \(options)}
                  \(dcmi.map { "- {plugin: dcmi, options: \($0)}" } ?? "")
                transfer: {handshake: \(handshake)}
            """
        let known = try #require(Driver(name: driver))
        _ = try DeviceDirectory.create(device, DeviceSettings(driver: known))
        try devices.configuration(text).write(toFile: folder + "/kcsmux.yaml", atomically: true, encoding: .utf8)
    }

    deinit {
        kill()
        devices.end()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The daemon, in the folder that the environment names, or beside the tests.
    static var program: String {
        let folder =
            ProcessInfo.processInfo.environment["KCSMUX_BIN"] ?? Path.parent(of: CurrentProcess.executable ?? "")
        return folder + "/kcsmuxd"
    }

    /// Starts the daemon, and waits until its channel runs.
    func start() throws {
        process = Process()
        log = Pipe()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = ["--config", folder + "/kcsmux.yaml"]
        process.standardError = log
        try process.run()
        said = []
        let handle = log.fileHandleForReading
        var line: [UInt8] = []
        while let byte = handle.readData(ofLength: 1).first {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            said.append(String(decoding: line, as: UTF8.self))
            if said.last?.contains("ipmi: running") == true { return }
            line = []
        }
        Issue.record("kcsmuxd ended before its channel ran: \(said)")
    }

    /// Ends the daemon as a fault would: at any instruction, with nothing put in order.
    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the daemon to stop, and tells its exit status.
    func stop() -> Int32 {
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        process.terminate()
        while Program.losesSignals, process.isRunning,
            ended.wait(timeout: .now() + .milliseconds(Int(Program.resendsAfter))) == .timedOut
        { process.terminate() }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// What the daemon, which has ended, said behind its start.
    var rest: String { String(decoding: log.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }

    /// The host CPU's side, with a real host's habits.
    func host(_ temperament: HostTemperament) throws -> HostTransfer {
        HostTransfer(try SimulatedHost(directory: device), temperament: temperament, timeout: 5_000_000_000)
    }
}

/// All of it with KCSMUX_LONG=1, a hundredth otherwise.
func scaled(_ count: Int) -> Int {
    ProcessInfo.processInfo.environment["KCSMUX_LONG"] == "1" ? count : max(1, count / 100)
}

/// Numbers that are the same in each run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
