// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import DaemonConfiguration
import Devices
import Events
import LinuxIO
import Schema

/// What the parts of one channel share: its name, its recorder, what it counts, and the way to say that it failed. Its
/// parts know this and not the channel.
final class ChannelContext {
    let services: ChannelServices
    let loop: EventLoop
    /// The channel's lines.
    let log: Log
    let activity: Activity
    let name: String
    /// Its number among the channels of the process; tells the watchdog which one hangs.
    let number: Int
    /// What its device is called in messages.
    private var devicePath: String
    var recorder: Recorder?
    var counters = ChannelCounters()
    /// What its messages took; nil where there never were any.
    var latency: MessageLatency?
    /// Why the channel is to fail. Whoever says so may be in the middle of a handler's call, or of a transfer: the channel
    /// fails when the turn's descriptors have been seen to.
    private(set) var failure: String?
    /// Called once for a failure, outside of any call.
    var whenFailed: () -> Void = {}
    private lazy var failureTimer = { [context = Borrowed(self)] in CallTimer { _ in context.object.whenFailed() } }()
    private var slowLimit = RateLimit(burst: 3, interval: 10_000_000_000)
    /// What the file says of its lines.
    private(set) var logging: LogConfiguration
    /// What a handler's call may take.
    private var callBudget: TimeSpan

    /// The context of a channel that does not run yet.
    init(_ services: ChannelServices, _ plan: ChannelPlan, number: Int) {
        self.services = services
        loop = services.loop
        log = Log(of: services.log)
        activity = services.activity
        self.number = number
        name = plan.configuration.name
        devicePath = plan.device.path
        callBudget = plan.configuration.callBudget
        logging = plan.configuration.log
        log.setLevel(logging.level)
    }

    deinit { log.leave() }

    /// The channel's file has changed.
    func adopt(_ plan: ChannelPlan) {
        devicePath = plan.device.path
        callBudget = plan.configuration.callBudget
        adopt(plan.configuration.log)
    }

    /// What the file says of its lines has changed.
    func adopt(_ log: LogConfiguration) {
        logging = log
        self.log.setLevel(log.level)
    }

    /// CLOCK_BOOTTIME of this turn of the loop, for the recorder.
    var recordTime: UInt64 { services.recordClock.time(loop.now) }

    // MARK: Failing

    /// A handler, or the device, cannot go on. The first reason counts.
    func fail(_ text: String) {
        guard failure == nil else { return }
        failure = text
        loop.set(failureTimer, deadline: loop.now)
    }

    /// The device failed under way.
    func deviceFailed(_ errno: Errno) {
        recorder?.deviceFailed(errno, at: recordTime)
        let hint = errno == .interrupted ? " (the call slept although the device had reported readiness)" : ""
        fail("device \(devicePath): \(errno.description)\(hint)")
    }

    /// What has failed until now is dealt with.
    func forgetFailure() {
        failure = nil
        loop.cancel(failureTimer)
    }

    // MARK: Calls into handlers

    /// A handler is about to be called.
    func enter(_ callback: Callback) {
        recorder?.enter(callback.name)
        activity.enter(channel: number, callback)
    }

    /// It has returned.
    func leave(_ callback: Callback, plugin: @autoclosure () -> String) {
        let overrun = activity.leave()
        recorder?.leave()
        if let overrun { report(overrun, callback, plugin()) }
    }

    private func report(_ overrun: Activity.Overrun, _ callback: Callback, _ plugin: String) {
        // What waits behind it is not late by its own fault.
        loop.readClock()
        counters.slowCalls += 1
        guard let suppressed = slowLimit.admit(loop.now) else { return }
        log.write(
            .warning, name,
            "plugin \(plugin): \(callback.name) took \(UTCTime.short(overrun.took))\(overrun.isWaiting ? ", waiting" : ""),"
                + " its budget is \(callBudget.text)\(suppressedNote(suppressed))",
            JournalFields(event: .handlerSlow, plugin: plugin))
    }
}
