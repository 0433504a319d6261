// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: contexts and functions of the plugin, called as kcs_plugin.h says, and memory that stands for the window.
import CKCSPlugin
import CLinux
import Common
import Events
import LinuxIO
import PluginHost
import Schema

/// kcsmuxd's side of a channel for one life of an instance, without device and with a clock of its own. What the plugin does
/// is written down as lines; what the plugin asks for comes when the transcript says so.
final class TrialHost: HandlerInstance {
    /// The plugin called `fail`, or answered what it may not.
    private(set) var hasFailed = false
    /// In nanoseconds.
    private(set) var time: UInt64
    var registers: TrialRegisters
    let record: TrialRecord
    private let monitor: CallMonitor
    private let memory: UnsafeMutableRawBufferPointer?
    private let posts: PostQueue

    private var requests = TrialRequests()
    private var timers = TrialTimers()
    private var watches = TrialWatches()
    private var jobs: [Job] = []
    private var lastHandle: UInt32 = 0
    private var program: (done: RunCallback?, context: UnsafeMutableRawPointer?)?
    private var actions: (list: [Action], done: ActionsCallback?, context: UnsafeMutableRawPointer?)?
    private var dump: (done: DumpCallback?, context: UnsafeMutableRawPointer?)?

    private struct Job {
        let context: UnsafeMutableRawPointer?
        let function: PlainCallback
        let done: PlainCallback?
    }

    init(
        plugin: LoadedPlugin, options: Value, capabilities: UInt32, window: UnsafeMutableRawBufferPointer?,
        time: UInt64, record: TrialRecord, monitor: CallMonitor
    ) {
        self.time = time
        self.record = record
        self.monitor = monitor
        registers = TrialRegisters(capabilities: capabilities, record)
        memory = window
        posts = PostQueue(record)
        super.init(plugin: plugin, options: options)
    }

    override func makeReporter() -> MisuseReporter { posts }

    /// Makes a call of the plugin's `callback`.
    func call<Result>(_ callback: StaticString, _ body: () -> Result) -> Result { monitor.call(callback, body) }

    /// What the plugin did since this was last asked for.
    func takeLines() -> [String] {
        posts.recordMistakes()
        return record.take()
    }

    // MARK: The loop

    /// Does what a loop does, until nothing is left to do.
    func runUntilIdle() {
        for _ in 0..<100_000 where !hasFailed {
            if !runOnce() { return }
        }
        if !hasFailed {
            record.add("endless: after 100000 turns there is still something to do")
            hasFailed = true
        }
    }

    private func runOnce() -> Bool {
        if let post = posts.take() {
            call("post") { post.function(post.context) }
            return true
        }
        if !jobs.isEmpty {
            run(jobs.removeFirst())
            return true
        }
        guard let event = registers.nextEvent() else { return dispatchWatches(within: 0) }
        switch event {
        case .odrRead: break
        case .outputReady(let str): call("output_ready") { tellOutputReady(str: str, now: time) }
        case .data(let value, let str): call("data") { deliver(value, str: str, now: time) }
        case .inputReady(let str): call("input_ready") { tellInputReady(str: str, now: time) }
        }
        return true
    }

    /// The function of `work` runs on a thread of its own, as in kcsmuxd, and to its end.
    private func run(_ job: Job) {
        nonisolated(unsafe) let (function, context) = (job.function, job.context)
        let thread = call("work") {
            let thread = Thread.start { function(context) }
            thread?.join()
            return thread
        }
        guard thread != nil else { return record.add("work: there is no thread for it") }
        if let done = job.done { call("done of work") { done(job.context) } }
    }

    /// Calls what waits for descriptors that are ready within `milliseconds`. False: none is.
    func dispatchWatches(within milliseconds: Int32) -> Bool {
        let ready = watches.ready(within: milliseconds)
        for (watch, events) in ready where !hasFailed {
            // An earlier callback may have closed it.
            guard watches.isOpen(watch.handle) else { continue }
            call("ready of a watch") { watch.ready(watch.context, events, time) }
        }
        return !ready.isEmpty
    }

    /// Lets time pass: timers fire in their order, and a request whose time is over is answered.
    func advance(by nanoseconds: UInt64) {
        let end = time + nanoseconds
        while !hasFailed {
            let limit = requests.pending == nil ? UInt64.max : requests.deadline
            if let timer = timers.takeDue(by: min(end, limit)) {
                time = max(time, timer.deadline)
                call("fire of a timer") { timer.fire(timer.context, time) }
            } else if limit <= end {
                time = max(time, limit)
                requests.end()
                record.add("too late: the host CPU gets completion code 0xc3")
            } else {
                break
            }
            runUntilIdle()
        }
        time = max(time, end)
    }

    /// The instance is gone: nothing comes any more.
    func close() {
        registers.isOpen = false
        timers.closeAll()
        watches.closeAll()
        jobs = []
    }

    // MARK: The transcript's part

    /// The host CPU sends a request.
    func request(_ bytes: [UInt8]) {
        let token = requests.begin(now: time)
        let answer = call("message") { GuardedBytes.with(bytes) { offer(token, $0, now: time) } }
        guard requests.pending == token else { return }
        switch answer {
        case KCS_DECLINED: record.add("declined")
        case KCS_HANDLED: record.add("no reply")
        case KCS_PENDING: return record.add("pending")
        default: fail("message answered \(answer)")
        }
        requests.end()
    }

    /// The host CPU gives its request up.
    func abort() {
        if requests.pending == nil { record.add("no request is under way") }
        requests.end()
    }

    /// The program that the plugin runs has ended. `outcome` is one of `KCS_RUN_*`.
    func endProgram(outcome: UInt32, code: Int32) {
        guard let program else { return record.add("no program runs") }
        self.program = nil
        call("done of run") { program.done?(program.context, outcome, code) }
    }

    /// The capture that the plugin asked for is written, or not.
    func endDump(outcome: UInt32) {
        guard let dump else { return record.add("no capture is being written") }
        self.dump = nil
        call("done of dump") { dump.done?(dump.context, outcome) }
    }

    /// The actions that the plugin runs have ended. Those beyond the end of `outcomes` are done.
    func endActions(outcomes: [UInt32]) {
        guard let actions else { return record.add("no actions run") }
        self.actions = nil
        guard let done = actions.done else { return }
        ActionResults.with(actions.list, outcomes) { results, count in
            call("done of actions_run") { done(actions.context, results, count) }
        }
    }

    // MARK: Host calls

    override func readIDR() -> (status: Int32, value: UInt8, str: UInt8) { registers.readIDR() }

    override func readSTR() -> Int32 { registers.readSTR() }

    override func writeODR(_ value: UInt8) -> Int32 { registers.writeODR(value) }

    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 { registers.writeSTR(mask: mask, value) }

    override func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        registers.write(odr: odr, mask: mask, value)
    }

    override func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        registers.replace(odr: odr, mask: mask, value)
    }

    override func wantOutput(_ wish: UInt32) -> Int32 { registers.wantOutput(wish) }

    override func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard isStarted, registers.input == KCS_INPUT_MESSAGES else {
            _ = misused(
                isStarted
                    ? "reply() was called by a handler that takes no messages, and refused"
                    : "reply() was called after the channel closed, and refused")
            return KCS_E_UNAVAILABLE
        }
        switch requests.reply(token, length: bytes.count) {
        case .accepted:
            record.add(bytes.isEmpty ? "no reply" : "reply \(Hex.numbers(bytes))")
            return KCS_OK
        case .stale:
            record.add("stale reply \(Hex.numbers(bytes))")
            return KCS_E_STALE
        case .misuse(let text): return misused(text)
        }
    }

    override func pass(_ token: UInt64, _ code: UInt8) -> Int32 {
        guard isStarted, registers.input == KCS_INPUT_MESSAGES else { return KCS_E_UNAVAILABLE }
        // There is no handler behind it: the host CPU gets the code.
        switch requests.reply(token, length: 3) {
        case .accepted:
            record.add("pass \(Hex.number(code))")
            return KCS_OK
        case .stale:
            record.add("stale pass \(Hex.number(code))")
            return KCS_E_STALE
        case .misuse(let text): return misused(text)
        }
    }

    override func abortTransfer() -> Int32 {
        guard isStarted, registers.input == KCS_INPUT_MESSAGES else { return KCS_E_UNAVAILABLE }
        requests.end()
        record.add("abort")
        return KCS_OK
    }

    override func setAttention(_ on: Bool) -> Int32 {
        guard registers.input == KCS_INPUT_MESSAGES, isStarted else { return KCS_E_UNAVAILABLE }
        record.add("attention \(on ? "on" : "off")")
        return KCS_OK
    }

    override func now() -> UInt64 { time }

    private func newHandle() -> UInt32 {
        lastHandle += 1
        return lastHandle
    }

    override func openTimer(_ context: UnsafeMutableRawPointer?, _ fire: @escaping TimerCallback) -> Int32 {
        let timer = TrialTimers.Timer(handle: newHandle(), context: context, fire: fire)
        return timers.open(timer) ? Int32(timer.handle) : KCS_E_LIMIT
    }

    override func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 {
        timers.set(timer, deadline) ? KCS_OK : misused("timer_set() names timer \(timer), which is not open")
    }

    override func closeTimer(_ timer: UInt32) -> Int32 {
        if timers.close(timer) { return KCS_OK }
        return isStarted ? misused("timer_close() names timer \(timer), which is not open") : KCS_E_INVALID
    }

    override func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ context: UnsafeMutableRawPointer?, _ ready: @escaping WatchCallback
    ) -> Int32 {
        guard events & ~3 == 0, Descriptors.isOpen(descriptor) else {
            return misused("watch_open() of descriptor \(descriptor), events \(events): it cannot be watched")
        }
        let handle = newHandle()
        watches.open(.init(handle: handle, descriptor: descriptor, events: events, context: context, ready: ready))
        return Int32(handle)
    }

    override func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 {
        guard events & ~3 == 0, watches.set(watch, events) else {
            return misused("watch_set() of watch \(watch), events \(events): there is no such one")
        }
        return KCS_OK
    }

    override func closeWatch(_ watch: UInt32) -> Int32 {
        if watches.close(watch) { return KCS_OK }
        return isStarted ? misused("watch_close() names watch \(watch), which is not open") : KCS_E_INVALID
    }

    override func mapWindow() -> UnsafeMutableRawBufferPointer? { memory }

    override func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 {
        guard arguments[0].hasPrefix("/") else {
            return misused("run() wants an absolute path, not \"\(arguments[0])\"")
        }
        guard program == nil else { return KCS_E_LIMIT }
        record.add("run \(arguments.joined(separator: " "))")
        program = (done, context)
        return KCS_OK
    }

    override func work(
        _ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback, _ done: PlainCallback?
    ) -> Int32 {
        guard jobs.count < 256 else { return KCS_E_LIMIT }
        jobs.append(Job(context: context, function: function, done: done))
        return KCS_OK
    }

    override func post(_ context: UnsafeMutableRawPointer?, _ function: @escaping PlainCallback) -> Int32 {
        posts.add(.init(context: context, function: function))
        return KCS_OK
    }

    override func runActions(
        _ actions: [Action], cause: String, _ context: UnsafeMutableRawPointer?, _ done: ActionsCallback?
    ) -> Int32 {
        guard self.actions == nil else { return KCS_E_BUSY }
        record.add(
            "actions \(cause.lines.joined(separator: " ")): \(actions.map { $0.kind.words }.joined(separator: ", "))")
        self.actions = (actions, done, context)
        return KCS_OK
    }

    override func annotate(
        kind: UInt32, direction: UInt32, linkType: UInt32, _ bytes: UnsafeRawBufferPointer, text: String?
    ) -> Int32 {
        guard kind <= UInt32(KCS_ANNOTATE_PACKET), direction <= UInt32(KCS_DIRECTION_OUT), linkType <= 0xFFFF else {
            return misused("annotate() of kind \(kind), direction \(direction), link type \(linkType)")
        }
        let way = ["none", "in", "out"][Int(direction)]
        if kind == UInt32(KCS_ANNOTATE_EVENT) {
            record.add("annotate event \(way): \(text ?? "")")
        } else {
            record.add("annotate packet \(way) \(linkType): \(Hex.numbers(bytes))")
        }
        return KCS_OK
    }

    override func dump(scope: UInt32, _ context: UnsafeMutableRawPointer?, _ done: DumpCallback?) -> Int32 {
        guard scope <= UInt32(KCS_DUMP_ALL) else { return misused("dump() of scope \(scope), which is no KCS_DUMP") }
        guard dump == nil else { return KCS_E_LIMIT }
        record.add("dump \(scope == UInt32(KCS_DUMP_ALL) ? "all" : "channel")")
        dump = (done, context)
        return KCS_OK
    }

    override func log(level: UInt32, _ text: String) {
        record.add("log \(["error", "warning", "notice", "info", "debug"][Int(min(level, 4))]): \(text)")
    }

    override func fail(_ text: String) {
        record.add("fail: \(text)")
        hasFailed = true
    }
}
