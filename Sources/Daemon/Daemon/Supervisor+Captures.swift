// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import DaemonConfiguration
import LinuxIO

/// Recorders, files and dumps.
extension Supervisor {
    func openCaptureFile(_ channel: Channel) {
        let configuration = channel.plan.configuration.capture
        guard configuration.mode == .file, let recorder = channel.recorder else { return }
        let file = CaptureFile(recorder, configuration, channel: channel.name, worker, log)
        channel.captureFile = file
        taps.add(file)
    }

    /// The channel's recorder is given up.
    func closeCaptures(_ channel: Channel) {
        if let recorder = channel.recorder { commands.endFollowers(of: recorder) }
        guard let file = channel.captureFile else { return }
        taps.remove(file)
        file.finish()
        channel.captureFile = nil
    }

    /// Writes the recorder of one channel, or, without a name, of all, to a file in the capture folder.
    func dump(_ name: String?, isFailure: Bool = false, done: @escaping (CaptureService.Outcome) -> Void) {
        let chosen = channels.filter { name == nil || $0.name == name }
        captures.dump(chosen.compactMap { $0.recorder }, named: name ?? "all", isFailure: isFailure, done: done)
    }

    func dumpOnSignal() {
        let log = self.log
        dump(nil) { outcome in
            switch outcome {
            case .success(let path): log.write(.notice, nil, "captures of all channels are in \(path)")
            case .failure(let failure): log.write(.error, nil, "captures could not be written: \(failure.text)")
            }
        }
    }

    /// The answer is the channel whose handler ran when the life before crashed.
    func prepareCrashDump() -> String? {
        let recorders = channels.compactMap { $0.recorder }
        guard !recorders.isEmpty else { return nil }
        var culprit: String?
        do {
            let prepared = try FatalDump.prepare(
                folder: plan.configuration.capture.directory,
                bytes: FatalDump.bytes(capacities: recorders.map { $0.capacity }))
            if let previous = prepared.previous {
                let dump = (try? Syscalls.readFile(previous, limit: 1 << 30)).flatMap { RawDump($0) }
                culprit = dump?.culprit?.channel
                log.write(
                    .warning, nil,
                    "the life before crashed\(dump.map { ": \($0.sentence)" } ?? ""); what its recorders held is in"
                        + " \(previous)")
            }
            crashFile = prepared.descriptor
            try FatalDump.install(crashFile)
        } catch {
            log.write(.info, nil, "a crash will leave no capture: \(error.description)")
        }
        return culprit
    }
}
