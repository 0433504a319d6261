// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the seat holds its channel without counting the reference; the channel outlives its seats, and a seat that
// waits for work to end has let go of it.
import CKCSPlugin
import CLinux
import Events
import HotPath
import LinuxIO
import PluginHost
import Schema

/// One handler's place on its channel: the host calls of the plugin ABI, served by the channel and the daemon.
final class HandlerSeat: HandlerInstance {
    private var channelReference: Unmanaged<Channel>?
    /// Its place among the channel's handlers.
    let index: Int
    /// The kind of input that it chose at start (`KCS_INPUT_*`).
    var input = KCS_INPUT_NONE
    /// Its wish for SMS_ATN.
    var wantsAttention = false

    private let services: ChannelServices
    private let name: String
    private var timers: [SeatTimer] = []
    private var watches: [SeatWatch] = []
    private var nextNumber: UInt32 = 1
    private var workUnderWay = 0
    /// Keeps the window mapped for work that outlives the channel's device.
    private var windowOwner: AnyObject?
    private var isRunningActions = false
    private var isGone = false
    private var logLimit = RateLimit(burst: 20, interval: 1_000_000_000)

    init(_ plan: HandlerPlan, index: Int, channel: Channel) {
        self.index = index
        services = channel.services
        name = channel.name
        channelReference = .passUnretained(channel)
        super.init(plugin: plan.plugin, options: plan.options)
    }

    /// The channel, while the seat is on it.
    @inline(__always)
    private func withChannel(_ body: (Channel) -> Int32) -> Int32 {
        guard let channelReference else { return KCS_E_UNAVAILABLE }
        return channelReference._withUnsafeGuaranteedRef(body)
    }

    /// Calls into the plugin, with the watchdog told.
    @inline(__always)
    func calling<Result>(_ callback: Activity.Callback, _ body: (HandlerSeat) -> Result) -> Result {
        guard let channelReference else { return body(self) }
        return channelReference._withUnsafeGuaranteedRef { channel in
            channel.beginCall(callback)
            defer { channel.endCall(self, callback) }
            return body(self)
        }
    }

    /// Takes the handler off the channel: stopped, its resources closed, and destroyed as soon as no work of it runs.
    func leave(reason: UInt32) {
        calling(.stop) { $0.stop(reason: reason) }
        for timer in timers { services.loop.cancel(timer) }
        for watch in watches { services.loop.remove(watch) }
        timers = []
        watches = []
        isGone = true
        if workUnderWay == 0 { calling(.destroy) { $0.destroy() } }
        channelReference = nil
    }

    override func makeReporter() -> MisuseReporter { MisuseLines(services, channel: name, plugin: plugin.name) }

    // MARK: Registers and messages

    override func readIDR() -> (status: Int32, value: UInt8, str: UInt8) {
        guard let channelReference else { return (KCS_E_UNAVAILABLE, 0, 0) }
        return channelReference._withUnsafeGuaranteedRef { $0.handlerReadsIDR(self) }
    }

    override func readSTR() -> Int32 { withChannel { $0.handlerReadsSTR(self) } }
    override func writeODR(_ value: UInt8) -> Int32 { withChannel { $0.handlerWritesODR(self, value) } }

    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        withChannel { $0.handlerWritesSTR(self, mask, value) }
    }

    override func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        withChannel { $0.handlerWritesBoth(self, odr, mask, value) }
    }

    override func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        withChannel { $0.handlerReplaces(self, odr, mask, value) }
    }

    override func wantOutput(_ wish: UInt32) -> Int32 { withChannel { $0.handlerWantsOutput(self, wish) } }

    override func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        withChannel { $0.handlerReplies(self, token, bytes) }
    }

    override func setAttention(_ on: Bool) -> Int32 { withChannel { $0.handlerSetsAttention(self, on) } }

    // MARK: Services

    override func now() -> UInt64 { Clock.monotonic }

    override func openTimer(_ context: UnsafeMutableRawPointer?, _ fire: @escaping TimerCallback) -> Int32 {
        guard !isGone, timers.count < 256 else { return isGone ? KCS_E_UNAVAILABLE : KCS_E_LIMIT }
        let timer = SeatTimer(self, takeNumber(), context, fire)
        timers.append(timer)
        return Int32(timer.number)
    }

    /// A number that no timer or watch of the instance has, also after years of opening and closing them.
    private func takeNumber() -> UInt32 {
        while true {
            let number = nextNumber
            nextNumber = number == UInt32(Int32.max) ? 1 : number + 1
            if !timers.contains(where: { $0.number == number }) && !watches.contains(where: { $0.number == number }) {
                return number
            }
        }
    }

    override func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 {
        guard let found = timers.first(where: { $0.number == timer }) else {
            return misused("timer_set() names timer \(timer), which \(isGone ? "was closed with stop" : "is not open")")
        }
        if deadline == 0 { services.loop.cancel(found) } else { services.loop.set(found, deadline: deadline) }
        return KCS_OK
    }

    override func closeTimer(_ timer: UInt32) -> Int32 {
        guard let place = timers.firstIndex(where: { $0.number == timer }) else {
            // What stop closed may be closed again.
            return isGone ? KCS_E_INVALID : misused("timer_close() names timer \(timer), which is not open")
        }
        services.loop.cancel(timers.remove(at: place))
        return KCS_OK
    }

    override func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ context: UnsafeMutableRawPointer?, _ ready: @escaping WatchCallback
    ) -> Int32 {
        guard !isGone, watches.count < 4096 else { return isGone ? KCS_E_UNAVAILABLE : KCS_E_LIMIT }
        guard events & ~3 == 0 else { return misused("watch_open() with events 0x\(String(events, radix: 16))") }
        let watch = SeatWatch(self, takeNumber(), context, ready)
        do { try services.loop.add(watch, descriptor: descriptor, interest: SeatWatch.interest(events)) } catch {
            return misused("watch_open() of descriptor \(descriptor): \(error.errno.description)")
        }
        watches.append(watch)
        return Int32(watch.number)
    }

    override func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 {
        guard events & ~3 == 0, let found = watches.first(where: { $0.number == watch }) else {
            return misused("watch_set() of watch \(watch), events 0x\(String(events, radix: 16)): there is no such one")
        }
        // Fails when the plugin has closed the descriptor before its watch.
        return services.loop.tryUpdate(found, interest: SeatWatch.interest(events))
            ? KCS_OK : misused("watch_set() of watch \(watch), whose descriptor was closed before it")
    }

    override func closeWatch(_ watch: UInt32) -> Int32 {
        guard let place = watches.firstIndex(where: { $0.number == watch }) else {
            return isGone ? KCS_E_INVALID : misused("watch_close() names watch \(watch), which is not open")
        }
        services.loop.remove(watches.remove(at: place))
        return KCS_OK
    }

    override func socket(_ socket: String) -> Int32 {
        services.listenDescriptors.descriptor(named: "\(name).\(socket)") ?? KCS_E_UNAVAILABLE
    }

    override func mapWindow() -> UnsafeMutableRawBufferPointer? {
        guard let channelReference else { return nil }
        return channelReference._withUnsafeGuaranteedRef {
            windowOwner = $0.windowOwner
            return $0.window
        }
    }

    override func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard arguments[0].utf8.first == UInt8(ascii: "/") else {
            return misused("run() wants an absolute path, not \"\(arguments[0])\"")
        }
        services.programs.run(arguments, timeout: timeout) { [self] ending in
            guard let done, !isGone else { return }
            calling(.result) { _ in
                switch ending {
                case .exited(let status): done(context, status == 0 ? 0 : 1, status)
                case .signalled(let signal): done(context, 1, -signal)
                case .timedOut: done(context, 2, -SIGKILL)
                case .notStarted(let errno): done(context, 1, 128 &+ errno.rawValue)
                }
            }
        }
        return KCS_OK
    }

    override func work(
        _ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback, _ done: PlainCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        let argument = SendablePointer(context)
        let isQueued = services.worker.submit({ function(argument.pointer) }) { [self] in
            workUnderWay -= 1
            if isGone {
                if workUnderWay == 0 { destroy() }
            } else if let done {
                calling(.result) { _ in done(context) }
            }
        }
        guard isQueued else { return KCS_E_LIMIT }
        workUnderWay += 1
        return KCS_OK
    }

    override func post(_ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback) -> Int32 {
        services.loop.mailbox.post { [self] in
            guard !isGone else { return }
            calling(.post) { _ in function(context) }
        }
        return KCS_OK
    }

    override func runActions(
        _ actions: [Action], cause: String, _ context: UnsafeMutableRawPointer?, _ done: ActionsCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard !isRunningActions else { return KCS_E_BUSY }
        isRunningActions = true
        let runner = ActionRunner(actions, channel: name, services.actions) { [self] outcomes in
            isRunningActions = false
            let summary = outcomes.map { $0.text }.joined(separator: "; ")
            services.log.write(.notice, name, "\(cause): \(summary.isEmpty ? "no actions" : summary)")
            if let done, !isGone { calling(.result) { _ in Self.tell(outcomes, context, done) } }
        }
        runner.start()
        return KCS_OK
    }

    private static func tell(
        _ outcomes: [ActionRunner.Outcome], _ context: UnsafeMutableRawPointer?, _ done: ActionsCallback
    ) {
        var records: [UnsafePointer<kcs_action_result>] = []
        for outcome in outcomes {
            let record = UnsafeMutablePointer<kcs_action_result>.allocate(capacity: 1)
            record.initialize(
                to: kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size), outcome: outcome.result.rawValue,
                    action: outcome.action.withCString { strdup($0) }, detail: outcome.detail.withCString { strdup($0) }
                ))
            records.append(UnsafePointer(record))
        }
        // An empty list still has an address.
        records.withUnsafeBufferPointer { list in
            let base = list.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<UInt>.alignment)!
            done(context, base, UInt64(list.count))
        }
        for record in records {
            free(UnsafeMutableRawPointer(mutating: record.pointee.action))
            free(UnsafeMutableRawPointer(mutating: record.pointee.detail))
            record.deallocate()
        }
    }

    override func annotate(
        kind: UInt32, direction: UInt32, linkType: UInt32, _ bytes: UnsafeRawBufferPointer, text: String?
    ) -> Int32 {
        withChannel { $0.handlerAnnotates(self, kind, direction, linkType, bytes, text) }
    }

    override func dump(scope: UInt32, _ context: UnsafeMutableRawPointer?, _ done: DumpCallback?) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard scope <= UInt32(KCS_DUMP_ALL) else { return misused("dump() of scope \(scope), which is no KCS_DUMP") }
        services.actions.capture(name, scope == UInt32(KCS_DUMP_ALL)) { [self] failure in
            guard let done, !isGone else { return }
            calling(.result) { _ in done(context, failure == nil ? 0 : 1) }
        }
        return KCS_OK
    }

    override func log(level: UInt32, _ text: String) {
        let level = LogLevel(rawValue: min(level, LogLevel.debug.rawValue)) ?? .debug
        guard services.log.writes(level), let suppressed = logLimit.admit(Clock.monotonic) else { return }
        services.log.write(level, name, text + suppressedNote(suppressed))
    }

    override func fail(_ text: String) {
        _ = withChannel {
            $0.handlerFails(self, text)
            return KCS_OK
        }
    }
}

/// A context pointer on its way to the worker's thread and back: the ABI gives it to that thread on purpose.
private struct SendablePointer: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
    init(_ pointer: UnsafeMutableRawPointer?) { self.pointer = pointer }
}

/// A handler's timer.
private final class SeatTimer: LoopTimer {
    let number: UInt32
    private let seat: Unmanaged<HandlerSeat>
    private let context: UnsafeMutableRawPointer?
    private let callback: HandlerInstance.TimerCallback

    init(
        _ seat: HandlerSeat, _ number: UInt32, _ context: UnsafeMutableRawPointer?,
        _ callback: @escaping HandlerInstance.TimerCallback
    ) {
        self.number = number
        self.seat = .passUnretained(seat)
        self.context = context
        self.callback = callback
        super.init()
    }

    override func fire(now: UInt64) {
        // Retained for the call: a failure in it takes the seat away.
        seat.takeUnretainedValue().calling(.timer) { _ in callback(context, now) }
    }
}

/// A handler's watched descriptor.
private final class SeatWatch: EventSource {
    let number: UInt32
    private let seat: Unmanaged<HandlerSeat>
    private let context: UnsafeMutableRawPointer?
    private let callback: HandlerInstance.WatchCallback

    init(
        _ seat: HandlerSeat, _ number: UInt32, _ context: UnsafeMutableRawPointer?,
        _ callback: @escaping HandlerInstance.WatchCallback
    ) {
        self.number = number
        self.seat = .passUnretained(seat)
        self.context = context
        self.callback = callback
        super.init()
    }

    /// The loop's words for the ABI's.
    static func interest(_ events: UInt32) -> Readiness {
        var interest: Readiness = []
        if events & UInt32(KCS_WATCH_READ) != 0 { interest.insert(.input) }
        if events & UInt32(KCS_WATCH_WRITE) != 0 { interest.insert(.output) }
        return interest
    }

    override func ready(_ events: Readiness, now: UInt64) {
        var told: UInt32 = 0
        if events.contains(.input) { told |= UInt32(KCS_WATCH_READ) }
        if events.contains(.output) { told |= UInt32(KCS_WATCH_WRITE) }
        if !events.isDisjoint(with: .trouble) { told |= UInt32(KCS_WATCH_HANGUP) }
        seat.takeUnretainedValue().calling(.watch) { _ in callback(context, told, now) }
    }
}
