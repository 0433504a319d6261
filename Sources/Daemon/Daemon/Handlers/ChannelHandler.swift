// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux
import Capture
import Common
import DaemonConfiguration
import Events
import LinuxIO
import PluginHost
import Schema

/// One handler of a channel: the host calls of the plugin ABI, served by its channel's service and by the daemon.
final class ChannelHandler: HandlerInstance {
    /// What serves its registers or messages.
    enum Service {
        /// Nothing: it takes no input, or has left its channel.
        case none
        case bytes(ByteService)
        case messages(MessageService)
    }

    let context: ChannelContext
    /// Its position among the channel's handlers.
    let index: Int
    /// The kind of input that it chose at start (`KCS_INPUT_*`).
    var input = KCS_INPUT_NONE
    /// Its hosts look for IDLE before they begin.
    var wantsIdle = false
    var service = Service.none
    /// Memory shared with the host CPU, and what keeps it mapped, for work that outlives the channel's device too.
    private let window: (memory: UnsafeMutableRawBufferPointer, owner: AnyObject)?

    private lazy var timers = HandlerTimers(self, services.loop)
    private var workUnderWay = 0
    private var isRunningActions = false
    private(set) var isGone = false
    private lazy var lines = HandlerLines(context, plugin: plugin.name)
    private let lists: [[Action]]

    init(
        _ plan: HandlerPlan, index: Int, _ context: ChannelContext,
        window: (memory: UnsafeMutableRawBufferPointer, owner: AnyObject)?
    ) {
        self.index = index
        self.context = context
        self.window = window
        lists = context.services.parent == nil ? [] : plan.options.actionLists
        super.init(plugin: plan.plugin, options: plan.options)
    }

    private var services: ChannelServices { context.services }

    /// Calls into the plugin, with the watchdog told.
    func calling<Result>(_ callback: Callback, _ body: () -> Result) -> Result {
        context.enter(callback)
        defer { context.leave(callback, plugin: plugin.name) }
        return body()
    }

    /// Takes the handler off the channel: stopped, its resources closed, and destroyed as soon as no work of it runs.
    func leave(reason: UInt32) {
        calling(.stop) { stop(reason: reason) }
        timers.close()
        service = .none
        isGone = true
        lines.close()
        if workUnderWay == 0 { calling(.destroy) { destroy() } }
    }

    override func makeReporter() -> MisuseReporter {
        MisuseLines(services, channel: context.name, plugin: plugin.name)
    }

    // MARK: Registers

    private var bytes: ByteService? { if case .bytes(let service) = service { service } else { nil } }

    override func readIDR() -> (status: Int32, value: UInt8, str: UInt8) {
        bytes?.readIDR() ?? (KCS_E_UNAVAILABLE, 0, 0)
    }

    override func readSTR() -> Int32 { bytes?.readSTR() ?? KCS_E_UNAVAILABLE }
    override func writeODR(_ value: UInt8) -> Int32 { bytes?.writeODR(value) ?? KCS_E_UNAVAILABLE }

    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        bytes?.writeSTR(mask: mask, value) ?? KCS_E_UNAVAILABLE
    }

    override func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        bytes?.write(odr: odr, mask: mask, value) ?? KCS_E_UNAVAILABLE
    }

    override func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        bytes?.replace(odr: odr, mask: mask, value) ?? KCS_E_UNAVAILABLE
    }

    override func wantOutput(_ wish: UInt32) -> Int32 { bytes?.wantOutput(wish) ?? KCS_E_UNAVAILABLE }

    // MARK: Messages

    override func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        if case .messages(let service) = service { return service.reply(self, token, bytes) }
        return withoutMessages("reply")
    }

    override func pass(_ token: UInt64, _ code: UInt8) -> Int32 {
        if case .messages(let service) = service { return service.pass(self, token, code) }
        return withoutMessages("pass")
    }

    override func abortTransfer() -> Int32 {
        if case .messages(let service) = service { return service.abort(self) }
        return withoutMessages("abort")
    }

    private func withoutMessages(_ call: StaticString) -> Int32 {
        _ = misused(
            input == KCS_INPUT_MESSAGES
                ? "\(call)() was called after the channel closed, and refused"
                : "\(call)() was called by a handler that takes no messages, and refused")
        return KCS_E_UNAVAILABLE
    }

    override func setAttention(_ on: Bool) -> Int32 {
        switch service {
        case .messages(let service): return service.setAttention(self, on)
        case .none: return input == KCS_INPUT_NONE ? wishAttention(on) : KCS_OK
        case .bytes: return input == KCS_INPUT_NONE ? wishAttention(on) : KCS_E_UNAVAILABLE
        }
    }

    /// Its wish for SMS_ATN from before there was a service of messages.
    private(set) var earlyAttention = false
    private func wishAttention(_ on: Bool) -> Int32 {
        earlyAttention = on
        return KCS_OK
    }

    // MARK: Services

    override func annotate(
        kind: UInt32, direction: UInt32, linkType: UInt32, _ bytes: UnsafeRawBufferPointer, text: String?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard kind <= UInt32(KCS_ANNOTATE_PACKET), direction <= UInt32(KCS_DIRECTION_OUT), linkType <= 0xFFFF else {
            return misused("annotate() of kind \(kind), direction \(direction), link type \(linkType)")
        }
        let way: Direction = direction == 0 ? .none : direction == 1 ? .fromHost : .toHost
        // What goes out was made in this turn: its time is not that of what came in.
        context.recorder?.annotation(
            kind: UInt16(kind), way, link: LinkType(rawValue: UInt16(linkType)), bytes, text: text ?? "",
            at: way == .toHost ? Clock.boot : context.recordTime)
        return KCS_OK
    }

    override func now() -> UInt64 { Clock.monotonic }

    override func openTimer(_ pointer: UnsafeMutableRawPointer?, _ fire: @escaping TimerCallback) -> Int32 {
        timers.openTimer(pointer, fire)
    }
    override func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 { timers.setTimer(timer, deadline) }
    override func closeTimer(_ timer: UInt32) -> Int32 { timers.closeTimer(timer) }

    override func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ pointer: UnsafeMutableRawPointer?, _ ready: @escaping WatchCallback
    ) -> Int32 { timers.openWatch(descriptor, events, pointer, ready) }
    override func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 { timers.setWatch(watch, events) }
    override func closeWatch(_ watch: UInt32) -> Int32 { timers.closeWatch(watch) }

    override func socket(_ socket: String) -> Int32 {
        services.listenDescriptors.descriptor(named: "\(context.name).\(socket)") ?? KCS_E_UNAVAILABLE
    }

    override func mapWindow() -> UnsafeMutableRawBufferPointer? { isGone ? nil : window?.memory }

    override func run(
        _ arguments: [String], timeout: UInt64, _ pointer: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard arguments[0].utf8.first == UInt8(ascii: "/") else {
            return misused("run() wants an absolute path, not \"\(arguments[0])\"")
        }
        let forWhom = Programs.Context(channel: self.context.name, plugin: plugin.name)
        services.programs.run(arguments, timeout: timeout, forWhom) { [self] ending in
            guard let done, !isGone else { return }
            calling(.result) {
                switch ending {
                case .exited(let status): done(pointer, status == 0 ? 0 : 1, status)
                case .signalled(let signal): done(pointer, 1, -signal)
                case .timedOut: done(pointer, 2, -SIGKILL)
                case .notStarted(let errno): done(pointer, 1, 128 &+ errno.rawValue)
                }
            }
        }
        return KCS_OK
    }

    override func work(
        _ pointer: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback, _ done: PlainCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        let argument = SendablePointer(pointer)
        let isQueued = services.worker.submit({ function(argument.pointer) }) { [self] in
            workUnderWay -= 1
            if isGone {
                if workUnderWay == 0 { destroy() }
            } else if let done {
                calling(.result) { done(pointer) }
            }
        }
        guard isQueued else { return KCS_E_LIMIT }
        workUnderWay += 1
        return KCS_OK
    }

    override func post(_ pointer: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback) -> Int32 {
        services.loop.mailbox.post { [self] in
            guard !isGone else { return }
            calling(.post) { function(pointer) }
        }
        return KCS_OK
    }

    override func runActions(
        _ actions: [Action], cause: String, _ pointer: UnsafeMutableRawPointer?, _ done: ActionsCallback?
    ) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard !isRunningActions else { return KCS_E_BUSY }
        isRunningActions = true
        let told: ([ActionRunner.Outcome]) -> Void = { [self] outcomes in
            isRunningActions = false
            let summary = outcomes.map { $0.text }.joined(separator: "; ")
            let line = cause.lines.first ?? ""
            services.log.write(
                .notice, context.name, "\(line): \(summary.isEmpty ? "no actions" : summary)",
                JournalFields(event: .actionsRan, plugin: plugin.name, trigger: line))
            if let done, !isGone { calling(.result) { ActionResults.tell(outcomes, pointer, done) } }
        }
        guard let parent = services.parent else {
            ActionRunner(
                actions, channel: context.name, plugin: plugin.name, cause: cause, services.actions, done: told
            ).start()
            return KCS_OK
        }
        // The daemon has the same options.
        guard let list = lists.firstIndex(of: actions), parent.run(list, of: index, cause: cause, done: told) else {
            isRunningActions = false
            return KCS_E_UNAVAILABLE
        }
        return KCS_OK
    }

    override func dump(scope: UInt32, _ pointer: UnsafeMutableRawPointer?, _ done: DumpCallback?) -> Int32 {
        guard !isGone else { return KCS_E_UNAVAILABLE }
        guard scope <= UInt32(KCS_DUMP_ALL) else { return misused("dump() of scope \(scope), which is no KCS_DUMP") }
        services.actions.capture(context.name, scope == UInt32(KCS_DUMP_ALL)) { [self] failure in
            guard let done, !isGone else { return }
            calling(.result) { done(pointer, failure == nil ? 0 : 1) }
        }
        return KCS_OK
    }

    override func log(level: UInt32, _ text: String) {
        let level = LogLevel(rawValue: min(level, LogLevel.debug.rawValue)) ?? .debug
        lines.write(level, text)
    }

    override func fail(_ text: String) { if !isGone { context.fail("plugin \(plugin.name): \(text)") } }
}

/// A context pointer on its way to the worker's thread and back: the ABI gives it to that thread on purpose.
private struct SendablePointer: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
    init(_ pointer: UnsafeMutableRawPointer?) { self.pointer = pointer }
}
