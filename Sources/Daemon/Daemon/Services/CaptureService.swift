// SPDX-License-Identifier: Apache-2.0
import Capture
import Events
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
        Self.noteClock(recorders)
        let rings = recorders.map { $0.snapshot() }
        guard !rings.isEmpty else {
            return worker.reply { done(.failure(DumpFailure(text: "nothing is recorded: capture mode is none"))) }
        }
        let folder = directory
        let box = OutcomeBox()
        let isQueued = worker.submit({
            do throws(SystemError) {
                box.outcome = .success(try DumpFile.write(CaptureDump(rings), folder: folder, stem: name, wall: wall))
            } catch {
                box.outcome = .failure(DumpFailure(text: error.description))
            }
        }) {
            done(box.outcome ?? .failure(DumpFailure(text: "it was not written")))
        }
        if !isQueued { worker.reply { done(.failure(DumpFailure(text: "too much disk work is queued"))) } }
    }

    /// Tells recorders the wall clock's offset before they are read.
    static func noteClock(_ recorders: [Recorder]) {
        let boot = Clock.boot
        let offset = Int64(bitPattern: Clock.real &- boot)
        for recorder in recorders { recorder.wallOffset(offset, at: boot) }
    }

    /// Carries an outcome from the worker's thread to the loop's; the mailbox orders the two.
    private final class OutcomeBox: @unchecked Sendable {
        var outcome: Outcome?
    }
}
