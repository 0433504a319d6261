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

    /// Says how the life before ended, where that was not in order, and is ready for the end of this one. The answer is the
    /// channel whose handler ran when that life crashed.
    func prepareCrashDump() -> String? {
        var dump: RawDump?
        var previous: String?
        do throws(SystemError) {
            let prepared = try FatalDump.prepare(
                folder: plan.configuration.capture.directory,
                bytes: FatalDump.bytes(capacities: channels.compactMap { $0.recorder?.capacity }))
            crashFile = prepared.descriptor
            previous = prepared.previous
        } catch { log.write(.info, nil, "a crash will leave no capture: \(error.description)") }
        let remains = life.begin()
        if let previous {
            dump = (try? Syscalls.readFile(previous, limit: 1 << 30)).flatMap { RawDump($0) }
            log.write(
                .warning, nil,
                "the life before crashed\(dump.map { ": \($0.sentence)" } ?? ""); what its recorders held is in \(previous)"
            )
        } else if let remains {
            log.write(.warning, nil, remains)
        }
        do throws(SystemError) { try FatalDump.install(crashFile, prefix: log.errorPrefix) } catch {
            log.write(.info, nil, "a crash will leave no trace: \(error.description)")
        }
        return dump?.culprit?.channel
    }

    /// The end is in order.
    func endLife() {
        FatalDump.uninstall()
        life.end()
    }

    private var life: LifeMarker { LifeMarker(stateDirectory: plan.configuration.stateDirectory) }
}
