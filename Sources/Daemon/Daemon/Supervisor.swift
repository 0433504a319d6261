// SPDX-License-Identifier: Apache-2.0
//
// The daemon as a whole: one loop, its channels, and what they share. Wiring and the order of start and stop; each part's
// rules are in its own file.
import CKCSPlugin
import CLinux
import Capture
import Common
import DaemonConfiguration
import Devices
import Events
import JSON
import LinuxIO
import PluginHost
import Schema
import YAML

/// Runs the channels of a configuration file until it is told to stop.
public final class Supervisor {
    let path: String
    let loop: EventLoop
    let log: Log
    let kinds: [DeviceKind]
    let loader: PluginLoader
    let worker: Worker
    /// Who reads behind the recorders.
    let taps: CaptureTaps
    private let programs: Programs
    private let activity = Activity()
    let captures: CaptureService
    let notifier: Notifier
    let services: ChannelServices
    let sysrq: SysrqHolder
    let names = ChannelNames()
    private var watchdog: Watchdog?
    private var signals: SignalSource?
    var channels: [Channel] = []
    var plan: Plan
    lazy var commands = Commands(self)
    var control: ControlServer?
    var crashFile: Int32 = -1
    private var isStopping = false
    private var isReady = false
    /// CLOCK_MONOTONIC when it began.
    let began = Clock.monotonic
    /// What this program is.
    lazy var build = Version.build
    /// An orderly stop does not wait longer than this for work and actions that are under way, in nanoseconds.
    private static let stopLimit: UInt64 = 3_000_000_000
    /// How long programs of actions may go on after that, in nanoseconds.
    private static let programLimit: UInt64 = 2_000_000_000
    /// The report of a call that hangs takes no longer than this, in seconds.
    private static let reportLimit: UInt32 = 5

    /// A daemon for a file that was read already, for devices of these kinds; `loader` holds the plugins that the plan
    /// names.
    public init(
        path: String, plan: Plan, kinds: [DeviceKind], loader: PluginLoader, log: Log
    ) throws(SystemError) {
        self.path = path
        self.kinds = kinds
        self.plan = plan
        self.loader = loader
        self.log = log
        loop = try EventLoop()
        worker = Worker(mailbox: loop.mailbox)
        taps = CaptureTaps(loop)
        programs = Programs(loop, log)
        captures = CaptureService(worker, plan.configuration)
        notifier = Notifier(loop)
        sysrq = SysrqHolder(loop, path: plan.configuration.sysrqPath)
        let captureHolder = CaptureRequest()
        let sysrq = self.sysrq
        services = ChannelServices(
            loop: loop, log: log, programs: programs, worker: worker, activity: activity,
            listenDescriptors: ListenDescriptors(), stateDirectory: plan.configuration.stateDirectory,
            recordClock: RecordClock(),
            actions: ActionRunner.Services(
                loop: loop, log: log, programs: programs, sysrq: { sysrq.opened() },
                capture: { captureHolder.handle($0, $1, $2) }))
        captureHolder.handle = { [unowned(unsafe) self] channel, all, done in
            dump(all ? nil : channel) { result in
                switch result {
                case .success: done(nil)
                case .failure(let failure): done(failure.text)
                }
            }
        }
        services.captureFailure = { [unowned(unsafe) self] channel, done in dump(channel, isFailure: true, done: done) }
        services.recordClock.stepped = { [unowned(unsafe) self] in
            for channel in channels { channel.recorder?.wallOffset(.wallOffset, at: Clock.boot) }
        }
        services.configuration = { [unowned(unsafe) self] in self.plan.text(ofChannel: $0) }
        services.hangTimeout = plan.configuration.hangTimeout
        services.stateChanged = { [unowned(unsafe) self] in tellStatus() }
    }

    /// Runs until SIGTERM or SIGINT. The failure is one that leaves no way to go on.
    public func run() throws(Failure) {
        do throws(SystemError) { try listenToSignals() } catch { throw Failure(description: error.description) }
        allowManyDescriptors()
        NodeLock.fallbackFolder = plan.configuration.stateDirectory
        sysrq.prepare(plan, log)
        log.write(.notice, nil, "kcsmuxd \(Version.text), \(plan.channels.count) channels of \(path)")
        for (number, channelPlan) in plan.channels.enumerated() {
            channels.append(makeChannel(channelPlan, number: number))
        }
        try openControlAtStart()
        let crashed = prepareCrashDump()
        if let wish = plan.configuration.realtime { Realtime(wish, log).apply() }
        startWatchdog()
        let marker = CrashMarker(stateDirectory: plan.configuration.stateDirectory)
        let culprit = marker.take() ?? crashed
        services.recordClock.listen(loop)
        for channel in channels { startAtBoot(channel, culprit) }
        isReady = true
        notifier.ready(summary)
        do throws(SystemError) {
            try loop.run()
            try shutDown()
            endLife()
        } catch { throw Failure(description: error.description) }
    }

    /// Why the daemon cannot go on, in words.
    public struct Failure: Error {
        /// The reason.
        public let description: String
    }

    /// Channels and clients are not limited by what a shell thinks of the number of files. Programs of actions get the limit
    /// that was.
    private func allowManyDescriptors() {
        programs.descriptorLimit = ResourceLimit.descriptors.raise()
    }

    private func startAtBoot(_ channel: Channel, _ culprit: String?) {
        guard channel.isEnabled else { return }
        if channel.name == culprit {
            channel.startLater("its handler took the daemon down in the life before")
        } else if let reason = channel.crashedTooOften {
            channel.stayDown(reason)
        } else {
            channel.start(reason: UInt32(KCS_REASON_BOOT))
        }
    }

    func makeChannel(_ plan: ChannelPlan, number: Int) -> Channel {
        names.set(number, plan)
        let channel = Channel(plan, number: number, services, recorder: makeRecorder(plan, number))
        openCaptureFile(channel)
        return channel
    }

    func makeRecorder(_ plan: ChannelPlan, _ number: Int) -> Recorder? {
        let capture = plan.configuration.capture
        guard capture.mode != .none else { return nil }
        let identity = RecorderIdentity(
            channel: plan.configuration.name,
            description: "\(plan.configuration.device.type.name) \(plan.configuration.device.path)",
            plugin: plan.handlers.map { $0.plugin.name }.joined(separator: ", "), number: UInt8(number & 15))
        let recorder = openRecorder(identity, capture, plan.configuration.isolation == .process)
        recorder.wallOffset(.wallOffset, at: Clock.boot)
        return recorder
    }

    private func openRecorder(
        _ identity: RecorderIdentity, _ capture: CaptureConfiguration, _ isShared: Bool
    ) -> Recorder {
        guard capture.persist else { return makeRecorder(identity, capture, isShared) }
        do {
            try Syscalls.makeFolders(capture.directory, mode: 0o750)
            let recorder = try Recorder(
                identity, events: capture.events, path: "\(capture.directory)/\(identity.channel).kcsring")
            recorder.lifeBegan(process: CurrentProcess.identifier, reason: 0, at: Clock.boot)
            return recorder
        } catch {
            log.write(.warning, identity.channel, "the flight recorder will not survive a kill: \(error.description)")
            return makeRecorder(identity, capture, isShared)
        }
    }

    private func makeRecorder(_ identity: RecorderIdentity, _ capture: CaptureConfiguration, _ isShared: Bool)
        -> Recorder
    {
        guard isShared else { return Recorder(identity, events: capture.events) }
        do { return try Recorder(sharing: identity, events: capture.events) } catch {
            log.write(.warning, identity.channel, "nothing that its process does is recorded: \(error.description)")
            return Recorder(identity, events: capture.events)
        }
    }

    // MARK: Signals

    private func listenToSignals() throws(SystemError) {
        Signals.ignore(SIGPIPE)
        let source = try SignalSource.make([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD]) {
            [unowned(unsafe) self] signal in
            switch signal {
            case SIGTERM, SIGINT: stop(signal)
            case SIGHUP: _ = reload()
            case SIGUSR1: dumpOnSignal()
            default:
                programs.reap()
                for channel in channels { channel.process?.reap() }
            }
            loop.readClock()
        }
        try loop.add(source, descriptor: source.descriptor, interest: .input)
        signals = source
    }

    private func stop(_ signal: Int32) {
        guard !isStopping else { return }
        isStopping = true
        loop.stop()
        log.write(.notice, nil, "stopping on \(signal == SIGTERM ? "SIGTERM" : "SIGINT")")
    }

    private func shutDown() throws(SystemError) {
        notifier.stopping()
        programs.stop()
        for channel in channels { channel.stop(reason: UInt32(KCS_REASON_STOP)) }
        try endPrograms()
        // What is queued for the disk gets there: a capture that is being written is what somebody will ask for.
        if worker.finish(within: Self.stopLimit) {
            for channel in channels { channel.captureFile?.finishHere() }
        } else {
            log.write(.error, nil, "work on the disk does not end; stopping without it")
        }
        let deadline = Clock.monotonic + Self.stopLimit
        repeat { try loop.turn(wait: false) } while worker.hasUntoldResults && Clock.monotonic < deadline
        watchdog?.stop()
        control?.end()
        log.write(.notice, nil, "stopped")
    }

    /// Programs that actions run get a while to end; one that asked the system to stop is most likely why kcsmuxd stops.
    private func endPrograms() throws(SystemError) {
        if programs.isIdle { return }
        let patience = StopTimer { [unowned(unsafe) self] in
            let count = programs.killAll()
            log.write(.warning, nil, "killed \(count) programs of actions, which did not end")
        }
        loop.set(patience, deadline: Clock.monotonic + Self.programLimit)
        let deadline = Clock.monotonic + Self.programLimit + Self.stopLimit
        while !programs.isIdle && Clock.monotonic < deadline { try loop.turn(wait: true) }
        loop.cancel(patience)
    }

    // MARK: Watchdog

    private func startWatchdog() {
        let log = Log(level: .error)
        let names = self.names
        let marker = CrashMarker(stateDirectory: plan.configuration.stateDirectory)
        let crashFile = self.crashFile
        let timeout = plan.configuration.hangTimeout
        let realtime = plan.configuration.realtime
        watchdog = Watchdog(
            activity, names, hangTimeout: timeout.nanoseconds, begin: { Realtime.placeAbove(realtime) }
        ) { call in
            // What hangs may hold a lock that the lines below need: SIGALRM then ends the process, and says less.
            alarm(Self.reportLimit)
            let channel = names.name(Activity.channel(call))
            let callback = Activity.callback(call)?.name ?? "a call"
            log.write(
                .error, channel,
                "\(names.plugins(Activity.channel(call))): \(callback) has not returned for \(timeout.text);"
                    + " the daemon ends, so that its other channels can be started again",
                JournalFields(event: .handlerHangs, plugin: names.plugins(Activity.channel(call))))
            marker.leave(channel)
            if crashFile >= 0 { _ = FatalDump.write(crashFile) }
            FatalDump.uninstall()
            abort()
        }
    }

    // MARK: Status

    /// What this program is, for the control socket.
    var identity: JSONValue {
        [
            "version": .string(Version.text), "abi": .string(Version.abi), "build": .string(build),
            "process": .integer(Int(CurrentProcess.identifier)), "configuration": .string(path),
        ]
    }

    /// The daemon's own part of its status.
    var summaryObject: JSONValue {
        [
            "version": .string(Version.text), "process": .integer(Int(CurrentProcess.identifier)),
            "configuration": .string(path), "uptime": .unsigned((Clock.monotonic - began) / 1_000_000_000),
            "log_level": .string(log.level.name), "running": .integer(channels.count { $0.isRunning }),
            "enabled": .integer(channels.count { $0.isEnabled }), "summary": .string(summary),
            "dumps": dumps,
        ]
    }

    /// The daemon's own part of its metrics.
    var metricsHead: MetricsHead {
        MetricsHead(
            version: Version.text, uptime: Clock.monotonic - began,
            dumps: captures.kept.map { (UInt64($0.files), $0.bytes, UInt64($0.removed)) })
    }

    private var dumps: JSONValue {
        guard let kept = captures.kept else { return .null }
        return [
            "files": .integer(kept.files), "bytes": .unsigned(kept.bytes), "removed": .integer(kept.removed),
        ]
    }

    var summary: String {
        let running = channels.filter { $0.isRunning }.count
        let enabled = channels.filter { $0.isEnabled }.count
        let others = channels.filter { $0.isEnabled && !$0.isRunning }.map { "\($0.name) \($0.state.name)" }
        return "\(running) of \(enabled) channels run" + (others.isEmpty ? "" : ": \(others.joined(separator: ", "))")
    }

    private func tellStatus() { if isReady && !isStopping { notifier.status(summary) } }
}

/// Breaks the circle between the services and the supervisor that owns them.
private final class CaptureRequest {
    var handle: (String, Bool, @escaping (String?) -> Void) -> Void = { _, _, done in done("not available") }
}

/// What happens when a stop takes too long.
private final class StopTimer: LoopTimer {
    private let end: () -> Void

    init(_ end: @escaping () -> Void) {
        self.end = end
        super.init()
    }

    override func fire(now: UInt64) { end() }
}
