// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Events
import LinuxIO
import PluginHost

/// A handler's timers and watched descriptors: host calls of the plugin ABI, which answer its statuses.
final class HandlerTimers {
    private let handler: Borrowed<ChannelHandler>
    private let loop: EventLoop
    private var timers: [HandlerTimer] = []
    private var watches: [HandlerWatch] = []
    private var nextNumber: UInt32 = 1
    private var isClosed = false

    /// For a handler that owns this.
    init(_ handler: ChannelHandler, _ loop: EventLoop) {
        self.handler = Borrowed(handler)
        self.loop = loop
    }

    /// Closes all of them: nothing calls the handler any more.
    func close() {
        for timer in timers { loop.cancel(timer) }
        for watch in watches { loop.remove(watch) }
        timers = []
        watches = []
        isClosed = true
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

    func openTimer(_ context: UnsafeMutableRawPointer?, _ fire: @escaping HandlerInstance.TimerCallback) -> Int32 {
        guard !isClosed, timers.count < 256 else { return isClosed ? KCS_E_UNAVAILABLE : KCS_E_LIMIT }
        let timer = HandlerTimer(handler, takeNumber(), context, fire)
        timers.append(timer)
        return Int32(timer.number)
    }

    func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 {
        guard let found = timers.first(where: { $0.number == timer }) else {
            return handler.object.misused(
                "timer_set() names timer \(timer), which \(isClosed ? "was closed with stop" : "is not open")")
        }
        if deadline == 0 { loop.cancel(found) } else { loop.set(found, deadline: deadline) }
        return KCS_OK
    }

    func closeTimer(_ timer: UInt32) -> Int32 {
        guard let place = timers.firstIndex(where: { $0.number == timer }) else {
            // What stop closed may be closed again.
            return isClosed
                ? KCS_E_INVALID : handler.object.misused("timer_close() names timer \(timer), which is not open")
        }
        loop.cancel(timers.remove(at: place))
        return KCS_OK
    }

    func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ context: UnsafeMutableRawPointer?,
        _ ready: @escaping HandlerInstance.WatchCallback
    ) -> Int32 {
        guard !isClosed, watches.count < 4096 else { return isClosed ? KCS_E_UNAVAILABLE : KCS_E_LIMIT }
        guard events & ~3 == 0 else {
            return handler.object.misused("watch_open() with events 0x\(String(events, radix: 16))")
        }
        let watch = HandlerWatch(handler, takeNumber(), context, ready)
        do { try loop.add(watch, descriptor: descriptor, interest: HandlerWatch.interest(events)) } catch {
            return handler.object.misused("watch_open() of descriptor \(descriptor): \(error.errno.description)")
        }
        watches.append(watch)
        return Int32(watch.number)
    }

    func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 {
        guard events & ~3 == 0, let found = watches.first(where: { $0.number == watch }) else {
            return handler.object.misused(
                "watch_set() of watch \(watch), events 0x\(String(events, radix: 16)): there is no such one")
        }
        // Fails when the plugin has closed the descriptor before its watch.
        return loop.tryUpdate(found, interest: HandlerWatch.interest(events))
            ? KCS_OK : handler.object.misused("watch_set() of watch \(watch), whose descriptor was closed before it")
    }

    func closeWatch(_ watch: UInt32) -> Int32 {
        guard let place = watches.firstIndex(where: { $0.number == watch }) else {
            return isClosed
                ? KCS_E_INVALID : handler.object.misused("watch_close() names watch \(watch), which is not open")
        }
        loop.remove(watches.remove(at: place))
        return KCS_OK
    }
}

/// A handler's timer.
private final class HandlerTimer: LoopTimer {
    let number: UInt32
    private let handler: Borrowed<ChannelHandler>
    private let context: UnsafeMutableRawPointer?
    private let callback: HandlerInstance.TimerCallback

    init(
        _ handler: Borrowed<ChannelHandler>, _ number: UInt32, _ context: UnsafeMutableRawPointer?,
        _ callback: @escaping HandlerInstance.TimerCallback
    ) {
        self.number = number
        self.handler = handler
        self.context = context
        self.callback = callback
        super.init()
    }

    override func fire(now: UInt64) {
        handler.object.calling(.timer) { callback(context, now) }
    }
}

/// A handler's watched descriptor.
private final class HandlerWatch: EventSource {
    let number: UInt32
    private let handler: Borrowed<ChannelHandler>
    private let context: UnsafeMutableRawPointer?
    private let callback: HandlerInstance.WatchCallback

    init(
        _ handler: Borrowed<ChannelHandler>, _ number: UInt32, _ context: UnsafeMutableRawPointer?,
        _ callback: @escaping HandlerInstance.WatchCallback
    ) {
        self.number = number
        self.handler = handler
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
        var happened: UInt32 = 0
        if events.contains(.input) { happened |= UInt32(KCS_WATCH_READ) }
        if events.contains(.output) { happened |= UInt32(KCS_WATCH_WRITE) }
        if !events.isDisjoint(with: .trouble) { happened |= UInt32(KCS_WATCH_HANGUP) }
        handler.object.calling(.watch) { callback(context, happened, now) }
    }
}
