// SPDX-License-Identifier: Apache-2.0
//
// A channel is a device, the handlers on it, a flight recorder, and a policy for when something fails. This file is its
// life; Channel+Registers.swift is what byte handlers do to the device, Channel+Failures.swift what happens when the
// device, or a handler, fails. Most bytes never come here: they go along the lane that a channel is, see ByteLane.
//
// The life: it waits until the device can be opened, makes and starts the handlers, and runs. A failure of device or
// handler closes everything and either waits again, backs off, or stays down, as the policy says. Whatever happens to one
// channel touches no other.
import CKCSPlugin
import CLinux
import Capture
import DaemonConfiguration
import Devices
import Events
import HotPath
import KCS
import LinuxIO
import PluginHost
import Schema

/// One channel of the configuration.
final class Channel: ByteLane {
    let services: ChannelServices
    let name: String
    /// Its place among the channels of the process; tells the watchdog which one hangs.
    let number: Int
    private(set) var plan: ChannelPlan

    private(set) var state = ChannelState.stopped
    /// When `state` was entered, nanoseconds since 1970.
    private(set) var since = Clock.real
    var lastError: String? { didSet { lastErrorAt = Clock.real } }
    /// When `lastError` was noted, nanoseconds since 1970.
    private(set) var lastErrorAt: UInt64 = 0
    var counters = ChannelCounters()
    private(set) var recorder: Recorder? { didSet { settleNotes() } }
    /// Where its records go, in capture mode `file`.
    var captureFile: CaptureFile?

    private(set) var device: Device? { didSet { settleInput() } }
    private(set) var seats: [HandlerSeat] = []
    /// The byte handler; nil where messages are served, or nothing.
    var byteSeat: HandlerSeat? {
        didSet {
            oldValue?.shorten(nil)
            settleInput()
        }
    }
    var transfer: MessageService?

    // Input of byte handlers.
    /// Manual input: the handler was told, and has not read yet.
    var isInputTold = false
    var isOutputWanted = false { didSet { settleInput() } }
    /// Automatic input: bytes stay in IDR until the handler could write.
    var isInputHeld = false { didSet { settleInput() } }
    var outputWaitBegan: UInt64 = 0
    var isStalled = false
    /// What the loop waits for; nothing while the channel is not registered.
    var interest: Readiness = []

    lazy var retryTimer = ChannelTimer(self) { $0.retry($1) }
    lazy var outputTimer = ChannelTimer(self) { $0.lookAtOutput($1) }
    private var openAttempts: UInt64 = 0
    private var waitBegan: UInt64 = 0
    private var nextKernelOpen: UInt64 = 0
    var failures = 0
    var runningSince: UInt64 = 0
    /// What is to fail the channel once no handler is being called, and no transfer is under way.
    var failureInCall: String? { didSet { settleInput() } }
    /// While handlers are being started, a failure is the start's to report; while they are being taken off, nobody's.
    var isStarting = false
    var isClosing = false
    var slowLimit = RateLimit(burst: 3, interval: 10_000_000_000)
    var dumpLimit = RateLimit(burst: 3, interval: 3_600_000_000_000)
    /// What the transfer machines of earlier starts counted.
    private var pastTransfers: TransferCounters?

    /// A channel that does not run yet.
    init(_ plan: ChannelPlan, number: Int, _ services: ChannelServices, recorder: Recorder?) {
        self.plan = plan
        self.number = number
        self.services = services
        self.recorder = recorder
        name = plan.configuration.name
        super.init(loop: services.loop, marks: services.activity.marks, number: number)
        settleNotes()
    }

    /// Takes another plan over; only while it is stopped.
    func adopt(_ plan: ChannelPlan, recorder: Recorder?) {
        precondition(device == nil, "a running channel keeps its plan")
        self.plan = plan
        self.recorder = recorder
    }

    /// What the transfer machine has counted since the daemon started; nil where there never was one.
    var transferCounters: TransferCounters? {
        guard let current = transfer?.counters else { return pastTransfers }
        return pastTransfers.map { current + $0 } ?? current
    }

    var log: Log { services.log }
    var loop: EventLoop { services.loop }
    var isEnabled: Bool { plan.configuration.enabled }
    var isRunning: Bool { state == .running }

    /// The memory shared with the host CPU.
    var window: UnsafeMutableRawBufferPointer? { mappedWindow?.bytes ?? device?.simulatedWindow }

    /// What has to live for as long as the memory is used.
    var windowOwner: AnyObject? { mappedWindow ?? device }

    private var mappedWindow: Window?

    // MARK: What the lane leaves to the channel

    override func deviceReady(_ events: Readiness, now: UInt64) { serve(events, now: now) }
    override func deviceFails(_ errno: Errno) { noteDeviceFailure(errno) }
    override func odrRefused(_ result: Int32, _ value: UInt8) -> Int32 { refuse(result, .odrWrite, value) }
    override func trace(in value: UInt8, str: UInt8) {
        log.write(.trace, name, "IDR \(Hex.byte(value)) STR \(Hex.byte(str))")
    }
    override func trace(out value: UInt8) { log.write(.trace, name, "ODR \(Hex.byte(value))") }

    override func tickPassed(since now: UInt64, to after: UInt64) {
        if let byteSeat { look(at: byteSeat, .data, since: now, to: after) }
    }

    override func laneClosed() {
        if failureInCall != nil { finishFailure() }
        if let device, device.hasUntoldInput { loop.again(self) }
    }

    // MARK: Starting

    /// Starts, unless its plugins refuse it. `reason` is what its handlers are told (`KCS_REASON_*`).
    func start(reason: UInt32) {
        guard state != .running else { return }
        startReason = reason
        failures = 0
        if let failure = plan.failures.first {
            enter(.refused(failure.description))
            for failure in plan.failures { log.write(.error, name, failure.description) }
            return
        }
        waitBegan = Clock.monotonic
        openAttempts = 0
        open()
    }

    /// Starts because somebody wants it: without waiting for anything.
    func startNow() {
        guard state != .running else { return }
        loop.cancel(retryTimer)
        nextKernelOpen = 0
        start(reason: UInt32(KCS_REASON_RESTART))
    }

    /// Starts after the policy's pause, as after a failure.
    func startLater(_ reason: String) {
        if plan.failures.isEmpty { fail(reason, stays: false) } else { start(reason: UInt32(KCS_REASON_CRASH)) }
    }

    var startReason = UInt32(KCS_REASON_BOOT)

    private func open() {
        let specification = plan.device
        // The kernel said EBUSY: some drivers suffer from every open that fails, so nobody may hold the node, and time
        // must have passed, before it is tried again.
        if Clock.monotonic < nextKernelOpen { return wait("is busy, as the kernel said at the last open") }
        marks.enterDevice()
        let opened = Device.open(specification)
        marks.leaveDevice()
        // Looking who holds a device takes its time, which no handler is to be blamed for.
        services.callMark = Clock.coarse
        switch opened {
        case .success(let device): run(device)
        case .failure(let failure):
            var isHeld = false
            if case .busy(_, let isKernelsWord) = failure {
                isHeld = true
                if isKernelsWord { nextKernelOpen = Clock.monotonic + Retry.kernelBusy }
            }
            wait(failure.description, isHeld: isHeld)
        }
    }

    private func wait(_ reason: String, isHeld: Bool = false) {
        let text = "device \(plan.device.path) \(reason)"
        let now = Clock.monotonic
        let isNew = state != .waiting(text)
        if isNew {
            enter(.waiting(text))
            // An absent device is normal for a while after boot; one that somebody holds is worth a line at once.
            log.write(openAttempts == 0 || isHeld ? .notice : .info, name, "waiting: \(text)")
        }
        if !hasWarned && now &- waitBegan > plan.configuration.device.wait {
            hasWarned = true
            lastError = text
            log.write(.warning, name, "still waiting: \(text)")
        }
        openAttempts += 1
        loop.set(retryTimer, deadline: now + (hasWarned ? Retry.late : Retry.early))
    }

    private var hasWarned = false

    private func retry(_ now: UInt64) {
        switch state {
        case .waiting: open()
        case .backingOff:
            counters.restarts += 1
            waitBegan = now
            openAttempts = 0
            open()
        case .stopped, .refused, .running, .failed: break
        }
    }

    private func run(_ device: Device) {
        if let source = plan.device.window {
            do { mappedWindow = try Window.open(source) } catch {
                device.close()
                return wait("is there, but not the memory shared with the host CPU: \(error.description)")
            }
        }
        self.device = device
        hasWarned = false
        nextKernelOpen = 0
        let time = recordTime
        recorder?.deviceOpened(stale: UInt8(device.stale.count), at: time)
        for byte in device.stale {
            recorder?.idrRead(byte.value, str: byte.str, stale: true, at: time)
            counters.stale += 1
        }
        isStarting = true
        let failure = startHandlers(device) ?? failureInCall
        isStarting = false
        failureInCall = nil
        if let failure { return fail(failure, stays: false) }
        runningSince = Clock.monotonic
        enter(.running)
        let plugins = seats.map { $0.plugin.name }.joined(separator: ", ")
        let stale = device.stale.isEmpty ? "" : ", \(device.stale.count) stale bytes thrown away"
        log.write(
            .notice, name, "running: \(plan.configuration.device.type.rawValue) \(plan.device.path), \(plugins)\(stale)"
        )
        startReason = UInt32(KCS_REASON_RESTART)
    }

    /// Makes and starts the handlers, and begins to listen. The answer is what went wrong.
    private func startHandlers(_ device: Device) -> String? {
        for (index, handler) in plan.handlers.enumerated() {
            let seat = HandlerSeat(handler, index: index, channel: self)
            guard seat.calling(.create, { $0.create() }) else {
                return failureInCall ?? "plugin \(handler.plugin.name) refused to be created"
            }
            seats.append(seat)
            if let failureInCall { return failureInCall }
        }
        // Registers work from start on; who may use them is settled by what it answers.
        if seats.count == 1 { byteSeat = seats[0] }
        for seat in seats {
            let capabilities = device.capabilities.rawValue & (window == nil ? ~UInt32(KCS_CAP_WINDOW) : ~0)
            let stateFolder = "\(services.stateDirectory)/\(name)"
            let input = seat.calling(.start) {
                $0.start(
                    capabilities: capabilities, reason: startReason, staleBytes: device.stale.count, channel: name,
                    stateFolder: stateFolder)
            }
            let plugin = seat.plugin.name
            if let failureInCall { return failureInCall }
            if input < 0 { return "plugin \(plugin) refused to start (error \(input))" }
            guard seat.takes(input: input) else {
                return "plugin \(plugin) started with input \(input), which it did not declare"
            }
            guard Self.gives(device.capabilities, input: input) else {
                let type = plan.configuration.device.type.rawValue
                return
                    "plugin \(plugin) wants \(input == KCS_INPUT_MESSAGES ? "messages" : "bytes"), which \(type) does not give"
            }
            seat.input = input
            recorder?.handlerStarted(
                index: UInt8(truncatingIfNeeded: seat.index), reason: UInt8(startReason), at: recordTime)
        }
        return listen(device)
    }

    private static func gives(_ capabilities: DeviceCapabilities, input: Int32) -> Bool {
        switch input {
        case KCS_INPUT_NONE: return true
        case KCS_INPUT_MESSAGES: return capabilities.contains(.messages)
        default: return capabilities.contains(.dataIn)
        }
    }

    private func listen(_ device: Device) -> String? {
        byteSeat = nil
        let active = seats.filter { $0.input != KCS_INPUT_NONE }
        if active.isEmpty { return nil }
        if active.count == 1 && active[0].input != KCS_INPUT_MESSAGES {
            byteSeat = active[0]
        } else if active.allSatisfy({ $0.input == KCS_INPUT_MESSAGES }) {
            transfer = device.carriesMessages ? KernelTransferService(self, plan) : TransferService(self, plan)
        } else {
            return "a handler of bytes owns its channel alone, and there are \(active.count) handlers"
        }
        if byteSeat == nil { (isOutputWanted, isInputHeld) = (false, false) }
        isInputTold = false
        interest = isInputHeld && device.reportsOutput ? [] : .input
        if isOutputWanted && device.reportsOutput { interest.insert(.output) }
        do { try loop.add(self, descriptor: device.descriptor, interest: interest) } catch { return error.description }
        // A byte may have come between the drain and now; a simulated device rang for it already.
        loop.again(self)
        transfer?.begin(device)
        return nil
    }

    // MARK: Stopping

    /// Stops, for `reason` (`KCS_REASON_*`), and stays so until `start`.
    func stop(reason: UInt32) {
        loop.cancel(retryTimer)
        guard device != nil else {
            if state != .stopped { enter(.stopped) }
            return
        }
        close(reason: reason)
        enter(.stopped)
        log.write(.notice, name, "stopped")
    }

    /// Takes the handlers off and closes the device, which is left so that the host CPU finds a defined state.
    func close(reason: UInt32) {
        isClosing = true
        if let transfer {
            transfer.end()
            pastTransfers = transferCounters
            self.transfer = nil
        }
        // A handler of bytes may leave the registers as its protocol wants them: they work until its stop has returned.
        for seat in seats {
            recorder?.handlerStopped(index: UInt8(truncatingIfNeeded: seat.index), at: recordTime)
            seat.leave(reason: reason)
        }
        seats = []
        byteSeat = nil
        isInputTold = false
        isOutputWanted = false
        isInputHeld = false
        isStalled = false
        interest = []
        loop.cancel(outputTimer)
        loop.remove(self)
        if let device {
            device.close()
            recorder?.deviceClosed(at: recordTime)
        }
        device = nil
        mappedWindow = nil
        failureInCall = nil
        isClosing = false
    }

    func enter(_ new: ChannelState) {
        state = new
        since = Clock.real
        services.stateChanged()
    }

    // MARK: Operator's wishes

    /// Forgets what was under way with the host CPU.
    func reset() {
        guard isRunning else { return }
        recorder?.deviceReset(at: recordTime)
        transfer?.reset()
        // The device may have failed in it, and the handlers be gone.
        let now = Clock.monotonic
        for seat in seats { seat.calling(.reset) { $0.tellReset(now: now) } }
        log.write(.notice, name, "reset")
    }

    /// CLOCK_BOOTTIME, for the recorder.
    var recordTime: UInt64 { Clock.boot }
}

/// How often a device that cannot be opened is looked for, in nanoseconds.
private enum Retry {
    /// While its absence is normal.
    static let early: UInt64 = 250_000_000
    /// Afterwards.
    static let late: UInt64 = 5_000_000_000
    /// After EBUSY of the kernel's own.
    static let kernelBusy: UInt64 = 30_000_000_000
}

/// A timer of a channel, which outlives it.
final class ChannelTimer: LoopTimer {
    private let channel: Unmanaged<Channel>
    private let act: (Channel, UInt64) -> Void

    init(_ channel: Channel, _ act: @escaping (Channel, UInt64) -> Void) {
        self.channel = .passUnretained(channel)
        self.act = act
        super.init()
    }

    override func fire(now: UInt64) { act(channel.takeUnretainedValue(), now) }
}
