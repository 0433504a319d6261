// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import IPMIController
import LinuxIO
import NumberFiles
import PluginKit

/// Drives a `ManagementController` with what kcsmuxd offers: messages in, effects out. It has no protocol of its own.
public final class IPMIHandler: Handler {
    private let setup: Setup
    private var files: InstanceFiles?
    private var controller: ManagementController?
    private var fruPaths: [String] = []
    // Names the boot of the BMC in which this is.
    private var boot: [UInt8] = []
    private var timer: HandlerTimer?
    private var sensors: NumberReaders?
    // Journals that are left alone: somebody else's, or not to be read.
    private var refused = Loader.Refused()
    private var damagedRecords = 0
    // Any response fits: 3 bytes of header and 255 of data.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 260, alignment: 8)
    // Requests that came while the files were being read.
    private var early: [(token: UInt64, bytes: [UInt8])] = []
    private static let mostEarly = 16
    private var actionsWaiting: [(action: PlatformAction, detail: String)] = []
    private static let mostActions = 16
    private var actionsRunning = false
    private var draining = false
    private var messages: UInt64 = 0
    private var stores: UInt64 = 0
    private var storeFailures: UInt64 = 0

    /// An instance with checked options.
    public init(host: Host, options: OptionValue) throws(HandlerError) {
        var problem: String?
        setup = Setup(options, OptionProblems { _, text in problem = problem ?? text })
        super.init(host: host)
        if let problem { throw HandlerError(problem) }
    }

    deinit { buffer.deallocate() }

    public override func start(_ info: StartInfo) throws(HandlerError) -> Input {
        guard info.capabilities.contains(.messages) else {
            throw HandlerError("ipmi-lite needs a device that carries KCS transfers")
        }
        let files = InstanceFiles(setup, folder: info.stateFolder)
        self.files = files
        timer = host.timer(for: self) { handler, _ in handler.tick() }
        guard timer != nil else { throw HandlerError("no timer is left for ipmi-lite") }
        let loader = Loader(setup, files)
        let status = host.work(for: self) {
            loader.load()
        } done: { handler, _ in
            handler.loaded(loader)
        }
        guard status == .ok else {
            throw HandlerError("the worker's queue is full, the files of ipmi-lite cannot be read")
        }
        return .messages
    }

    private func loaded(_ loader: Loader) {
        for problem in loader.problems { host.log(.warning, problem) }
        let now = host.now
        let controller = ManagementController(setup.configuration)
        refused = loader.refused
        damagedRecords = loader.damagedRecords
        startReaders()
        fruPaths = loader.fruPaths
        boot = loader.boot
        controller.load(.sel, loader.sel, clean: loader.clean)
        controller.load(.settings, loader.settings, clean: loader.clean)
        if !loader.state.isEmpty, !controller.restore(loader.state, now: now) {
            host.log(.warning, "the state of the instance before is damaged and is dropped")
        }
        self.controller = controller
        controller.start(now: now, wall: Clock.real)
        drain(controller)
        let waiting = early
        early = []
        for (token, bytes) in waiting {
            let disposition = bytes.withUnsafeBytes { message(token, $0, now: now) }
            guard disposition == .declined, bytes.count >= 2 else { continue }
            // Too late to decline: the answer that the channel would have given.
            let answer = [bytes[0] | 0x04, bytes[1], CompletionCode.invalidCommand.rawValue]
            answer.withUnsafeBytes { _ = host.reply(token, $0) }
        }
    }

    private func startReaders() {
        let (host, poster) = (host, host.poster(for: self))
        sensors = NumberReaders(setup.sensorFiles) {
            host.log(.warning, $0)
        } start: {
            NumberReader.start($0) { sensor, value in
                poster.post { handler in
                    handler.sensors?.ended(sensor, value, now: handler.host.now)
                    handler.sensorRead(sensor, value)
                }
            }
        }
    }

    public override func stop(_ reason: Reason) {
        sensors?.stop()
        sensors = nil
        guard let controller, let path = files?.snapshot else { return }
        // What is stored now is on storage before the instance that follows reads it: one worker does both, in order.
        let bytes = [controller.isStoring ? 0 : 1] + boot + controller.snapshot(now: host.now)
        let status = host.work(for: self) {
            StoreFile.apply(.replace(bytes: bytes), to: path)
        } done: { _, _ in
        }
        if status != .ok {
            host.log(.warning, "the worker's queue is full: what is not stored, the watchdog too, begins anew")
        }
        self.controller = nil
        timer = nil
    }

    public override func message(
        _ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64
    ) -> PluginKit.Disposition {
        guard let controller else {
            guard early.count < IPMIHandler.mostEarly else { return .declined }
            early.append((token, [UInt8](bytes)))
            return .pending
        }
        messages &+= 1
        switch controller.message(token, bytes, into: buffer, now: now) {
        case .reply(let count):
            host.reply(token, UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            if controller.hasEffects { drain(controller) }
            return .handled
        case .pending:
            drain(controller)
            return .pending
        case .declined: return .declined
        }
    }

    public override func reset(now: UInt64) {
        guard let controller else { return }
        controller.hostReset()
        drain(controller)
    }

    public override func stats(_ stats: Stats) {
        stats.count("messages", messages)
        stats.count("stores", stores)
        stats.count("store_failures", storeFailures)
        guard let controller else { return }
        let figures = controller.figures(now: host.now)
        stats.gauge("sel_records", UInt64(figures.records))
        stats.gauge("sel_capacity", UInt64(figures.capacity))
        stats.gauge("records_damaged", UInt64(damagedRecords))
        stats.count("events_lost", UInt64(figures.lost))
        stats.count("writes_refused", UInt64(figures.refused))
        stats.count("watchdog_expiries", UInt64(figures.watchdogExpiries))
        if let left = figures.watchdogMilliseconds { stats.gauge("watchdog_ms", left, unit: "milliseconds") }
    }

    private func tick() {
        guard let controller else { return }
        for sensor in sensors?.tick(now: host.now) ?? [] { sensorRead(sensor, nil) }
        controller.tick(now: host.now, wall: Clock.real)
        drain(controller)
    }

    // MARK: Effects

    private func drain(_ controller: ManagementController) {
        // An effect that fails at once calls back into the controller; the loop under way takes what that adds.
        guard !draining else { return }
        draining = true
        while let effect = controller.nextEffect() { perform(effect, controller) }
        draining = false
    }

    private func perform(_ effect: Effect, _ controller: ManagementController) {
        switch effect {
        case .reply(let token, let message):
            let status = message.withUnsafeBytes { host.reply(token, $0) }
            if status == .stale { controller.undelivered(token) }
        case .store(let job): store(job, controller)
        case .run(let action, let detail): run(action, detail)
        case .attention(let on): host.setAttention(on)
        case .readSensor(let index):
            if sensors?.read(index) != true { controller.sensorRead(index, nil, now: host.now) }
        case .wake(let at): timer?.set(at)
        case .log(let level, let text): host.log(PluginKit.LogLevel(rawValue: level.rawValue) ?? .debug, text)
        }
    }

    private func say(_ level: PluginKit.LogLevel, _ sentence: Sentence) { host.log(level, sentence.text) }

    private func store(_ job: StoreJob, _ controller: ManagementController) {
        let path = path(of: job.store)
        stores &+= 1
        guard !refused.has(job.store) else { return stored(job, .failed) }
        let status = host.work(for: self) {
            StoreFile.apply(job.change, to: path)
        } done: { handler, result in
            handler.stored(job, result)
        }
        if status != .ok { stored(job, .failed) }
    }

    private func stored(_ job: StoreJob, _ result: StoreResult) {
        guard let controller else { return }
        if result != .stored {
            storeFailures &+= 1
            let reason = result == .full ? "there is no space" : "the file cannot be written"
            say(.error, "\(path(of: job.store)): \(reason), the change was refused")
        }
        controller.finished(job.id, result, now: host.now)
        drain(controller)
    }

    private func path(of store: Store) -> String {
        switch store {
        case .sel: files?.sel ?? ""
        case .settings: files?.settings ?? ""
        case .fru(let index): fruPaths[index]
        }
    }

    private func sensorRead(_ index: Int, _ value: Int64?) {
        guard let controller else { return }
        controller.sensorRead(index, value, now: host.now)
        drain(controller)
    }

    // MARK: Actions

    /// kcsmuxd runs one list of an instance's actions at a time: the others wait here.
    private func run(_ action: PlatformAction, _ detail: String) {
        guard actionsWaiting.count < IPMIHandler.mostActions else {
            say(.error, "\(action.name): too many actions are waiting, it is dropped")
            return
        }
        actionsWaiting.append((action, detail))
        runNext()
    }

    private func runNext() {
        guard !actionsRunning, !actionsWaiting.isEmpty else { return }
        let (action, detail) = actionsWaiting.removeFirst()
        guard let list = setup.actions[Int(action.rawValue)] else { return runNext() }
        actionsRunning = true
        let status = host.runActions(list, cause: "ipmi: " + action.name + detail, for: self) { handler, results in
            handler.ended(action, results.allSatisfy { $0.outcome == .ok })
        }
        if status != .ok { ended(action, false) }
    }

    private func ended(_ action: PlatformAction, _ succeeded: Bool) {
        actionsRunning = false
        controller?.actionEnded(action, succeeded: succeeded)
        if let controller { drain(controller) }
        runNext()
    }
}
