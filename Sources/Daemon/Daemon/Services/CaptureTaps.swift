// SPDX-License-Identifier: Apache-2.0
//
// Who reads behind a recorder must look often enough that the ring does not overtake it, and must not wake an idle BMC.
// So nothing is polled: the end of each turn of the loop looks at the recorders, at most once a millisecond, and what is
// new is taken after a pause that makes batches of it, or earlier when much of the ring is waiting.
import Capture
import Events
import LinuxIO

/// Somebody who reads behind a channel's recorder. Subclass it.
class CaptureTap {
    let recorder: Recorder
    var stream: CaptureStream
    private var lastFlush: UInt64 = 0
    private var flushed: UInt64

    /// New records wait at most this long, in nanoseconds.
    static let pause: UInt64 = 50_000_000

    init(_ recorder: Recorder, from start: CaptureStream.Start) {
        self.recorder = recorder
        stream = CaptureStream(recorder, from: start)
        flushed = recorder.position
    }

    /// Takes what is new, if it is time. True: something is, or was, new.
    final func look(_ now: UInt64) -> Bool {
        guard isWanted, stream.isBehind(recorder) else { return false }
        if now >= lastFlush + Self.pause || recorder.position &- flushed >= UInt64(recorder.capacity / 4) {
            lastFlush = now
            flushed = recorder.position
            let boot = Clock.boot
            recorder.wallOffset(Int64(bitPattern: Clock.real &- boot), at: boot)
            flush(now)
        }
        return true
    }

    /// Can it take more? Where it cannot, nothing is looked at for it.
    var isWanted: Bool { true }

    /// Something is new.
    func flush(_ now: UInt64) {}
}

/// All who read behind recorders.
final class CaptureTaps: LoopTimer {
    private let loop: EventLoop
    private var taps: [CaptureTap] = []
    private var nextLook: UInt64 = 0
    private var isSet = false
    private static let lookPeriod: UInt64 = 1_000_000

    init(_ loop: EventLoop) {
        self.loop = loop
        super.init()
    }

    func add(_ tap: CaptureTap) {
        taps.append(tap)
        loop.turnEnded = look
    }

    func remove(_ tap: CaptureTap) {
        taps.removeAll { $0 === tap }
        if taps.isEmpty { loop.turnEnded = nil }
    }

    private func look() {
        let now = loop.now
        guard now >= nextLook else { return wake(nextLook) }
        nextLook = now + Self.lookPeriod
        var isAnythingNew = false
        for tap in taps where tap.look(now) { isAnythingNew = true }
        // What another process records ends no turn of this one's.
        if isAnythingNew || taps.contains(where: { $0.recorder.isWrittenElsewhere }) { wake(now + CaptureTap.pause) }
    }

    private func wake(_ deadline: UInt64) {
        guard !isSet else { return }
        isSet = true
        loop.set(self, deadline: deadline)
    }

    // The end of the turn does the rest.
    override func fire(now: UInt64) { isSet = false }
}
