// SPDX-License-Identifier: Apache-2.0
//
// A channel is a device, the handlers on it, a flight recorder, and a policy for when something fails. This file is its
// life; Channel+Serving.swift opens the device and starts the handlers, Channel+Failing.swift is the policy. No byte and no
// message comes by here: they go from the loop to the channel's service (Bytes, Messages) and its handlers.
//
// The life: it waits until the device can be opened, makes and starts the handlers, and runs. A failure of device or
// handler closes everything and either waits again, backs off, or stays down, as the policy says. Whatever happens to one
// channel touches no other.
import CKCSPlugin
import Capture
import Common
import DaemonConfiguration
import Devices
import Events
import JSON
import KCS
import LinuxIO
import PluginHost
import Schema

/// One channel of the configuration.
final class Channel {
    private(set) var plan: ChannelPlan
    /// What its parts share.
    let context: ChannelContext

    private(set) var state = ChannelState.stopped
    /// When `state` was entered, nanoseconds since 1970.
    private(set) var since = Clock.real
    var lastError: String? { didSet { lastErrorAt = Clock.real } }
    /// When `lastError` was noted, nanoseconds since 1970.
    private(set) var lastErrorAt: UInt64 = 0
    /// Where its records go, in capture mode `file`.
    var captureFile: CaptureFile?

    /// The open device; nil while there is none.
    var device: OpenDevice?
    /// The process that serves it, if that is not this one.
    var process: ChannelProcess?
    /// Did that process serve messages?
    var servedMessages = false
    /// The device, while what failed on it is not served again.
    var kept: DeviceKeeper?
    /// Are the bytes that were there at open still to be told of?
    private(set) var isFirstServing = true
    var mappedWindow: Window?
    var handlers: [ChannelHandler] = []
    var service = ChannelHandler.Service.none
    /// What the transfer machines of earlier starts counted.
    var pastTransfers: TransferCounters?
    /// Why handlers are started next (`KCS_REASON_*`).
    var startReason = UInt32(KCS_REASON_BOOT)

    lazy var retryTimer = { [channel = Borrowed(self)] in CallTimer { channel.object.retry($0) } }()
    private var deviceWait = DeviceWait()
    /// Failures that followed each other.
    var failures = 0
    /// CLOCK_MONOTONIC when it began to run; 0 when it does not.
    var runningSince: UInt64 = 0
    var dumpLimit = RateLimit(burst: 3, interval: 3_600_000_000_000)

    /// A channel that does not run yet. `number` is its own among those of the process.
    init(_ plan: ChannelPlan, number: Int, _ services: ChannelServices, recorder: Recorder?) {
        self.plan = plan
        context = ChannelContext(services, plan, number: number)
        context.recorder = recorder
        context.whenFailed = { [channel = Borrowed(self)] in channel.object.failAsReported() }
    }

    /// Takes another plan over; only while it is stopped.
    func adopt(_ plan: ChannelPlan, recorder: Recorder?) {
        precondition(device == nil, "a running channel keeps its plan")
        self.plan = plan
        context.adopt(plan)
        context.recorder = recorder
    }

    /// Takes over what another plan says of the log, and nothing else of it differs.
    func adoptLog(_ plan: ChannelPlan) {
        self.plan = plan
        context.adopt(plan.configuration.log)
        tellLog()
    }

    /// The process that serves it writes the lines that the file, and the daemon's log, want.
    func tellLog() {
        let log = plan.configuration.log
        process?.send(
            "log",
            [
                JSONMember("level", .unsigned(UInt64(services.log.level.rawValue))),
                JSONMember("own", log.level.map { .unsigned(UInt64($0.rawValue)) } ?? .null),
                JSONMember("repeats", .unsigned(log.repeats)),
                JSONMember("interval", .unsigned(log.interval.nanoseconds)),
            ])
    }

    var name: String { context.name }
    var number: Int { context.number }
    var recorder: Recorder? { context.recorder }
    var services: ChannelServices { context.services }
    var log: Log { context.log }
    var loop: EventLoop { services.loop }
    var isEnabled: Bool { plan.configuration.enabled }
    var isRunning: Bool { state == .running }

    /// What transfer machines have counted since the daemon started; nil where there never was one.
    var transferCounters: TransferCounters? {
        guard case .messages(let service) = service else {
            guard let more = process?.transfers else { return pastTransfers }
            return pastTransfers.map { more + $0 } ?? more
        }
        return pastTransfers.map { service.counters + $0 } ?? service.counters
    }

    func enter(_ new: ChannelState) {
        state = new
        since = Clock.real
        services.stateChanged()
    }

    // MARK: Starting

    /// Starts, unless its plugins refuse it. `reason` is what its handlers are told (`KCS_REASON_*`).
    func start(reason: UInt32) {
        guard device == nil else { return }
        startReason = reason
        failures = 0
        if let failure = plan.failures.first {
            enter(.refused(failure.description))
            for failure in plan.failures {
                log.write(.error, name, failure.description, JournalFields(event: .channelRefused))
            }
            return
        }
        deviceWait.begin(Clock.monotonic)
        open()
    }

    /// Starts because somebody wants it: without waiting for anything.
    func startNow() {
        guard device == nil else { return }
        services.crashes.forgive(name)
        loop.cancel(retryTimer)
        deviceWait.forgetKernelsWord()
        start(reason: UInt32(KCS_REASON_RESTART))
    }

    /// Does not start, for a reason that the life before has left.
    func stayDown(_ reason: String) {
        lastError = reason
        enter(.failed(reason))
        log.write(.error, name, "not started: \(reason)")
    }

    /// Starts after the policy's pause, as after a failure.
    func startLater(_ reason: String) {
        if plan.failures.isEmpty { crash(reason, atBoot: true) } else { start(reason: UInt32(KCS_REASON_CRASH)) }
    }

    private func open() {
        if let device = takeKept() {
            isFirstServing = false
            return run(device)
        }
        isFirstServing = true
        // The kernel said EBUSY: some drivers suffer from every open that fails, so nobody may hold the node, and time
        // must have passed, before it is tried again.
        guard deviceWait.mayOpen(Clock.monotonic) else { return wait("is busy, as the kernel said at the last open") }
        context.activity.enterDevice()
        let opened = plan.device.open()
        context.activity.leaveDevice()
        // Looking who holds a device takes its time.
        loop.readClock()
        let now = loop.now
        switch opened {
        case .success(let device): run(device)
        case .failure(let failure):
            var isHeld = false
            if case .busy(_, let isKernelsWord) = failure {
                isHeld = true
                if isKernelsWord { deviceWait.noteKernelsWord(now) }
            }
            wait(failure.description, isHeld: isHeld)
        }
    }

    private func wait(_ reason: String, isHeld: Bool = false) {
        let text = "device \(plan.device.path) \(reason)"
        if let parent = services.parent { return parent.fail(text) }
        if state != .waiting(text) {
            enter(.waiting(text))
            // An absent device is normal for a while after boot; one that somebody holds is worth a line at once.
            log.write(deviceWait.isFirst || isHeld ? .notice : .info, name, "waiting: \(text)")
        }
        let now = Clock.monotonic
        if deviceWait.isOverdue(now, after: plan.configuration.device.wait.nanoseconds) {
            lastError = text
            log.write(.warning, name, "still waiting: \(text)", JournalFields(event: .deviceMissing))
        }
        loop.set(retryTimer, deadline: deviceWait.nextAttempt(now))
    }

    private func retry(_ now: UInt64) {
        switch state {
        case .waiting: open()
        case .backingOff:
            context.counters.restarts += 1
            deviceWait.begin(now)
            open()
        case .starting:
            fail("its process did not serve within \(ProcessLink.startLimit / 1_000_000_000) s", stays: false)
        case .stopped, .refused, .running, .failed: break
        }
    }

    /// Serves an open device.
    func run(_ device: OpenDevice) {
        if isIsolated {
            deviceWait.succeed()
            return serveElsewhere(device)
        }
        if mappedWindow == nil, let source = plan.device.window {
            do { mappedWindow = try Window.open(source) } catch {
                release(device)
                return wait("is there, but not the memory shared with the host CPU: \(error.description)")
            }
        }
        deviceWait.succeed()
        if let failure = serve(device) { return fail(failure, stays: false) }
        runningSince = Clock.monotonic
        enter(.running)
        let plugins = handlers.map { $0.plugin.name }.joined(separator: ", ")
        let stale = device.stale.isEmpty ? "" : ", \(device.stale.count) stale bytes thrown away"
        log.write(
            .notice, name, "running: \(plan.device.kind.name) \(plan.device.path), \(plugins)\(stale)",
            JournalFields(event: .channelRuns, plugin: plugins))
        startReason = UInt32(KCS_REASON_RESTART)
    }

    // MARK: Operator's wishes

    /// Stops, for `reason` (`KCS_REASON_*`), and stays so until `start`.
    func stop(reason: UInt32) {
        loop.cancel(retryTimer)
        releaseKept()
        guard device != nil else {
            if state != .stopped { enter(.stopped) }
            return
        }
        let isElsewhere = process != nil
        close(reason: reason)
        enter(.stopped)
        // A process of its own has said so.
        if !isElsewhere { log.write(.notice, name, "stopped") }
    }

    /// Forgets what was under way with the host CPU.
    func reset() {
        guard isRunning else { return }
        if let process {
            process.send("reset")
            return
        }
        recorder?.deviceReset(at: context.recordTime)
        if case .messages(let service) = service { service.reset() }
        let now = loop.now
        for handler in handlers { handler.calling(.reset) { handler.tellReset(now: now) } }
        log.write(.notice, name, "reset")
    }
}
