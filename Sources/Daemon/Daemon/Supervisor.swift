// SPDX-License-Identifier: Apache-2.0
//
// The daemon as a whole: one loop, its channels, and what they share. Wiring and the order of start and stop; each part's
// rules are in its own file.
import CKCSPlugin
import CLinux
import Capture
import DaemonConfiguration
import Events
import HotPath
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
    private let loader: PluginLoader
    let worker: Worker
    /// Who reads behind the recorders.
    let taps: CaptureTaps
    private let programs: Programs
    private let activity = Activity()
    private let captures: CaptureService
    private let notifier: Notifier
    private let services: ChannelServices
    private let sysrq: SysrqHolder
    private let names = ChannelNames()
    private var watchdog: Watchdog?
    private var signals: SignalSource?
    private(set) var channels: [Channel] = []
    private(set) var plan: Plan
    private lazy var commands = Commands(self)
    private var control: ControlServer?
    private var crashFile: Int32 = -1
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

    /// A daemon for a file that was read already; `loader` holds the plugins that the plan names.
    public init(path: String, plan: Plan, loader: PluginLoader, log: Log) throws(SystemError) {
        self.path = path
        self.plan = plan
        self.loader = loader
        self.log = log
        loop = try EventLoop()
        worker = Worker(mailbox: loop.mailbox)
        taps = CaptureTaps(loop)
        programs = Programs(loop)
        captures = CaptureService(worker, directory: plan.configuration.capture.directory)
        notifier = Notifier(loop)
        sysrq = SysrqHolder(loop, path: plan.configuration.sysrqPath)
        let captureHolder = CaptureRequest()
        let sysrq = self.sysrq
        services = ChannelServices(
            loop: loop, log: log, programs: programs, worker: worker, activity: activity,
            listenDescriptors: ListenDescriptors(), stateDirectory: plan.configuration.stateDirectory,
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
        services.captureFailure = { [unowned(unsafe) self] channel, done in dump(channel, done: done) }
        services.stateChanged = { [unowned(unsafe) self] in tellStatus() }
    }

    /// Runs until SIGTERM or SIGINT. The error is one that leaves no way to go on.
    public func run() throws(SystemError) {
        try listenToSignals()
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
        for channel in channels { startAtBoot(channel, culprit) }
        isReady = true
        notifier.ready(summary)
        try loop.run()
        try shutDown()
    }

    private func startAtBoot(_ channel: Channel, _ culprit: String?) {
        guard channel.isEnabled else { return }
        if channel.name == culprit {
            channel.startLater("its handler took the daemon down in the life before")
        } else {
            channel.start(reason: UInt32(KCS_REASON_BOOT))
        }
    }

    private func makeChannel(_ plan: ChannelPlan, number: Int) -> Channel {
        names.set(number, plan)
        let channel = Channel(plan, number: number, services, recorder: makeRecorder(plan, number))
        openCaptureFile(channel)
        return channel
    }

    private func makeRecorder(_ plan: ChannelPlan, _ number: Int) -> Recorder? {
        let capture = plan.configuration.capture
        guard capture.mode != .none else { return nil }
        let identity = RecorderIdentity(
            channel: plan.configuration.name,
            description: "\(plan.configuration.device.type.rawValue) \(plan.configuration.device.path)",
            plugin: plan.handlers.map { $0.plugin.name }.joined(separator: ", "), number: UInt8(number & 15))
        let recorder = openRecorder(identity, capture)
        recorder.wallOffset(Int64(bitPattern: Clock.real &- Clock.boot), at: Clock.boot)
        return recorder
    }

    private func openRecorder(_ identity: RecorderIdentity, _ capture: CaptureConfiguration) -> Recorder {
        guard capture.persist else { return Recorder(identity, events: capture.events) }
        do {
            try Syscalls.makeFolders(capture.directory, mode: 0o750)
            let recorder = try Recorder(
                identity, events: capture.events, path: "\(capture.directory)/\(identity.channel).kcsring")
            recorder.lifeBegan(process: CurrentProcess.identifier, reason: 0, at: Clock.boot)
            return recorder
        } catch {
            log.write(.warning, identity.channel, "the flight recorder will not survive a kill: \(error.description)")
            return Recorder(identity, events: capture.events)
        }
    }

    // MARK: Signals

    private func listenToSignals() throws(SystemError) {
        cl_ignore_signal(SIGPIPE)
        let source = try SignalSource.make([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD]) {
            [unowned(unsafe) self] signal in
            switch signal {
            case SIGTERM, SIGINT: stop(signal)
            case SIGHUP: _ = reload()
            case SIGUSR1: dumpOnSignal()
            default: programs.reap()
            }
            // No handler is to be blamed for the time that this took.
            services.callMark = Clock.coarse
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

    // MARK: Reload

    /// Takes a changed file over; what it does not change is not touched.
    func reload() -> ReloadReport {
        notifier.reloading()
        let outcome = PlanReader.read(path, loader)
        let report = ReloadReport(path, outcome)
        if let new = outcome.plan { takeOver(new, report) } else { keepLoading() }
        report.write(to: log)
        notifier.ready(summary)
        return report
    }

    /// The plugins are looked for where the plan in force says.
    private func keepLoading() {
        loader.reconfigure(
            folders: PluginLoader.searchPath(plan.configuration.pluginPath),
            trust: plan.configuration.pluginTrust == .strict ? .strict : .any)
    }

    private func takeOver(_ new: Plan, _ report: ReloadReport) {
        for channel in channels where !new.channels.contains(where: { $0.configuration.name == channel.name }) {
            channel.stop(reason: UInt32(KCS_REASON_STOP))
            closeCaptures(channel)
            report.removed.append(channel.name)
        }
        let old = channels
        let before = plan.configuration
        plan = new
        captures.directory = new.configuration.capture.directory
        services.stateDirectory = new.configuration.stateDirectory
        sysrq.reconfigure(path: new.configuration.sysrqPath)
        sysrq.prepare(new, log)
        warnOfWhatNeedsARestart(before, new.configuration, report)
        let taken = takeOver(new.channels, from: old, report)
        channels = taken.map { $0.channel }
        // All that stop have stopped: devices may change hands.
        for (channel, isChanged) in taken where isChanged && channel.isEnabled {
            channel.start(reason: UInt32(KCS_REASON_RELOAD))
        }
        for plugin in loader.changedOnDisk { report.pluginsChangedOnDisk.append(plugin.file.path) }
        if new.configuration.control != before.control {
            if let failure = openControl() {
                report.notes.append("the control socket stays as it was: \(failure.text)")
            } else {
                report.notes.append("the control socket is \(new.configuration.control.socket)")
            }
        }
    }

    /// The channels of a new file, none of the changed ones running.
    private func takeOver(
        _ plans: [ChannelPlan], from old: [Channel], _ report: ReloadReport
    ) -> [(channel: Channel, isChanged: Bool)] {
        var numbers = old.map { $0.number }
        var taken: [(channel: Channel, isChanged: Bool)] = []
        for new in plans {
            guard let channel = old.first(where: { $0.name == new.configuration.name }) else {
                report.added.append(new.configuration.name)
                let number = names.free(beside: numbers)
                numbers.append(number)
                taken.append((makeChannel(new, number: number), true))
                continue
            }
            if channel.plan.configuration == new.configuration && channel.plan.hasSamePlugins(as: new) {
                report.unchanged += 1
                taken.append((channel, false))
                continue
            }
            report.changed.append(channel.name)
            replan(channel, new)
            taken.append((channel, true))
        }
        return taken
    }

    private func replan(_ channel: Channel, _ new: ChannelPlan) {
        channel.stop(reason: UInt32(KCS_REASON_RELOAD))
        names.set(channel.number, new)
        if channel.plan.configuration.capture == new.configuration.capture {
            channel.adopt(new, recorder: channel.recorder)
        } else {
            closeCaptures(channel)
            channel.adopt(new, recorder: makeRecorder(new, channel.number))
            openCaptureFile(channel)
        }
        channel.recorder?.setPlugin(new.handlers.map { $0.plugin.name }.joined(separator: ", "))
    }

    private func warnOfWhatNeedsARestart(_ old: Configuration, _ new: Configuration, _ report: ReloadReport) {
        if old.hangTimeout != new.hangTimeout {
            report.notes.append("hang_timeout has changed; it takes effect at a restart of kcsmuxd")
        }
        if old.realtime != new.realtime {
            report.notes.append("realtime has changed; it takes effect at a restart of kcsmuxd")
        }
    }

    // MARK: Control

    /// Without `control` in the file, a socket that can't be made is no reason not to serve channels.
    private func openControlAtStart() throws(SystemError) {
        guard let failure = openControl() else { return }
        if plan.configuration.control.isGiven || failure.isPassed { throw SystemError(.addressInUse, failure.text) }
        log.write(.warning, nil, "no control socket: \(failure.text)")
    }

    /// Listens where the plan says, instead of where it listened. The answer is why that is not possible.
    private func openControl() -> ControlFailure? {
        let passed = services.listenDescriptors.descriptor(named: "control")
        if passed != nil && control != nil { return nil }
        let log = self.log
        let commands = self.commands
        do throws(ControlFailure) {
            if let control, control.address.path == plan.configuration.control.socket {
                try control.address.change(plan.configuration.control)
                return nil
            }
            let address =
                if let passed { try ControlAddress.passed(passed) } else {
                    try ControlAddress.make(plan.configuration.control)
                }
            let server = try ControlServer.listening(address, loop, log) { request, client in
                commands.serve(request, for: client)
            }
            if let old = control {
                // Whoever asked for this gets the answer first.
                loop.mailbox.post { old.end() }
            }
            control = server
            return nil
        } catch { return error }
    }

    // MARK: Captures

    private func openCaptureFile(_ channel: Channel) {
        let configuration = channel.plan.configuration.capture
        guard configuration.mode == .file, let recorder = channel.recorder else { return }
        let file = CaptureFile(recorder, configuration, channel: channel.name, worker, log)
        channel.captureFile = file
        taps.add(file)
    }

    /// The channel's recorder is given up.
    private func closeCaptures(_ channel: Channel) {
        if let recorder = channel.recorder { commands.endFollowers(of: recorder) }
        guard let file = channel.captureFile else { return }
        taps.remove(file)
        file.finish()
        channel.captureFile = nil
    }

    /// Writes the recorder of one channel, or, without a name, of all, to a file in the capture folder.
    func dump(_ name: String?, done: @escaping (CaptureService.Outcome) -> Void) {
        let chosen = channels.filter { name == nil || $0.name == name }
        captures.dump(chosen.compactMap { $0.recorder }, named: name ?? "all", done: done)
    }

    private func dumpOnSignal() {
        let log = self.log
        dump(nil) { outcome in
            switch outcome {
            case .success(let path): log.write(.notice, nil, "captures of all channels are in \(path)")
            case .failure(let failure): log.write(.error, nil, "captures could not be written: \(failure.text)")
            }
        }
    }

    /// The answer is the channel whose handler ran when the life before crashed.
    private func prepareCrashDump() -> String? {
        let recorders = channels.compactMap { $0.recorder }
        guard !recorders.isEmpty else { return nil }
        var culprit: String?
        do {
            let prepared = try FatalDump.prepare(
                folder: plan.configuration.capture.directory,
                bytes: FatalDump.bytes(capacities: recorders.map { $0.capacity }))
            if let previous = prepared.previous {
                let dump = (try? Syscalls.readFile(previous, limit: 1 << 30)).flatMap { RawDump($0) }
                culprit = dump?.culprit?.channel
                log.write(
                    .warning, nil,
                    "the life before crashed\(dump.map { ": \($0.sentence)" } ?? ""); what its recorders held is in"
                        + " \(previous)")
            }
            crashFile = prepared.descriptor
            try FatalDump.install(crashFile)
        } catch {
            log.write(.info, nil, "a crash will leave no capture: \(error.description)")
        }
        return culprit
    }

    // MARK: Watchdog

    private func startWatchdog() {
        let log = Log(level: .error)
        let names = self.names
        let marker = CrashMarker(stateDirectory: plan.configuration.stateDirectory)
        let crashFile = self.crashFile
        let timeout = plan.configuration.hangTimeout
        let realtime = plan.configuration.realtime
        watchdog = Watchdog(activity, hangTimeout: timeout, begin: { Realtime.placeAbove(realtime) }) { call in
            // What hangs may hold a lock that the lines below need: SIGALRM then ends the process, and says less.
            alarm(Self.reportLimit)
            let channel = names.name(Activity.channel(call))
            let callback = Activity.callback(call)?.name ?? "a call"
            log.write(
                .error, channel,
                "\(names.plugins(Activity.channel(call))): \(callback) has not returned for \(Quantity.duration(timeout));"
                    + " the daemon ends, so that its other channels can be started again")
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
        ]
    }

    private var summary: String {
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
