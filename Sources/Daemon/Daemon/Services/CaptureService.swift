// SPDX-License-Identifier: Apache-2.0
import Capture
import DaemonConfiguration
import Events
import LinuxIO
import Schema

/// Writes flight recorders to disk, on the worker's thread: the loop's only copies the rings.
final class CaptureService {
    private let worker: Worker
    /// Where dumps go.
    private var directory: String
    private var budget: DumpBudget
    /// The dump of the last failure, which stays.
    private var lastFailure: String?
    /// The dumps that are kept, and how many were removed so far, as of the last one; nil before.
    private(set) var kept: DumpFolder.Contents?

    init(_ worker: Worker, _ configuration: Configuration) {
        self.worker = worker
        directory = configuration.capture.directory
        budget = DumpBudget(configuration.keep)
    }

    /// The file has changed.
    func adopt(_ configuration: Configuration) {
        directory = configuration.capture.directory
        budget = DumpBudget(configuration.keep)
        prune()
    }

    /// Removes what is too much by now.
    private func prune() {
        let (folder, budget, spared) = (directory, self.budget, lastFailure)
        let box = OutcomeBox()
        _ = worker.submit({ box.kept = DumpFolder.prune(folder, budget, sparing: spared, wall: Clock.real) }) {
            [self] in note(box.kept)
        }
    }

    private func note(_ contents: DumpFolder.Contents?) {
        guard var contents else { return }
        contents.removed += kept?.removed ?? 0
        kept = contents
    }

    /// What a dump came to: the file's path, or why there is none.
    typealias Outcome = Result<String, DumpFailure>

    struct DumpFailure: Error {
        let text: String
    }

    /// Writes recorders to one file, named for what it holds and the time, readable by its owner only, and synced.
    /// Older dumps make room for it; that of a failure stays until the next one of its kind.
    func dump(
        _ recorders: [Recorder], named name: String, isFailure: Bool = false, done: @escaping (Outcome) -> Void
    ) {
        let wall = Clock.real
        Self.noteClock(recorders)
        let rings = recorders.map { $0.snapshot() }
        guard !rings.isEmpty else {
            return worker.reply { done(.failure(DumpFailure(text: "nothing is recorded: capture mode is none"))) }
        }
        let (folder, budget) = (directory, self.budget)
        let spared = isFailure ? nil : lastFailure
        let box = OutcomeBox()
        let isQueued = worker.submit({
            do throws(SystemError) {
                box.outcome = .success(try DumpFile.write(CaptureDump(rings), folder: folder, stem: name, wall: wall))
                box.kept = DumpFolder.prune(folder, budget, sparing: spared, wall: wall)
            } catch {
                box.outcome = .failure(DumpFailure(text: error.description))
            }
        }) { [self] in
            note(box.kept)
            if isFailure, case .success(let path)? = box.outcome { lastFailure = path }
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
        var kept: DumpFolder.Contents?
    }
}

extension DumpBudget {
    /// As the file says.
    init(_ keep: KeepConfiguration) {
        self.init(bytes: keep.size, files: max(keep.count, 1), age: keep.age.nanoseconds)
    }
}
