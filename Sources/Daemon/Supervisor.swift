// SPDX-License-Identifier: Apache-2.0
//
// The daemon as a whole: one loop, its channels, and what they share. Wiring and the order of start and stop; each part's
// rules are in its own file.
import CKCSPlugin
import CLinux
import Capture
import Configuration
import EventLoop
import LinuxIO
import PluginHost
import Schema
import YAML

/// Runs the channels of a configuration file until it is told to stop.
public final class Supervisor {
    private let path: String
    private let loop: EventLoop
    private let log: Log
    private let loader: PluginLoader
    private let worker: Worker
    private let programs: Programs
    private let activity = Activity()
    private let captures: CaptureService
    private let notifier: Notifier
    private let services: ChannelServices
    private let sysrq: SysrqHolder
    private let names = ChannelNames()
    private var watchdog: Watchdog?
    private var signals: SignalSource?
    private var channels: [Channel] = []
    private var plan: Plan
    private var crashFile: Int32 = -1
    private var isStopping = false
    private var isReady = false
    /// An orderly stop does not wait longer than this for work and actions that are under way, in nanoseconds.
    private static let stopLimit: UInt64 = 3_000_000_000
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
        services.stateChanged = { [unowned(unsafe) self] in tellStatus() }
    }

    /// Runs until SIGTERM or SIGINT. The error is one that leaves no way to go on.
    public func run() throws(SystemError) {
        try listenToSignals()
        sysrq.prepare(plan, log)
        log.write(.notice, nil, "kcsd \(Version.text), \(plan.channels.count) channels of \(path)")
        for (number, channelPlan) in plan.channels.enumerated() {
            channels.append(makeChannel(channelPlan, number: number))
        }
        let crashed = prepareCrashDump()
        startWatchdog()
        let marker = CrashMarker(stateDirectory: plan.configuration.stateDirectory)
        let culprit = marker.take() ?? crashed
        for channel in channels { startAtBoot(channel, culprit) }
        isReady = true
        notifier.ready(summary)
        while !isStopping { try loop.turn(wait: true) }
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
        return Channel(plan, number: number, services, recorder: makeRecorder(plan, number))
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
            case SIGHUP: reload()
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
        log.write(.notice, nil, "stopping on \(signal == SIGTERM ? "SIGTERM" : "SIGINT")")
    }

    private func shutDown() throws(SystemError) {
        notifier.stopping()
        for channel in channels { channel.stop(reason: UInt32(KCS_REASON_STOP)) }
        // What is queued for the disk gets there: a capture that is being written is what somebody will ask for.
        if !worker.finish(within: Self.stopLimit) {
            log.write(.error, nil, "work on the disk does not end; stopping without it")
        }
        let deadline = Clock.monotonic + Self.stopLimit
        repeat { try loop.turn(wait: false) } while worker.hasUntoldResults && Clock.monotonic < deadline
        watchdog?.stop()
        log.write(.notice, nil, "stopped")
    }

    // MARK: Reload

    /// Takes a changed file over; what it does not change is not touched.
    private func reload() {
        notifier.reloading()
        let outcome = PlanReader.read(path, loader)
        guard let new = outcome.plan else {
            log.write(.error, nil, "reload: \(path) is invalid, nothing was changed")
            for line in outcome.diagnostics.render().split(separator: "\n") { log.write(.error, nil, String(line)) }
            loader.reconfigure(
                folders: PluginLoader.searchPath(plan.configuration.pluginPath),
                trust: plan.configuration.pluginTrust == .strict ? .strict : .any)
            return notifier.ready(summary)
        }
        var changes: [String] = []
        for channel in channels where !new.channels.contains(where: { $0.configuration.name == channel.name }) {
            channel.stop(reason: UInt32(KCS_REASON_STOP))
            changes.append("-\(channel.name)")
        }
        let old = channels
        let before = plan.configuration
        plan = new
        captures.directory = new.configuration.capture.directory
        services.stateDirectory = new.configuration.stateDirectory
        sysrq.reconfigure(path: new.configuration.sysrqPath)
        sysrq.prepare(new, log)
        warnOfWhatNeedsARestart(before, new.configuration)
        let taken = takeOver(new.channels, from: old, &changes)
        channels = taken.map { $0.channel }
        // All that stop have stopped: devices may change hands.
        for (channel, isChanged) in taken where isChanged && channel.isEnabled {
            channel.start(reason: UInt32(KCS_REASON_RELOAD))
        }
        for plugin in loader.changedOnDisk {
            log.write(
                .notice, nil, "reload: \(plugin.file.path) has changed on disk; it takes effect at a restart of kcsd")
        }
        log.write(
            .notice, nil, "reloaded \(path): \(changes.isEmpty ? "no channel changed" : changes.joined(separator: " "))"
        )
        notifier.ready(summary)
    }

    /// The channels of a new file, none of the changed ones running.
    private func takeOver(
        _ plans: [ChannelPlan], from old: [Channel], _ changes: inout [String]
    ) -> [(channel: Channel, isChanged: Bool)] {
        var numbers = old.map { $0.number }
        var taken: [(channel: Channel, isChanged: Bool)] = []
        for new in plans {
            guard let channel = old.first(where: { $0.name == new.configuration.name }) else {
                changes.append("+\(new.configuration.name)")
                let number = names.free(beside: numbers)
                numbers.append(number)
                taken.append((makeChannel(new, number: number), true))
                continue
            }
            if channel.plan.configuration == new.configuration && channel.plan.hasSamePlugins(as: new) {
                taken.append((channel, false))
                continue
            }
            changes.append("~\(channel.name)")
            channel.stop(reason: UInt32(KCS_REASON_RELOAD))
            let keepsRecorder = channel.plan.configuration.capture == new.configuration.capture
            names.set(channel.number, new)
            channel.adopt(new, recorder: keepsRecorder ? channel.recorder : makeRecorder(new, channel.number))
            channel.recorder?.setPlugin(new.handlers.map { $0.plugin.name }.joined(separator: ", "))
            taken.append((channel, true))
        }
        return taken
    }

    private func warnOfWhatNeedsARestart(_ old: Configuration, _ new: Configuration) {
        if old.hangTimeout != new.hangTimeout {
            log.write(.notice, nil, "reload: hang_timeout has changed; it takes effect at a restart of kcsd")
        }
    }

    // MARK: Captures

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
        watchdog = Watchdog(activity, hangTimeout: timeout) { call in
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
