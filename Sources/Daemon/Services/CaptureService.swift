// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import EventLoop
import LinuxIO

/// Writes flight recorders to disk, on the worker's thread: the loop's only copies the rings.
final class CaptureService {
    private let worker: Worker
    /// Where dumps go.
    var directory: String

    init(_ worker: Worker, directory: String) {
        self.worker = worker
        self.directory = directory
    }

    /// What a dump came to: the file's path, or why there is none.
    typealias Outcome = Result<String, DumpFailure>

    struct DumpFailure: Error {
        let text: String
    }

    /// Writes recorders to one file, named for what it holds and the time, readable by its owner only, and synced.
    func dump(_ recorders: [Recorder], named name: String, done: @escaping (Outcome) -> Void) {
        let wall = Clock.real
        let boot = Clock.boot
        for recorder in recorders { recorder.wallOffset(Int64(bitPattern: wall &- boot), at: boot) }
        let rings = recorders.map { $0.snapshot() }
        guard !rings.isEmpty else {
            return worker.reply { done(.failure(DumpFailure(text: "nothing is recorded: capture mode is none"))) }
        }
        let folder = directory
        let box = OutcomeBox()
        let isQueued = worker.submit({ box.outcome = Self.write(rings, folder, name, wall) }) {
            done(box.outcome ?? .failure(DumpFailure(text: "it was not written")))
        }
        if !isQueued { worker.reply { done(.failure(DumpFailure(text: "too much disk work is queued"))) } }
    }

    private static func write(_ rings: [RingSnapshot], _ folder: String, _ name: String, _ wall: UInt64) -> Outcome {
        do throws(SystemError) {
            try Syscalls.makeFolders(folder, mode: 0o750)
            let stem = "\(folder)/\(name)-\(Timestamp.compact(wall))"
            var path = "\(stem).pcapng"
            var attempt = 1
            while (try? Syscalls.stat(path)) != nil {
                attempt += 1
                path = "\(stem)-\(attempt).pcapng"
            }
            let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            var dump = CaptureDump(rings)
            while let chunk = dump.next() {
                if case .failure(let errno) = chunk.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0) }) {
                    throw SystemError(errno, "write", path)
                }
            }
            guard fsync(file.raw) == 0 else { throw SystemError(.current, "fsync", path) }
            // The name must be on disk too, before anything that the dump was made for happens.
            let handle = try Syscalls.open(folder, O_RDONLY | O_DIRECTORY)
            guard fsync(handle.raw) == 0 else { throw SystemError(.current, "fsync", folder) }
            return .success(path)
        } catch {
            return .failure(DumpFailure(text: error.description))
        }
    }

    /// Carries an outcome from the worker's thread to the loop's; the mailbox orders the two.
    private final class OutcomeBox: @unchecked Sendable {
        var outcome: Outcome?
    }
}
