// SPDX-License-Identifier: Apache-2.0
import Capture
import Events
import JSON

/// The answer to `capture-dump` with `to: stream`: an object that says how many bytes follow, and these bytes. They are
/// made on the worker's thread, twice, so that the number is known and the whole is never in memory.
final class DumpStream: ControlStream {
    private let worker: Worker
    private let job: Job
    private var left: Int?
    private var isUnderWay = false
    private let ended: () -> Void
    private var hasEnded = false

    /// A dump of rings; `ended` is called once, when it is over or given up.
    init(_ rings: [RingSnapshot], _ worker: Worker, ended: @escaping () -> Void) {
        self.worker = worker
        self.ended = ended
        job = Job(rings)
    }

    override func produce(_ client: ControlClient, into buffer: inout [UInt8], limit: Int) -> Progress {
        guard !isUnderWay else { return .waiting }
        if let left {
            guard let chunk = job.chunk else { return fetch(client, &buffer) }
            job.chunk = nil
            buffer.append(contentsOf: chunk)
            self.left = left - chunk.count
        } else {
            guard let size = job.size else { return fetch(client, &buffer) }
            left = size
            buffer.append(contentsOf: ControlReply.line(["format": .string("pcapng"), "bytes": .integer(size)]))
        }
        guard left == 0 else { return .more }
        end()
        return .done
    }

    private func fetch(_ client: ControlClient, _ buffer: inout [UInt8]) -> Progress {
        let job = self.job
        isUnderWay = worker.submit({ job.run() }) { [self] in
            isUnderWay = false
            client.wake()
        }
        if isUnderWay { return .waiting }
        end()
        // Where bytes were promised, the end of the connection is the only way to say that they do not come.
        guard left == nil else { return .close }
        buffer.append(contentsOf: ControlReply.line(ControlError("busy", "too much disk work is queued")))
        return .done
    }

    override func cancel() { end() }

    private func end() {
        if !hasEnded { ended() }
        hasEnded = true
    }

    /// Sendable because one thread has it at a time: `isUnderWay` says which.
    private final class Job: @unchecked Sendable {
        private var dump: CaptureDump
        private let rings: [RingSnapshot]
        var size: Int?
        var chunk: [UInt8]?

        init(_ rings: [RingSnapshot]) {
            self.rings = rings
            dump = CaptureDump(rings)
        }

        func run() {
            if size == nil {
                var size = 0
                var counted = dump
                while let chunk = counted.next() { size += chunk.count }
                self.size = size
            } else {
                chunk = dump.next() ?? []
            }
        }
    }
}

/// The answer to `capture-follow`: an object, and then a capture for as long as both sides wish.
final class FollowStream: ControlStream {
    private let tap: FollowTap
    private let taps: CaptureTaps
    private var isAnswered = false
    private(set) var hasEnded = false
    /// Bytes that are waiting for a follower at most; what it does not take stays in the ring, or is lost and counted.
    private static let buffer = 32 << 10

    private let left: (FollowStream) -> Void

    /// What follows behind a recorder; `left` is told when it is over.
    init(
        _ recorder: Recorder, fromOldest: Bool, _ taps: CaptureTaps, left: @escaping (FollowStream) -> Void
    ) {
        self.left = left
        tap = FollowTap(recorder, from: fromOldest ? .oldest : .now)
        self.taps = taps
        super.init()
        taps.add(tap)
    }

    override var isPatient: Bool { true }

    /// Whose recorder it reads.
    var recorder: Recorder { tap.recorder }

    override func produce(_ client: ControlClient, into buffer: inout [UInt8], limit: Int) -> Progress {
        if !isAnswered {
            isAnswered = true
            buffer.append(contentsOf: ControlReply.line(["format": .string("pcapng")]))
        }
        tap.stream.pump(tap.recorder, into: &buffer, limit: Self.buffer)
        if hasEnded && !tap.stream.isBehind(tap.recorder) {
            tap.stream.finish(into: &buffer)
            cancel()
            return .close
        }
        // Full: more when it was sent. Else: when something is new.
        if tap.stream.isBehind(tap.recorder) { return .more }
        tap.client = client
        return .waiting
    }

    /// The recorder records nothing any more.
    func end() {
        hasEnded = true
        tap.flush(0)
    }

    override func cancel() {
        taps.remove(tap)
        left(self)
    }
}

/// Wakes a follower's connection.
private final class FollowTap: CaptureTap {
    /// Set while it has been told that nothing is new.
    var client: ControlClient?

    override var isWanted: Bool { client != nil }

    override func flush(_ now: UInt64) {
        let client = self.client
        self.client = nil
        client?.wake()
    }
}
