// SPDX-License-Identifier: Apache-2.0
//
// The hot path, whole: the loop tells that a device is ready, a byte is taken from IDR and given to the handler, and what
// the handler answers is written to ODR. Nothing here allocates, locks, logs or counts references, and what is rare is
// called out of line: a function of which a byte needs only the half saves its registers for the whole.
//
// Unsafe: what a byte touches is raw memory, and references in it are borrowed. Who opens the lane closes it before the
// device or the handler goes.
import CKCSPlugin
import CLinux
import Capture
import Devices
import Events
import LinuxIO

import enum DriverModel.STRBit

/// The short way of a byte through the daemon: open while a handler of bytes is behind with nothing, and there is a short
/// way to its device's registers. A channel is a subclass; it serves itself whatever comes while the lane is closed.
open class ByteLane: EventSource {
    /// Where the handler takes a byte; first of all it is given the plugin's instance.
    public typealias DataCallback = @convention(c) (UnsafeMutableRawPointer?, UInt8, UInt8, UInt64) -> Void

    /// What a byte touches.
    private struct Hot {
        /// The device's; none while the lane is closed.
        var kind = ByteRegisters.Kind.none
        /// Nil until the lane was opened for the first time.
        var registers: ByteRegisters?
        /// What readiness, besides input, asks for a look: none, for a device on which a look costs nothing that sleeps.
        var again = Readiness.input
        /// Is anybody told of bytes, beside the handler?
        var isNoted = false
        /// Is there more to do after a call than to look at the clock? So it is while bytes are noted, the lane is closed, or
        /// another byte waits of which the descriptor does not tell.
        var hasAfter = true
        var hasAnother = false
        var deliver: DataCallback?
        var instance: UnsafeMutableRawPointer?
        let marks: ActivityMarks
        /// What the watchdog is told of the next call.
        var mark: UInt64
        var bytesIn: UInt64 = 0
        // Apart from `bytesIn`: next to it, the compiler would change both at once, for three times what they cost.
        var lane: Unmanaged<ByteLane>?
        var callDepth = 0
        var bytesOut: UInt64 = 0
    }

    private final let hot: UnsafeMutablePointer<Hot>
    private final let loop: Unmanaged<EventLoop>
    private final var tape: Unmanaged<Recorder>?
    private final var isTraced = false

    /// A lane that is closed. `number` is the channel's, for the watchdog.
    public init(loop: EventLoop, marks: ActivityMarks, number: Int) {
        self.loop = .passUnretained(loop)
        hot = .allocate(capacity: 1)
        hot.initialize(
            to: Hot(marks: marks, mark: ActivityMarks.call(sequence: 1 << 63, channel: number, .data)))
        super.init()
        hot.pointee.lane = .passUnretained(self)
    }

    deinit { hot.deallocate() }

    /// Where the watchdog is told what runs.
    public final var marks: ActivityMarks { hot.pointee.marks }

    /// How many calls into handlers, and other things that must be over before the channel may fail, are under way.
    public final var callDepth: Int {
        get { hot.pointee.callDepth }
        set { hot.pointee.callDepth = newValue }
    }

    /// Bytes read from IDR since the daemon started.
    public final var bytesIn: UInt64 {
        get { hot.pointee.bytesIn }
        set { hot.pointee.bytesIn = newValue }
    }

    /// Bytes written to ODR since the daemon started.
    public final var bytesOut: UInt64 {
        get { hot.pointee.bytesOut }
        set { hot.pointee.bytesOut = newValue }
    }

    // MARK: Opening

    /// Bytes go from `device`, which has a short way, to `deliver` from now on.
    public final func openLane(
        from device: Device, to deliver: @escaping DataCallback, _ instance: UnsafeMutableRawPointer?
    ) {
        hot.pointee.registers = device.registers
        hot.pointee.kind = device.registers.kind
        hot.pointee.deliver = deliver
        hot.pointee.instance = instance
        hot.pointee.again = device.reportsOutput ? .input : Readiness(rawValue: 0)
        settleAfter()
    }

    /// Whatever comes is `deviceReady`'s from now on; also from inside a handler's call.
    public final func closeLane() {
        hot.pointee.kind = .none
        settleAfter()
    }

    /// Who is told of bytes beside the handler: the recorder, and the log.
    public final func note(on recorder: Recorder?, isTraced: Bool) {
        tape = recorder.map { .passUnretained($0) }
        self.isTraced = isTraced
        hot.pointee.isNoted = recorder != nil || isTraced
        settleAfter()
    }

    private final func settleAfter() {
        hot.pointee.hasAfter = hot.pointee.isNoted || hot.pointee.kind == .none || hot.pointee.hasAnother
    }

    // MARK: What a channel does itself

    /// The device is ready, and the lane is closed or there is more to think of than a byte.
    open func deviceReady(_ events: Readiness, now: UInt64) {}
    /// The device failed.
    open func deviceFails(_ errno: Errno) {}
    /// The lane was closed in the handler's call that has just returned.
    open func laneClosed() {}
    /// A handler's call has returned, and the tick went on since `now`, where the turn began.
    open func tickPassed(since now: UInt64, to after: UInt64) {}
    /// ODR could not be written: what the handler is answered. `result` is minus an error number.
    open func odrRefused(_ result: Int32, _ value: UInt8) -> Int32 { KCS_E_IO }
    /// A byte for the log.
    open func trace(in value: UInt8, str: UInt8) {}
    /// A byte for the log.
    open func trace(out value: UInt8) {}

    // MARK: A byte

    public final override func ready(_ events: Readiness, now: UInt64) {
        let hot = hot
        guard events == .input || events == hot.pointee.again else { return deviceReady(events, now: now) }
        let value: UInt8
        let str: UInt8
        switch hot.pointee.kind {
        case .none: return deviceReady(events, now: now)
        case .node:
            guard hot.pointee.marks.enterDeviceAwake() else { return wakeAndServe(events, now) }
            let taken = hot.pointee.registers.unsafelyUnwrapped.takeFromNode()
            guard taken >= 0 else { return nothingTaken(-taken) }
            value = UInt8(truncatingIfNeeded: taken)
            str = UInt8(truncatingIfNeeded: taken >> 8)
        case .simulated:
            guard hot.pointee.marks.enterDeviceAwake() else { return wakeAndServe(events, now) }
            guard let state = hot.pointee.registers.unsafelyUnwrapped.takeFromSimulated() else {
                return leaveAndServe(.input, now)
            }
            value = state.buffer
            str = state.str | STRBit.ibf
            if state.isInputFull {
                hot.pointee.hasAnother = true
                hot.pointee.hasAfter = true
            }
        }
        hot.pointee.registers.unsafelyUnwrapped.note(str)
        // The handler's call begins before the device's ends: there is no moment in which the watchdog sees neither.
        hot.pointee.mark &+= ActivityMarks.step
        hot.pointee.marks.enterFromDevice(hot.pointee.mark)
        hot.pointee.bytesIn &+= 1
        hot.pointee.callDepth &+= 1
        if hot.pointee.isNoted { return noteAndDeliver(value, str, now) }
        deliver(value, str, now)
    }

    @inline(__always)
    private final func deliver(_ value: UInt8, _ str: UInt8, _ now: UInt64) {
        let hot = hot
        hot.pointee.deliver.unsafelyUnwrapped(hot.pointee.instance, value, str, now)
        hot.pointee.marks.leave()
        hot.pointee.callDepth &-= 1
        let after = Clock.coarse
        if _slowPath(hot.pointee.hasAfter) || _slowPath(after > now) { endCall(now, after) }
    }

    // What is rare is mostly the last thing that happens, so that there are few registers to save.

    @inline(never)
    private final func wakeAndServe(_ events: Readiness, _ now: UInt64) {
        hot.pointee.marks.wake()
        leaveAndServe(events, now)
    }

    /// The byte is not taken yet, and has no short way.
    @inline(never)
    private final func leaveAndServe(_ events: Readiness, _ now: UInt64) {
        hot.pointee.marks.leaveDevice()
        deviceReady(events, now: now)
    }

    @inline(never)
    private final func nothingTaken(_ errno: Int32) {
        hot.pointee.marks.leaveDevice()
        if errno != EAGAIN { deviceFails(Errno(rawValue: errno)) }
    }

    @inline(never)
    private final func noteAndDeliver(_ value: UInt8, _ str: UInt8, _ now: UInt64) {
        tape?._withUnsafeGuaranteedRef {
            $0.idrRead(value, str: str, at: Clock.boot)
            $0.enter(Activity.Callback.data.literal)
        }
        if isTraced { trace(in: value, str: str) }
        deliver(value, str, now)
    }

    @inline(never)
    private final func endCall(_ now: UInt64, _ after: UInt64) {
        tape?._withUnsafeGuaranteedRef { $0.leave() }
        if after > now { tickPassed(since: now, to: after) }
        let hasAnother = hot.pointee.hasAnother
        hot.pointee.hasAnother = false
        settleAfter()
        if hot.pointee.kind == .none { return laneClosed() }
        if hasAnother { loop._withUnsafeGuaranteedRef { $0.again(self) } }
    }

    // MARK: An answer

    /// What `kcs_host.write_odr` does while the lane is open, given `odrContext`; another one after `note`.
    public final var odrWriter: @convention(c) (UnsafeMutableRawPointer, UInt8) -> Int32 {
        hot.pointee.isNoted ? Self.writeAndNote : Self.writeODR
    }

    /// What `odrWriter` is to be given.
    public final var odrContext: UnsafeMutableRawPointer { UnsafeMutableRawPointer(hot) }

    private static let writeODR: @convention(c) (UnsafeMutableRawPointer, UInt8) -> Int32 = { context, value in
        let hot = context.assumingMemoryBound(to: Hot.self)
        // Nobody is given this way before the lane is open, or keeps it when it closes.
        let registers = hot.pointee.registers.unsafelyUnwrapped
        hot.pointee.marks.enterDeviceInCall()
        switch registers.tryWriteODR(value) {
        case 0: break
        case ByteRegisters.unwritten: return writeODRLong(hot, value)
        case ByteRegisters.unrung: return ringLong(hot)
        case let failure: return leave(hot, failure, value)
        }
        hot.pointee.marks.leaveDevice()
        hot.pointee.bytesOut &+= 1
        return KCS_OK
    }

    // What is rare is the last thing that the writer does, so that it has no register to save.

    @inline(never)
    private static func writeODRLong(_ hot: UnsafeMutablePointer<Hot>, _ value: UInt8) -> Int32 {
        leave(hot, hot.pointee.registers.unsafelyUnwrapped.writeODRLong(value), value)
    }

    @inline(never)
    private static func ringLong(_ hot: UnsafeMutablePointer<Hot>) -> Int32 {
        hot.pointee.registers.unsafelyUnwrapped.ringLong()
        return leave(hot, 0, 0)
    }

    @inline(never)
    private static func leave(_ hot: UnsafeMutablePointer<Hot>, _ result: Int32, _ value: UInt8) -> Int32 {
        hot.pointee.marks.leaveDevice()
        guard result == 0 else {
            return hot.pointee.lane.unsafelyUnwrapped._withUnsafeGuaranteedRef { $0.odrRefused(result, value) }
        }
        hot.pointee.bytesOut &+= 1
        return KCS_OK
    }

    private static let writeAndNote: @convention(c) (UnsafeMutableRawPointer, UInt8) -> Int32 = { context, value in
        let result = writeODR(context, value)
        guard result == KCS_OK else { return result }
        let hot = context.assumingMemoryBound(to: Hot.self)
        hot.pointee.lane.unsafelyUnwrapped._withUnsafeGuaranteedRef { lane in
            lane.tape?._withUnsafeGuaranteedRef { $0.odrWritten(value, at: Clock.boot) }
            if lane.isTraced { lane.trace(out: value) }
        }
        return KCS_OK
    }
}
