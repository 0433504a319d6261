// SPDX-License-Identifier: Apache-2.0
//
// The daemon's side of a channel that is served by a process of its own: the same program, executed again with the channel's
// descriptors. What it says is done for the channel; how it ends is the channel's failure.
import CLinux
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

/// A channel's process.
final class ChannelProcess: ProcessLink {
    /// A process that is told to stop is killed after this time.
    private static let stopLimit: UInt64 = 1_000_000_000
    /// A process that is killed is gone after this time, unless a driver holds it.
    private static let killLimit: UInt64 = 100_000_000
    /// What it may ask for at a time.
    private static let mostRequests = 8

    private let channel: Borrowed<Channel>
    private let process: ChildProcess
    private let activity: SharedActivity
    private let hangTimeout: UInt64
    /// What it has counted, as last told.
    private(set) var counters = ChannelCounters()
    private(set) var transfers: TransferCounters?
    /// Its handlers, as last told.
    private(set) var plugins: [JSONValue] = []
    private(set) var servesMessages = false
    private var failure: String?
    private var isOver = false
    private var underWay = 0
    private var runsActions: [Int] = []
    private var asked: UInt64 = 0
    private var answered: UInt64 = 0
    private var missed = 0
    private var whenTold: [() -> Void] = []
    private lazy var heartbeat = { [link = Borrowed(self)] in CallTimer { _ in link.object.beat() } }()

    /// Starts a process for a channel, on its open device.
    static func start(_ channel: Channel, _ device: OpenDevice) throws(SystemError) -> ChannelProcess {
        let services = channel.services
        guard let text = services.configuration(channel.name) else {
            throw SystemError(.invalidArgument, "posix_spawn")
        }
        let ends = try UnixSocket.pair()
        let own = FileDescriptor(owning: ends.0)
        let other = FileDescriptor(owning: ends.1)
        let configuration = try MemoryFile.sealed(Array(text.utf8), named: "kcsmux.yaml")
        let activity = try SharedActivity()
        let hasNode = !device.isSimulated(channel.plan.device)
        let recorder = channel.recorder?.descriptor
        let sockets = services.listenDescriptors.all(of: channel.name)
        var passed: [(descriptor: Int32, number: Int32)] = [
            (other.raw, ProcessDescriptors.socket), (configuration.raw, ProcessDescriptors.configuration),
            (activity.file.raw, ProcessDescriptors.activity),
        ]
        if let recorder { passed.append((recorder, ProcessDescriptors.recorder)) }
        if hasNode { passed.append((device.descriptor, ProcessDescriptors.device)) }
        for (index, socket) in sockets.enumerated() {
            passed.append((socket.descriptor, ProcessDescriptors.firstSocket + Int32(index)))
        }
        let process = try spawn(passed, priority: services.programs.descriptorLimit)
        let link = ChannelProcess(channel, process, activity, owning: own)
        link.begin(channel, device, hasRecorder: recorder != nil, hasNode: hasNode, sockets.map { $0.name })
        try services.loop.add(link, descriptor: link.socket.raw, interest: .input)
        return link
    }

    private static func spawn(
        _ passed: [(descriptor: Int32, number: Int32)], priority: UInt64?
    ) throws(SystemError) -> ChildProcess {
        var copies: [Int32] = []
        defer { for copy in copies { Syscalls.close(copy) } }
        var setup = ChildProcess.Setup()
        setup.hasNoInput = true
        setup.hasOwnGroup = true
        setup.environment = CurrentProcess.environment.filter { entry in
            !["NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"].contains { entry.utf8.starts(with: $0.utf8) }
        }
        for (descriptor, number) in passed {
            let copy = try Descriptors.duplicate(descriptor, least: ProcessDescriptors.least).release()
            copies.append(copy)
            setup.descriptors.append((from: copy, to: number))
        }
        switch ChildProcess.start("/proc/self/exe", [Self.argument], setup) {
        case .success(let process): return process
        case .failure(let errno): throw SystemError(errno, "posix_spawn")
        }
    }

    private init(
        _ channel: Channel, _ process: ChildProcess, _ activity: SharedActivity, owning socket: consuming FileDescriptor
    ) {
        self.channel = Borrowed(channel)
        self.process = process
        self.activity = activity
        hangTimeout = channel.services.hangTimeout.nanoseconds
        super.init(owning: socket, channel.loop)
    }

    private func begin(_ channel: Channel, _ device: OpenDevice, hasRecorder: Bool, hasNode: Bool, _ sockets: [String])
    {
        let stale = channel.isFirstServing ? device.stale : []
        send(
            "start",
            [
                JSONMember("version", .unsigned(Self.version)), JSONMember("number", .integer(channel.number)),
                JSONMember("reason", .unsigned(UInt64(channel.startReason))),
                JSONMember("stale", .array(stale.map { .numbers([UInt64($0.value), UInt64($0.str)]) })),
                JSONMember("level", .unsigned(UInt64(channel.services.log.level.rawValue))),
                JSONMember("recorder", .bool(hasRecorder)), JSONMember("device", .bool(hasNode)),
                JSONMember("sockets", .strings(sockets)), JSONMember("files", .array(grants(channel))),
                JSONMember("window", channel.plan.device.window.map { $0.json } ?? .null),
            ])
        loop.set(heartbeat, deadline: Clock.monotonic + Self.startLimit)
    }

    private func grants(_ channel: Channel) -> [JSONValue] {
        let folder = "\(channel.services.stateDirectory)/\(channel.name)"
        // Afterwards the process cannot make it.
        try? Syscalls.makeFolders(folder, mode: 0o700)
        return channel.plan.grants(stateFolder: folder).prefix(250).map { $0.json }
    }

    /// Its number.
    var identifier: Int32 { process.identifier }

    // MARK: What it says

    override func received(_ type: String, _ message: JSONValue) {
        if isOver { return }
        switch type {
        case "running":
            servesMessages = message["messages"]?.bool ?? false
            missed = 0
            loop.set(heartbeat, deadline: Clock.monotonic + hangTimeout)
            channel.object.processRuns()
        case "failed": if failure == nil { failure = message["text"]?.text ?? "it failed" }
        case "status": noteStatus(message)
        case "actions": runActions(message)
        case "dump":
            guard underWay < Self.mostRequests, let id = message["id"] else { return }
            underWay += 1
            let channel = self.channel.object
            channel.services.actions.capture(channel.name, message["all"]?.bool ?? false) { [self] failure in
                underWay -= 1
                send("done", [JSONMember("id", id), JSONMember("failure", .optional(failure))])
            }
        default: break
        }
    }

    private func noteStatus(_ message: JSONValue) {
        answered = max(answered, message["id"]?.uint64 ?? 0)
        if let list = message["counters"]?.numbers { counters = ChannelCounters(list) }
        transfers = message["transfers"]?.numbers.map { TransferCounters($0) }
        if let list = message["plugins"]?.elements { plugins = Array(list.prefix(16)) }
        guard answered >= asked else { return }
        missed = 0
        let told = whenTold
        whenTold = []
        for call in told { call() }
    }

    /// One list of each handler at a time, as of a handler in the daemon's own process.
    private func runActions(_ message: JSONValue) {
        let channel = self.channel.object
        guard let id = message["id"], let handler = message["handler"]?.int64.map({ Int(clamping: $0) }),
            let list = message["list"]?.int64.map({ Int(clamping: $0) }), !runsActions.contains(handler)
        else { return }
        let handlers = channel.plan.handlers
        let lists = handlers.indices.contains(handler) ? handlers[handler].options.actionLists : []
        guard lists.indices.contains(list) else {
            return channel.log.write(
                .error, channel.name, "its process asked for actions that its options do not hold; refused")
        }
        runsActions.append(handler)
        let runner = ActionRunner(
            lists[list], channel: channel.name, plugin: handlers[handler].plugin.name,
            cause: message["cause"]?.text, channel.services.actions
        ) { [self] outcomes in
            runsActions.removeAll { $0 == handler }
            let told = outcomes.map { outcome -> JSONValue in
                .array([.string(outcome.action), .unsigned(UInt64(outcome.result.rawValue)), .string(outcome.detail)])
            }
            send("done", [JSONMember("id", id), JSONMember("outcomes", .array(told))])
        }
        runner.start()
    }

    // MARK: What it is asked

    /// Asks for its figures; `told` is called once, when they are there or will not come.
    func ask(_ told: @escaping () -> Void) {
        whenTold.append(told)
        ask(withStatistics: true)
        loop.set(heartbeat, deadline: Clock.monotonic + min(hangTimeout, 500_000_000))
    }

    private func ask(withStatistics: Bool) {
        asked &+= 1
        send("status", [JSONMember("id", .unsigned(asked)), JSONMember("stats", .bool(withStatistics))])
    }

    /// A process that neither answers nor serves: what watches over handlers there is lost with it.
    private func beat() {
        take(64)
        if isOver { return }
        let told = whenTold
        whenTold = []
        for call in told { call() }
        if asked > answered { missed += 1 } else { missed = 0 }
        guard missed < 3 else {
            failure = failure ?? "its process does not answer"
            return process.send(SIGKILL, group: true)
        }
        ask(withStatistics: false)
        loop.set(heartbeat, deadline: Clock.monotonic + hangTimeout)
    }

    // MARK: Its end

    override func ended() { loop.remove(self) }

    /// To be called on SIGCHLD: if it has ended, that is the channel's failure.
    func reap() {
        guard !isOver, process.hasEnded else { return }
        let call = activity.call
        // What it said last is heard.
        while take(64) {}
        leave()
        var text = "its process ended"
        if case .success(let ending) = collect() {
            switch ending {
            case .exited(let status): text = "its process ended with exit status \(status)"
            case .signalled(let signal):
                text = "its process was ended by signal \(signal) (\(Signals.name(signal)))"
            }
        }
        if let callback = Activity.callback(call) {
            let names = channel.object.plan.handlers.map { "plugin \($0.plugin.name)" }.joined(separator: ", ")
            text = "\(names): \(text) in \(callback.name)"
        }
        channel.object.processEnded(failure ?? text, isCrash: failure == nil)
    }

    /// Ends it: as asked, with that reason for its handlers, or at once.
    func end(reason: UInt32?) {
        guard !isOver else { return }
        if let reason, send("stop", [JSONMember("reason", .unsigned(UInt64(reason)))]) {
            _ = process.hasEnded(by: Clock.monotonic + Self.stopLimit)
            while take(64) {}
        }
        leave()
        process.send(SIGKILL, group: true)
        if process.hasEnded(by: Clock.monotonic + Self.killLimit) {
            _ = collect()
        } else {
            channel.object.log.write(
                .error, channel.object.name, "its process \(identifier) does not end: a driver holds it")
        }
    }

    /// What it left behind in its group goes with it, while the number is still its own.
    private func collect() -> Result<ChildProcess.Ending, Errno> {
        process.send(SIGKILL, group: true)
        return process.wait()
    }

    private func leave() {
        isOver = true
        loop.cancel(heartbeat)
        loop.remove(self)
        let told = whenTold
        whenTold = []
        for call in told { call() }
    }
}
