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
// The clock can be a system call, as on processors whose vDSO has none, so nothing here reads it twice in a turn without
// need: a wait ends so long after the turn's own time, and only a turn that says that it lasted has it read once more.
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

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
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
    private var isRunning = false
    private var hasPreciseWait: Bool
    /// Are timers being fired? One that is set meanwhile is due in the next turn at the earliest.
    private var isFiring = false
    private var hasLasted = false
    /// Fallback for kernels without epoll_pwait2.
    private var alarm: Alarm?

    /// CLOCK_MONOTONIC in nanoseconds, read when the turn began, or after it had lasted.
    public private(set) var now: UInt64

    /// Called on the loop's thread for work that other threads have posted.
    public let mailbox: Mailbox

    /// A loop with nothing registered. Fails when the process has no descriptors left.
    public convenience init() throws(SystemError) { try self.init(hasPreciseWait: true) }

    /// Without `hasPreciseWait`, as on a kernel whose epoll waits in whole milliseconds.
    init(hasPreciseWait: Bool) throws(SystemError) {
        self.hasPreciseWait = hasPreciseWait
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError(.current, "epoll_create1") }
        events = .allocate(capacity: Self.eventCapacity)
        now = Clock.monotonic
        let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard bell >= 0 else { throw SystemError(.current, "eventfd") }
        mailbox = Mailbox(owning: bell)
        try add(mailbox, descriptor: mailbox.descriptor, interest: .input)
    }

    deinit {
        events.deallocate()
        close(epoll)
    }

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
        guard
            cl_epoll_control(
                epoll, EPOLL_CTL_ADD, descriptor, interest.rawValue, userData(index, slots[index].generation)) == 0
        else { throw SystemError(.current, "epoll_ctl") }
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
        return cl_epoll_control(
            epoll, EPOLL_CTL_MOD, slot.descriptor, interest.rawValue, userData(source.slot, slot.generation)) == 0
    }

    /// Stops telling a source anything, at once, also of what the kernel has reported already. Harmless for a source that
    /// is not registered.
    public func remove(_ source: EventSource) {
        guard source.slot >= 0 else { return }
        let index = source.slot
        _ = cl_epoll_control(epoll, EPOLL_CTL_DEL, slots[index].descriptor, 0, 0)
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

    /// Something was done in this turn that may have taken time: a handler was called, a device was opened.
    public func turnLasts() { hasLasted = true }

    /// CLOCK_MONOTONIC in nanoseconds, for whom `now` may be too long ago: the clock is read again only if the turn has
    /// lasted.
    public func time() -> UInt64 {
        if hasLasted {
            hasLasted = false
            now = Clock.monotonic
        }
        return now
    }

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
        let count = waitForEvents(wait && calling.isEmpty)
        now = Clock.monotonic
        hasLasted = false
        if count < 0 && count != -EINTR { throw SystemError(Errno(rawValue: -count), "epoll_wait") }
        for index in 0..<max(Int(count), 0) {
            let word = cl_epoll_data(events + index)
            let slot = slots[Int(word & 0x7FFF_FFFF)]
            guard slot.generation == UInt32(truncatingIfNeeded: word >> 32), let source = slot.source else { continue }
            // One call serves both wishes.
            source.isQueued = false
            source.ready(Readiness(rawValue: cl_epoll_events(events + index)), now: now)
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

    /// Waits until the earliest timer; without `wait`, not at all. Minus an error number when that fails.
    private func waitForEvents(_ wait: Bool) -> Int32 {
        guard wait else { return waitForMilliseconds(0) }
        guard let deadline = timers.earliest else { return waitForMilliseconds(-1) }
        return deadline <= now ? waitForMilliseconds(0) : waitPrecisely(Int64(clamping: deadline - now))
    }

    private func waitForMilliseconds(_ milliseconds: Int32) -> Int32 {
        cl_epoll_wait(epoll, events, Int32(Self.eventCapacity), milliseconds)
    }

    private func waitPrecisely(_ nanoseconds: Int64) -> Int32 {
        if hasPreciseWait {
            let count = cl_epoll_pwait2(epoll, events, Int32(Self.eventCapacity), nanoseconds)
            if count != -Errno.notImplemented.rawValue { return count }
            hasPreciseWait = false
        }
        if alarm == nil { alarm = makeAlarm() }
        guard let alarm else { return waitForMilliseconds(Int32(clamping: nanoseconds / 1_000_000 + 1)) }
        alarm.set(nanoseconds)
        return waitForMilliseconds(-1)
    }

    private func makeAlarm() -> Alarm? {
        let descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        let alarm = Alarm(owning: descriptor)
        do { try add(alarm, descriptor: descriptor, interest: .input) } catch { return nil }
        return alarm
    }

    private func userData(_ index: Int, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(index)
    }
}

/// A timerfd that only ends a wait: for kernels whose epoll waits in whole milliseconds.
private final class Alarm: EventSource {
    let descriptor: Int32

    /// Takes over a timerfd.
    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        super.init()
    }

    deinit { close(descriptor) }

    func set(_ nanoseconds: Int64) {
        var time = itimerspec()
        time.it_value = timespec(
            tv_sec: numericCast(nanoseconds / 1_000_000_000), tv_nsec: numericCast(nanoseconds % 1_000_000_000))
        timerfd_settime(descriptor, 0, &time, nil)
    }

    override func ready(_ events: Readiness, now: UInt64) {
        var count: UInt64 = 0
        withUnsafeMutableBytes(of: &count) { _ = Syscalls.read(descriptor, into: $0) }
    }
}
