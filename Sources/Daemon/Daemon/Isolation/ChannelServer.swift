// SPDX-License-Identifier: Apache-2.0
//
// The process of one channel: `kcsmuxd --serve-channel`, started by the daemon with the channel's descriptors
// (`ProcessDescriptors`). It has a loop of its own, the channel as the daemon has it, and the daemon for the rest.
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

/// Serves one channel for the daemon that started this process.
public final class ChannelServer {
    /// The argument by which the program is told to be one.
    public static let argument = ProcessLink.argument
    /// Work under way when it stops gets this long, in nanoseconds.
    private static let stopLimit: UInt64 = 500_000_000
    /// What the process may have of memory of its own: far more than any handler needs, and too little to harm the machine.
    private static let memoryLimit: UInt64 = 256 << 20

    private let link: ParentLink
    private let loop: EventLoop
    private let log: Log
    private let worker: Worker
    private let programs: Programs
    private let activity: Activity
    private let names = ChannelNames()
    private var signals: SignalSource?
    private var watchdog: Watchdog?
    private var channel: Channel?
    private var taps: CaptureTaps?

    /// Runs until the daemon says, or is gone. The answer is the exit status.
    public static func run(_ kinds: [DeviceKind], _ loader: PluginLoader) -> Int32 {
        CurrentProcess.dieWithParent()
        CurrentProcess.forbidDumps()
        for signal in [SIGPIPE, SIGTERM, SIGINT, SIGHUP, SIGUSR1] { Signals.ignore(signal) }
        do throws(SystemError) {
            let server = try ChannelServer()
            try server.begin(kinds, loader)
            try server.loop.run()
            server.finish()
            return 0
        } catch {
            Log(level: .error).write(.error, nil, "a channel's process: \(error.description)")
            return 1
        }
    }

    private init() throws(SystemError) {
        guard Descriptors.closeOnExec(ProcessDescriptors.socket).errno == nil else {
            throw SystemError(.notSocket, "it is started by kcsmuxd alone")
        }
        loop = try EventLoop()
        log = Log(level: .notice)
        worker = Worker(mailbox: loop.mailbox)
        programs = Programs(loop, log)
        link = ParentLink(owning: FileDescriptor(owning: ProcessDescriptors.socket), loop)
        _ = Descriptors.closeOnExec(ProcessDescriptors.activity)
        activity = Activity(try SharedActivity(adopting: ProcessDescriptors.activity))
        signals = try SignalSource.make([SIGCHLD]) { [programs] _ in programs.reap() }
    }

    private func begin(_ kinds: [DeviceKind], _ loader: PluginLoader) throws(SystemError) {
        var start: JSONValue?
        link.told = { type, message in if type == "start" { start = message } }
        guard Poll.isReadable(link.socket.raw, until: Clock.monotonic + ProcessLink.startLimit) else {
            throw SystemError(.canceled, "start")
        }
        link.take(1)
        guard let start, start["version"]?.uint64 == ProcessLink.version else {
            throw SystemError(.invalidArgument, "start")
        }
        log.level = start["level"]?.uint64.flatMap { UInt32(exactly: $0) }.flatMap { LogLevel(rawValue: $0) } ?? .notice
        link.told = { [unowned(unsafe) self] in obey($0, $1) }
        link.lost = { [unowned(unsafe) self] in stop(UInt32(KCS_REASON_STOP)) }
        try loop.add(link, descriptor: link.socket.raw, interest: .input)
        if let signals { try loop.add(signals, descriptor: signals.descriptor, interest: .input) }
        if let failure = serve(start, kinds, loader) {
            link.fail(failure)
            loop.mailbox.post { [loop] in loop.stop() }
        }
    }

    /// Before any code of a plugin runs. What the kernel does not know is no reason not to serve.
    private func confine() {
        guard let failure = Confinement.confine(memory: Self.memoryLimit) else { return }
        log.write(.info, nil, "a channel's process may make all system calls: \(failure.description)")
    }

    /// When plugins are loaded, with libraries of theirs that may lie anywhere, and before they are called.
    private func restrictFiles(_ start: JSONValue) {
        let grants = (start["files"]?.elements ?? []).compactMap { Confinement.Grant($0) }
        guard let failure = Confinement.restrictFiles(to: grants) else { return }
        log.write(.info, nil, "a channel's process reaches all files: \(failure.description)")
    }

    /// The answer is why it cannot.
    private func serve(_ start: JSONValue, _ kinds: [DeviceKind], _ loader: PluginLoader) -> String? {
        var window: Window?
        if let source = start["window"].flatMap({ WindowSource($0) }) {
            do throws(SystemError) { window = try Window.open(source) } catch {
                return "the memory shared with the host CPU cannot be had: \(error.description)"
            }
        }
        confine()
        let outcome = PlanReader.read("/proc/self/fd/\(ProcessDescriptors.configuration)", kinds, loader)
        Syscalls.close(ProcessDescriptors.configuration)
        guard let plan = outcome.plan, let own = plan.channels.first else {
            return "its process cannot read its configuration: \(outcome.diagnostics.render())"
        }
        if let failure = own.failures.first { return failure.description }
        restrictFiles(start)
        let number = Int(clamping: start["number"]?.int64 ?? 0)
        let services = makeServices(plan, start["sockets"]?.elements ?? [])
        names.set(number, own)
        var recorder: Recorder?
        let plugins = own.handlers.map { $0.plugin.name }.joined(separator: ", ")
        if start["recorder"]?.bool == true {
            _ = Descriptors.closeOnExec(ProcessDescriptors.recorder)
            do throws(SystemError) {
                recorder = try Recorder(adopting: ProcessDescriptors.recorder, plugin: plugins)
            } catch { return "its process has no recorder: \(error.description)" }
        }
        let channel = Channel(own, number: number, services, recorder: recorder)
        self.channel = channel
        channel.mappedWindow = window
        channel.startReason = UInt32(clamping: start["reason"]?.uint64 ?? 0)
        var node: Int32?
        if start["device"]?.bool == true {
            node = ProcessDescriptors.device
            _ = Descriptors.closeOnExec(ProcessDescriptors.device)
        }
        let stale = (start["stale"]?.elements ?? []).map { pair -> HostByte in
            let numbers = pair.numbers ?? []
            func byte(_ index: Int) -> UInt8 { index < numbers.count ? UInt8(clamping: numbers[index]) : 0 }
            return HostByte(value: byte(0), str: byte(1))
        }
        let device: OpenDevice
        do throws(Errno) { device = try own.device.adopt(node, stale: stale) } catch {
            return "its process cannot use the device: \(error.description)"
        }
        if let wish = plan.configuration.realtime { Realtime(wish, log).apply() }
        startWatchdog(plan)
        services.recordClock.listen(loop)
        services.recordClock.stepped = { recorder?.wallOffset(.wallOffset, at: Clock.boot) }
        channel.run(device)
        if channel.isRunning {
            var isOfMessages = false
            if case .messages = channel.service { isOfMessages = true }
            link.send("running", [JSONMember("messages", .bool(isOfMessages))])
        }
        return nil
    }

    private func makeServices(_ plan: Plan, _ sockets: [JSONValue]) -> ChannelServices {
        let link = self.link
        var passed: [(name: String, descriptor: Int32)] = []
        for (index, name) in sockets.prefix(ProcessDescriptors.mostSockets).enumerated() {
            let descriptor = ProcessDescriptors.firstSocket + Int32(index)
            _ = Descriptors.closeOnExec(descriptor)
            if let name = name.text { passed.append((name, descriptor)) }
        }
        let path = plan.configuration.sysrqPath
        let services = ChannelServices(
            loop: loop, log: log, programs: programs, worker: worker, activity: activity,
            listenDescriptors: ListenDescriptors(passed), stateDirectory: plan.configuration.stateDirectory,
            recordClock: RecordClock(),
            actions: ActionRunner.Services(
                loop: loop, log: log, programs: programs, sysrq: { [loop] in Sysrq(loop, path: path) },
                capture: { _, all, done in link.dump(all: all, done: done) }))
        services.parent = link
        return services
    }

    /// As the daemon's own watchdog, for this process alone.
    private func startWatchdog(_ plan: Plan) {
        let log = Log(level: .error)
        let names = self.names
        let timeout = plan.configuration.hangTimeout
        let realtime = plan.configuration.realtime
        watchdog = Watchdog(
            activity, names, hangTimeout: timeout.nanoseconds, begin: { Realtime.placeAbove(realtime) }
        ) { call in
            alarm(1)
            let number = Activity.channel(call)
            log.write(
                .error, names.name(number),
                "\(names.plugins(number)): \(Activity.callback(call)?.name ?? "a call") has not returned for"
                    + " \(timeout.text); its process ends")
            abort()
        }
    }

    // MARK: What the daemon says

    private func obey(_ type: String, _ message: JSONValue) {
        guard let channel else { return }
        switch type {
        case "status": tell(channel, message)
        case "stop": stop(UInt32(clamping: message["reason"]?.uint64 ?? UInt64(KCS_REASON_STOP)))
        case "reset": channel.reset()
        case "log":
            func level(_ name: String) -> LogLevel? {
                message[name]?.uint64.flatMap { UInt32(exactly: $0) }.flatMap { LogLevel(rawValue: $0) }
            }
            if let level = level("level") { log.level = level }
            channel.context.adopt(
                LogConfiguration(
                    level: level("own"), repeats: message["repeats"]?.uint64 ?? 20,
                    interval: TimeSpan(nanoseconds: message["interval"]?.uint64 ?? 1_000_000_000)))
        default: break
        }
    }

    private func tell(_ channel: Channel, _ request: JSONValue) {
        var members = [
            JSONMember("id", request["id"] ?? .null), JSONMember("counters", .numbers(channel.context.counters.list)),
        ]
        if let transfers = channel.transferCounters {
            members.append(JSONMember("transfers", .numbers(transfers.list)))
        }
        if request["stats"]?.bool == true {
            members.append(JSONMember("plugins", .array(StatusReport.plugins(channel))))
        }
        link.send("status", members)
    }

    // MARK: Its end

    private func stop(_ reason: UInt32) {
        guard loop.isRunning else { return }
        programs.stop()
        channel?.stop(reason: reason)
        if let channel { tell(channel, [:]) }
        loop.stop()
    }

    /// What is queued for the disk gets there.
    private func finish() {
        _ = worker.finish(within: Self.stopLimit)
        let deadline = Clock.monotonic + Self.stopLimit
        while worker.hasUntoldResults && Clock.monotonic < deadline {
            do throws(SystemError) { try loop.turn(wait: false) } catch { break }
        }
        _ = programs.killAll()
        watchdog?.stop()
    }
}
