// SPDX-License-Identifier: Apache-2.0
//
// The model. A turn waits for descriptors (until the earliest timer), reads the clock once, dispatches what is ready,
// then the timers that are due, then what other threads posted, then the sources that asked to be called again. Every
// source is called at most once for its descriptor in a turn, whatever it still has to do: what it leaves is level-
// triggered, or asked for with `again`, and so waits behind everybody else's turn. That is the whole of fairness.
//
// A registration is a slot's place in memory and a generation, packed into epoll's word of user data. Removing a source
// bumps the slot's generation, so an event that the kernel reported before the removal finds nobody.
//
// Every byte of every channel comes by here, so a turn in which nothing but descriptors can be ready, and the earliest timer
// is far, is short, and all else is out of line.
//
// Unsafe: slots and the kernel's event array are raw memory, so that dispatching costs neither bounds checks nor
// reference counting; a removed source is kept alive until the turn is over.
import CLinux
import LinuxIO

/// One thread's readiness, timers and posts: epoll without a descriptor of its own to read for any of them but posts.
public final class EventLoop {
    private struct Slot {
        /// Nil only while the generation is one that nobody was told.
        var source: Unmanaged<EventSource>?
        var descriptor: Int32
        var generation: UInt32
        var nextFree: Int32
    }

    private static let eventCapacity = 64

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCapacity: Int
    private var firstFree: Int32 = -1
    private var timers = TimerQueue(capacity: 64)
    private var removed: [EventSource] = []
    private var dropping: [EventSource] = []
    /// Called at the end of each turn; for what cannot wait for a descriptor or a time.
    public var turnEnded: (() -> Void)? { didSet { settle(afterEvents: false) } }
    /// Is there nothing to a turn but descriptors? Whoever brings more in, a timer or a removal, says so here.
    private(set) var isPlain = true
    /// If so, how long it may wait, in milliseconds, and when it is over, because a timer comes nearer.
    private var plainTimeout: Int32 = -1
    private var plainUntil = UInt64.max
    private var queuedAgain = AgainQueue(capacity: 16)
    /// Turns that began with more than descriptors to see to: who asks to be called again waits for the next of them.
    private var turnNumber: UInt64 = 0
    private var isRunning = false
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
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError(.current, "epoll_create1") }
        events = .allocate(capacity: Self.eventCapacity)
        slotCapacity = 0
        slots = .allocate(capacity: 1)
        now = Clock.monotonic
        let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard bell >= 0 else { throw SystemError(.current, "eventfd") }
        mailbox = Mailbox(owning: bell)
        try add(mailbox, descriptor: mailbox.descriptor, interest: .input)
    }

    deinit {
        for index in 0..<slotCapacity { slots[index].source?.release() }
        slots.deallocate()
        events.deallocate()
        close(epoll)
    }

    // MARK: Descriptors

    /// Starts telling `source` of its descriptor's readiness. The descriptor stays the caller's, who removes the source
    /// before closing it. A source that is registered already is a caller's mistake.
    public func add(_ source: EventSource, descriptor: Int32, interest: Readiness) throws(SystemError) {
        precondition(source.slot < 0, "the source is registered already")
        if firstFree < 0 { growSlots() }
        let index = firstFree
        let slot = slots + Int(index)
        guard
            cl_epoll_control(
                epoll, EPOLL_CTL_ADD, descriptor, interest.rawValue, userData(index, slot.pointee.generation)) == 0
        else { throw SystemError(.current, "epoll_ctl") }
        firstFree = slot.pointee.nextFree
        slot.pointee.source = .passRetained(source)
        slot.pointee.descriptor = descriptor
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
        let slot = slots + Int(source.slot)
        let result = cl_epoll_control(
            epoll, EPOLL_CTL_MOD, slot.pointee.descriptor, interest.rawValue,
            userData(source.slot, slot.pointee.generation))
        return result == 0
    }

    /// Stops telling a source anything, at once, also of what the kernel has reported already. Harmless for a source that
    /// is not registered.
    public func remove(_ source: EventSource) {
        guard source.slot >= 0 else { return }
        let slot = slots + Int(source.slot)
        _ = cl_epoll_control(epoll, EPOLL_CTL_DEL, slot.pointee.descriptor, 0, 0)
        slot.pointee.source = nil
        slot.pointee.generation &+= 1
        slot.pointee.nextFree = firstFree
        firstFree = source.slot
        source.slot = -1
        source.againTurn = 0
        removed.append(source)
        isPlain = false
        Unmanaged.passUnretained(source).release()
    }

    /// Calls `source.ready` in the next turn without waiting for its descriptor: it has more to do than one turn allows.
    public func again(_ source: EventSource) {
        guard source.slot >= 0, source.againTurn == 0 else { return }
        source.againTurn = turnNumber + 1
        queuedAgain.append(userData(source.slot, (slots + Int(source.slot)).pointee.generation))
        isPlain = false
    }

    /// The turn under way lasts: timers are to be looked at when it is over.
    public func turnLasts() { isPlain = false }

    // MARK: Timers

    /// Sets, or moves, a timer to a CLOCK_MONOTONIC time in nanoseconds.
    public func set(_ timer: LoopTimer, deadline: UInt64) {
        timers.set(timer, deadline: isFiring ? max(deadline, now + 1) : deadline)
        isPlain = false
    }

    /// Stops a timer; harmless for one that is not set.
    public func cancel(_ timer: LoopTimer) {
        // Let go of here, not in the queue: the timer's deinit may set and cancel others.
        timers.cancel(timer)?.release()
    }

    // MARK: Running

    /// Turns until `stop` is called. The error is the kernel's, of waiting.
    public func run() throws(SystemError) {
        isRunning = true
        while true {
            if isPlain {
                let count = plainWait(plainTimeout)
                try begin(count)
                if count > 0 {
                    dispatch(count, mayHaveAsked: false)
                    if isPlain && now < plainUntil { continue }
                    endTurn(0, hadEvents: true)
                } else {
                    // A timer is not far, and nobody is in a hurry: the next turn waits for it exactly.
                    isPlain = false
                }
            } else {
                try turn(wait: true)
            }
            if !isRunning { return }
        }
    }

    /// Ends `run` after the turn under way. Only on the loop's thread; other threads post it.
    public func stop() {
        isRunning = false
        isPlain = false
    }

    /// One turn; without `wait`, it only handles what is ready at this moment.
    @inline(never)
    public func turn(wait: Bool) throws(SystemError) {
        // Who asks from here on waits for the next turn.
        turnNumber &+= 1
        let again = queuedAgain.count
        let count = waitForTimers(wait && again == 0)
        try begin(count)
        dispatch(count, mayHaveAsked: true)
        endTurn(again, hadEvents: count > 0)
    }

    /// The wait is over.
    @inline(__always)
    private func begin(_ count: Int32) throws(SystemError) {
        now = Clock.monotonic
        if count < 0 { try checkWait(count) }
    }

    /// Tells the sources of `count` events. Without `mayHaveAsked`, none had asked to be called again when the turn began;
    /// one for which another asks in it is called once more.
    @inline(__always)
    private func dispatch(_ count: Int32, mayHaveAsked: Bool) {
        guard count > 0 else { return }
        let now = now
        var event = events
        var left = count
        repeat {
            let word = cl_epoll_data(event)
            let slot = slot(word)
            if _fastPath(slot.pointee.generation == Self.generation(word)) {
                slot.pointee.source.unsafelyUnwrapped._withUnsafeGuaranteedRef {
                    // One call serves both wishes.
                    if mayHaveAsked { $0.againTurn = 0 }
                    $0.ready(Readiness(rawValue: cl_epoll_events(event)), now: now)
                }
            }
            event += 1
            left &-= 1
        } while left != 0
    }

    /// Waiting failed: a signal is no failure.
    @inline(never)
    private func checkWait(_ result: Int32) throws(SystemError) {
        let errno = Errno(rawValue: -result)
        if errno != .interrupted { throw SystemError(errno, "epoll_wait") }
    }

    /// What is rare in a turn.
    @inline(never)
    private func endTurn(_ again: Int, hadEvents: Bool) {
        if timers.count > 0 { fireTimers() }
        if again > 0 { dispatchQueued(again) }
        if !removed.isEmpty { dropRemoved() }
        if let turnEnded { turnEnded() }
        settle(afterEvents: hadEvents)
    }

    /// How the next turn is to be. A timer that is far, the daemon's own watchdog's for instance, makes none of the turns
    /// longer that come until then: for a third of the way each may wait for another third, and still be in time unless it
    /// takes the last third itself (`turnLasts`).
    private func settle(afterEvents: Bool) {
        isPlain = isRunning && queuedAgain.count == 0 && removed.isEmpty && turnEnded == nil
        guard let deadline = timers.earliest else {
            plainTimeout = -1
            plainUntil = .max
            return
        }
        // Not the turn's own time: it may have lasted.
        let now = Clock.monotonic
        let third = (max(deadline, now) - now) / 3
        plainTimeout = Int32(clamping: third / 1_000_000)
        plainUntil = now + third
        // Where nothing happens, waiting exactly is one wake-up less.
        if !afterEvents || plainTimeout < 4 { isPlain = false }
    }

    /// A source's deinit may remove others.
    private func dropRemoved() {
        swap(&removed, &dropping)
        dropping.removeAll(keepingCapacity: true)
    }

    private func fireTimers() {
        // A timer that sets itself into the past fires in the next turn, not for ever in this one.
        isFiring = true
        while let timer = timers.popDue(now) {
            timer._withUnsafeGuaranteedRef { $0.fire(now: now) }
            timer.release()
        }
        isFiring = false
    }

    private func dispatchQueued(_ count: Int) {
        for index in 0..<count {
            let slot = slot(queuedAgain[index])
            guard slot.pointee.generation == Self.generation(queuedAgain[index]) else { continue }
            slot.pointee.source.unsafelyUnwrapped._withUnsafeGuaranteedRef {
                // Called for its descriptor already; if it asked once more then, that is for the next turn.
                guard $0.againTurn == turnNumber else { return }
                $0.againTurn = 0
                $0.ready(Readiness(rawValue: 0), now: now)
            }
        }
        queuedAgain.removeFirst(count)
    }

    /// Waits until the earliest timer; without `wait`, not at all.
    @inline(never)
    private func waitForTimers(_ wait: Bool) -> Int32 {
        guard wait else { return plainWait(0) }
        guard let deadline = timers.earliest else { return plainWait(-1) }
        let current = Clock.monotonic
        return deadline <= current ? plainWait(0) : waitPrecisely(Int64(clamping: deadline - current))
    }

    @inline(__always)
    private func plainWait(_ milliseconds: Int32) -> Int32 {
        cl_epoll_wait(epoll, events, Int32(Self.eventCapacity), milliseconds)
    }

    private func waitPrecisely(_ nanoseconds: Int64) -> Int32 {
        if hasPreciseWait {
            let count = cl_epoll_pwait2(epoll, events, Int32(Self.eventCapacity), nanoseconds)
            if count != -Errno.notImplemented.rawValue { return count }
            hasPreciseWait = false
        }
        if alarm == nil { alarm = makeAlarm() }
        guard let alarm else { return plainWait(Int32(clamping: nanoseconds / 1_000_000 + 1)) }
        alarm.set(nanoseconds)
        return plainWait(-1)
    }

    private func makeAlarm() -> Alarm? {
        let descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        let alarm = Alarm(owning: descriptor)
        do { try add(alarm, descriptor: descriptor, interest: .input) } catch { return nil }
        return alarm
    }

    // MARK: Slots

    /// Where the registration that a word of user data stands for was. If the slot's generation is still the word's, it is
    /// there: a slot is empty only while its generation is one that nobody was told.
    @inline(__always)
    private func slot(_ word: UInt64) -> UnsafeMutablePointer<Slot> {
        (UnsafeMutableRawPointer(slots) + Int(truncatingIfNeeded: word & 0xFFFF_FFFF)).assumingMemoryBound(
            to: Slot.self)
    }

    @inline(__always)
    private static func generation(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word >> 32) }

    private func userData(_ index: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(UInt32(index) * UInt32(MemoryLayout<Slot>.stride))
    }

    private func growSlots() {
        let capacity = max(16, slotCapacity * 2)
        let larger = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        larger.moveInitialize(from: slots, count: slotCapacity)
        for index in slotCapacity..<capacity {
            let next = index + 1 < capacity ? Int32(index + 1) : firstFree
            (larger + index).initialize(to: Slot(source: nil, descriptor: -1, generation: 0, nextFree: next))
        }
        firstFree = Int32(slotCapacity)
        slots.deallocate()
        slots = larger
        slotCapacity = capacity
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
