// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import DaemonConfiguration
import Events
import LinuxIO

/// A channel's capture mode `file`: all records, written to rotated files on the worker's thread. One batch is under way
/// at a time; what comes meanwhile waits in the ring, and what the ring cannot hold is counted in the files.
final class CaptureFile: CaptureTap {
    private let files: RotatingFiles
    private let worker: Worker
    private let log: Log
    private let channel: String
    private var batch: [UInt8] = []
    private var isUnderWay = false
    private var isFinished = false

    /// The file that is written, as far as it is known.
    private(set) var path: String?
    /// Records that reached no file.
    private(set) var lost: UInt64 = 0
    /// Why nothing is being written.
    private(set) var trouble: String?

    private static let batchSize = 256 << 10

    /// Files of a channel, from the oldest record that its recorder holds.
    init(_ recorder: Recorder, _ configuration: CaptureConfiguration, channel: String, _ worker: Worker, _ log: Log) {
        self.channel = channel
        self.worker = worker
        self.log = log
        files = RotatingFiles(
            folder: configuration.directory, channel: channel, maximumSize: Int(clamping: configuration.maxSize),
            maximumFiles: configuration.maxFiles)
        super.init(recorder, from: .oldest)
    }

    override var isWanted: Bool { !isUnderWay && !isFinished }

    override func flush(_ now: UInt64) {
        if batch.isEmpty { stream.pump(recorder, into: &batch, limit: Self.batchSize) }
        submit()
    }

    private func submit() {
        let work = Batch(files, batch)
        // A full queue: the batch stays, and is tried again when something is new.
        isUnderWay = worker.submit({ work.write() }) { [self] in written(work) }
        if isUnderWay { batch = [] }
    }

    private func written(_ work: Batch) {
        isUnderWay = false
        guard !isFinished else { return }
        // No batch is under way: the files may be asked from this thread.
        path = files.path
        lost = files.lost + stream.lost
        switch work.report {
        case .quiet: break
        case .stopped(let error):
            trouble = error.description
            log.write(
                .error, channel, "capture files are not written any more: \(error.description); the channel goes on",
                JournalFields(event: .captureStopped))
        case .resumed(let lost):
            trouble = nil
            log.write(.notice, channel, "capture files are written again; \(lost) records were lost")
        }
    }

    /// Takes what is left, on the worker's thread; nothing is written afterwards.
    func finish() {
        let last = lastBatch()
        let work = Batch(files, last)
        let isQueued = worker.submit({ work.writeAndSync() }) {}
        if !isQueued { log.write(.warning, channel, "the end of the capture was not written: the disk is too slow") }
    }

    /// As `finish`, at once, once the worker has ended.
    func finishHere() { Batch(files, lastBatch()).writeAndSync() }

    private func lastBatch() -> [UInt8] {
        isFinished = true
        stream.pump(recorder, into: &batch, limit: Int.max)
        stream.finish(into: &batch)
        return batch
    }

    /// A batch on its way to the disk. Sendable because one thread has it at a time: the worker's queue and the mailbox
    /// order them.
    private final class Batch: @unchecked Sendable {
        private let files: RotatingFiles
        private let bytes: [UInt8]
        private(set) var report = RotatingFiles.Report.quiet

        init(_ files: RotatingFiles, _ bytes: [UInt8]) {
            self.files = files
            self.bytes = bytes
        }

        func write() { report = files.write(bytes, now: Clock.monotonic, wall: Clock.real) }

        func writeAndSync() {
            write()
            _ = files.sync()
        }
    }
}
