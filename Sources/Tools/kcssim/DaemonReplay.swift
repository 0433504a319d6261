// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import DriverModel
import KCS
import LinuxIO
import PluginHost
import SimulatedDevice
import Simulator
import Trials

/// A whole kcsmuxd on a simulated device, with the host's part played in real time.
struct DaemonReplay {
    let plugin: String
    let options: String?
    let folder: String
    /// Nanoseconds that the host waits for each answer.
    let timeout: UInt64

    /// The record of what the host got, as a trial in virtual time would make it.
    func play(_ script: FieldScript) throws -> TrialProgram.Outcome {
        guard script.channel.isMessages else {
            throw HostFailure("channel \(script.channel.name): --daemon plays messages, and its capture has bytes")
        }
        let path = try LoadedPlugin.find(plugin).file.path
        let file = "\(folder)/replay.yaml"
        let yaml = """
            version: 1
            plugin_trust: any
            state_directory: \(folder)/state
            control: {socket: \(folder)/control.sock}
            channels:
              - name: replay
                device: {type: sim, path: \(folder)/device}
                plugin: \(path)
                options: \(options ?? "{}")

            """
        try ReplayCommand.write(yaml, to: file)
        let daemon = try DemoDaemon.start(config: file, timeout: timeout)
        defer {
            _ = daemon.stop()
            TemporaryFolder.remove(daemon.folder)
        }
        guard daemon.line(containing: "replay: running", timeout: timeout) != nil else {
            throw HostFailure("kcsmuxd did not begin to serve:\n" + daemon.said)
        }
        let host = try reporting { () throws(SystemError) in try SimulatedHost(directory: "\(folder)/device") }
        var transfer = HostTransfer(host, temperament: .linux, timeout: timeout)
        var lines: [String] = []
        let began = Clock.monotonic
        for step in script.steps {
            lines.append("> \(step.text)")
            guard let request = step.request else { continue }
            Clock.sleep(until: began &+ (step.time - min(step.time, script.begin)))
            switch transfer.send(request) {
            case .success(let bytes): lines.append("< reply \(Hex.numbers(bytes))")
            case .failure: lines.append("< no reply")
            }
        }
        return TrialProgram.Outcome(lines: lines)
    }
}
