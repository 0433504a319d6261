// SPDX-License-Identifier: Apache-2.0
//
// The model. A turn waits for descriptors (until the earliest timer), reads the clock once, dispatches what is ready,
// then the sources that asked to be called, then the timers that are due. Every source is called at most once for its
// descriptor in a turn, whatever it still has to do: what it leaves is level-triggered, or asked for with
// `callInNextTurn`, and so waits behind everybody else's turn. That is the whole of fairness.
//
// A registration is a slot and its generation, packed into epoll's word of user data. Removing a source bumps the slot's
// generation, so an event that the kernel reported before the removal finds nobody.
//
// The clock can be a system call, as on processors whose vDSO has none, so a turn reads it once: whatever is done in it is
// done at its time, and a wait is counted from there.
//
// Unsafe: the kernel's event array, which is raw memory.
import CLinux
import LinuxIO

/// One thread's readiness, timers and posts: epoll without a descriptor of its own to read for any of them but posts.
public final class EventLoop {
    private struct Slot {
        /// Nil while the slot is free.
        var source: EventSource?
        var descriptor: Int32 = -1
        var generation: UInt32 = 0
    }

    private static let eventCapacity = 64

    private let epoll: Epoll
    private let events: UnsafeMutableBufferPointer<epoll_event>
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var timers = TimerQueue(capacity: 64)
    private var removed: [EventSource] = []
    private var dropping: [EventSource] = []
    /// Who asked to be called in the next turn, and the list that the turn before had.
    private var queued: [EventSource] = []
    private var calling: [EventSource] = []
    /// Called at the end of each turn; for what cannot wait for a descriptor or a time.
    public var turnEnded: (() -> Void)?
    /// Does `run` go on?
    public private(set) var isRunning = false
    private var hasPreciseWait: Bool
    /// Are timers being fired? One that is set meanwhile is due in the next turn at the earliest.
    private var isFiring = false
    /// Fallback for kernels without epoll_pwait2.
    private var alarm: Alarm?

    /// CLOCK_MONOTONIC in nanoseconds, read when the turn began.
    public private(set) var now: UInt64

    /// Called on the loop's thread for work that other threads have posted.
    public let mailbox: Mailbox

    /// A loop with nothing registered. Fails when the process has no descriptors left.
    public convenience init() throws(SystemError) { try self.init(hasPreciseWait: true) }

    /// Without `hasPreciseWait`, as on a kernel whose epoll waits in whole milliseconds.
    init(hasPreciseWait: Bool) throws(SystemError) {
        self.hasPreciseWait = hasPreciseWait
        epoll = try Epoll()
        events = .allocate(capacity: Self.eventCapacity)
        now = Clock.monotonic
        mailbox = Mailbox(try Descriptors.event())
        try add(mailbox, descriptor: mailbox.descriptor, interest: .input)
    }

    deinit { events.deallocate() }

    // MARK: Descriptors

    /// Starts telling `source` of its descriptor's readiness. The descriptor stays the caller's, who removes the source
    /// before closing it. A source that is registered already is a caller's mistake.
    public func add(_ source: EventSource, descriptor: Int32, interest: Readiness) throws(SystemError) {
        precondition(source.slot < 0, "the source is registered already")
        if free.isEmpty {
            free.append(slots.count)
            slots.append(Slot())
        }
        let index = free[free.count - 1]
        try epoll.add(descriptor, interest.rawValue, userData(index, slots[index].generation)).get("epoll_ctl")
        free.removeLast()
        slots[index].source = source
        slots[index].descriptor = descriptor
        source.slot = index
    }

    /// Changes what a registered source waits for. Waiting for nothing still tells of errors and hang-ups.
    public func update(_ source: EventSource, interest: Readiness) {
        let isRegistered = tryUpdate(source, interest: interest)
        precondition(isRegistered, "a registered descriptor was closed before its source was removed")
    }

    /// As `update`, for a descriptor that somebody else owns: false when it was closed before its source was removed.
    public func tryUpdate(_ source: EventSource, interest: Readiness) -> Bool {
        precondition(source.slot >= 0, "the source is not registered")
        let slot = slots[source.slot]
        let result = epoll.modify(slot.descriptor, interest.rawValue, userData(source.slot, slot.generation))
        return result.errno == nil
    }

    /// Stops telling a source anything, at once, also of what the kernel has reported already. Harmless for a source that
    /// is not registered.
    public func remove(_ source: EventSource) {
        guard source.slot >= 0 else { return }
        let index = source.slot
        epoll.remove(slots[index].descriptor)
        slots[index].source = nil
        slots[index].generation &+= 1
        free.append(index)
        source.slot = -1
        source.isQueued = false
        // It may be the one that is being called.
        removed.append(source)
    }

    /// Calls `source.ready` with no bits set in the next turn, which does not wait: it has more to do than one turn
    /// allows. Harmless for a source that is not registered.
    public func callInNextTurn(_ source: EventSource) {
        guard source.slot >= 0, !source.isQueued else { return }
        source.isQueued = true
        queued.append(source)
    }

    /// Something was done in this turn that took time, as opening a device does: what follows begins at a later `now`.
    public func readClock() { now = Clock.monotonic }

    // MARK: Timers

    /// Sets, or moves, a timer to a CLOCK_MONOTONIC time in nanoseconds.
    public func set(_ timer: LoopTimer, deadline: UInt64) {
        timers.set(timer, deadline: isFiring ? max(deadline, now + 1) : deadline)
    }

    /// Stops a timer; harmless for one that is not set.
    public func cancel(_ timer: LoopTimer) {
        timers.cancel(timer)
    }

    // MARK: Running

    /// Turns until `stop` is called. The error is the kernel's, of waiting.
    public func run() throws(SystemError) {
        isRunning = true
        while isRunning { try turn(wait: true) }
    }

    /// Ends `run` after the turn under way. Only on the loop's thread; other threads post it.
    public func stop() { isRunning = false }

    /// One turn; without `wait`, it only handles what is ready at this moment.
    public func turn(wait: Bool) throws(SystemError) {
        swap(&queued, &calling)
        let result = waitForEvents(wait && calling.isEmpty)
        now = Clock.monotonic
        var count = 0
        switch result {
        case .success(let ready): count = ready
        case .failure(.interrupted): break
        case .failure(let errno): throw SystemError(errno, "epoll_wait")
        }
        for index in 0..<count {
            let word = events[index].word
            let slot = slots[Int(word & 0x7FFF_FFFF)]
            guard slot.generation == UInt32(truncatingIfNeeded: word >> 32), let source = slot.source else { continue }
            // One call serves both wishes.
            source.isQueued = false
            source.ready(Readiness(rawValue: events[index].events), now: now)
        }
        if !calling.isEmpty { callQueued() }
        fireTimers()
        if !removed.isEmpty { dropRemoved() }
        if let turnEnded { turnEnded() }
    }

    private func callQueued() {
        for index in 0..<calling.count {
            let source = calling[index]
            guard source.isQueued, source.slot >= 0 else { continue }
            source.isQueued = false
            source.ready(Readiness(rawValue: 0), now: now)
        }
        calling.removeAll(keepingCapacity: true)
    }

    /// A source's deinit may remove others.
    private func dropRemoved() {
        swap(&removed, &dropping)
        dropping.removeAll(keepingCapacity: true)
    }

    private func fireTimers() {
        // A timer that sets itself into the past fires in the next turn, not for ever in this one.
        isFiring = true
        while let timer = timers.popDue(now) { timer.fire(now: now) }
        isFiring = false
    }

    /// Waits until the earliest timer; without `wait`, not at all. How many descriptors are ready.
    private func waitForEvents(_ wait: Bool) -> Result<Int, Errno> {
        guard wait else { return epoll.wait(events, milliseconds: 0) }
        guard let deadline = timers.earliest else { return epoll.wait(events, milliseconds: -1) }
        return deadline <= now ? epoll.wait(events, milliseconds: 0) : waitPrecisely(deadline - now)
    }

    private func waitPrecisely(_ nanoseconds: UInt64) -> Result<Int, Errno> {
        if hasPreciseWait {
            let result = epoll.wait(events, nanoseconds: Int64(clamping: nanoseconds))
            guard case .failure(.notImplemented) = result else { return result }
            hasPreciseWait = false
        }
        if alarm == nil { alarm = makeAlarm() }
        guard let alarm else {
            return epoll.wait(events, milliseconds: Int32(clamping: nanoseconds / 1_000_000 + 1))
        }
        alarm.timer.set(nanoseconds)
        return epoll.wait(events, milliseconds: -1)
    }

    private func makeAlarm() -> Alarm? {
        do {
            let alarm = Alarm(try TimerDescriptor())
            try add(alarm, descriptor: alarm.timer.raw, interest: .input)
            return alarm
        } catch { return nil }
    }

    private func userData(_ index: Int, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }
}

/// A timer that only ends a wait: for kernels whose epoll waits in whole milliseconds.
private final class Alarm: EventSource {
    let timer: TimerDescriptor

    init(_ timer: consuming TimerDescriptor) {
        self.timer = timer
        super.init()
    }

    override func ready(_ events: Readiness, now: UInt64) { _ = timer.takeExpiry() }
}
