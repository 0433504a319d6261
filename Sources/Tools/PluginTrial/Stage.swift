// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: contexts and functions of the plugin, called as kcs_plugin.h says, and memory that stands for the window.
import CKCSPlugin
import CLinux
import Events
import PluginHost
import Schema

/// kcsmuxd's side of a channel for one life of an instance, without device and with a clock of its own. What the plugin does
/// is written down as lines; what the plugin asks for comes when the transcript says so.
final class Stage: HandlerInstance {
    private(set) var lines: [String] = []
    /// The plugin called `fail`, or answered what it may not.
    private(set) var hasFailed = false
    var input = KCS_INPUT_NONE
    var time: UInt64
    let capabilities: UInt32
    private let memory: UnsafeMutableRawBufferPointer?

    // Registers, which work until `stop` has returned.
    var isOpen = false
    private var odr: UInt8?
    private var softBits: UInt8 = 0
    var written: [(value: UInt8, isCommand: Bool)] = []
    var hostReads = true
    private var isTold = false
    private var isOutputWanted = false
    private var isHeld = false

    // Messages.
    private var tokens: UInt64 = 0
    private var owed: UInt64?
    private var answered: UInt64?
    private var answerTime: UInt64 = 0
    private static let patience: UInt64 = 4_000_000_000
    private static let longestReply = 1000

    // Services.
    private var number: UInt32 = 0
    private var timers: [Timer] = []
    private var watches: [Watch] = []
    private var jobs: [Job] = []
    private let posts = Posts()
    var running: (done: RunCallback?, context: UnsafeMutableRawPointer?)?
    var acting: (list: [Action], done: ActionsCallback?, context: UnsafeMutableRawPointer?)?
    var dumping: (done: DumpCallback?, context: UnsafeMutableRawPointer?)?
    let guardian: Guardian

    private struct Timer {
        let number: UInt32
        let context: UnsafeMutableRawPointer?
        let fire: TimerCallback
        var deadline: UInt64 = 0
    }

    private struct Watch {
        let number: UInt32
        let descriptor: Int32
        var events: UInt32
        let context: UnsafeMutableRawPointer?
        let ready: WatchCallback
    }

    private struct Job {
        let context: UnsafeMutableRawPointer?
        let function: PlainCallback
        let done: PlainCallback?
    }

    init(
        plugin: LoadedPlugin, options: Value, capabilities: UInt32, window: UnsafeMutableRawBufferPointer?,
        time: UInt64,
        guardian: Guardian
    ) {
        self.capabilities = capabilities
        self.time = time
        self.guardian = guardian
        memory = window
        super.init(plugin: plugin, options: options)
        // Taken back by `close`, which every stage sees.
        posts.tell = { [self] in tell("misuse: \($0)") }
    }

    func tell(_ line: String) { lines.append("< " + line) }

    func takeLines() -> [String] {
        for line in posts.takeMistakes() { tell("misuse: \(line)") }
        defer { lines = [] }
        return lines
    }

    override func makeReporter() -> MisuseReporter { posts }

    /// A callback of the plugin under the guardian's eyes.
    func calling<Result>(_ callback: StaticString, _ body: () -> Result) -> Result {
        guardian.enter(callback)
        defer { guardian.leave() }
        return body()
    }

    // MARK: The loop

    private var str: UInt8 {
        var bits = softBits
        if odr != nil { bits |= UInt8(KCS_STR_OBF) }
        if let byte = written.first {
            bits |= UInt8(KCS_STR_IBF)
            if byte.isCommand { bits |= UInt8(KCS_STR_CD) }
        }
        return bits
    }

    /// Does what a loop does, until nothing is left to tell.
    func settle() {
        for _ in 0..<100_000 where !hasFailed {
            if !turn() { return }
        }
        if !hasFailed {
            tell("endless: after 100000 turns there is still something to do")
            hasFailed = true
        }
    }

    private func turn() -> Bool {
        if let post = posts.take() {
            calling("post") { post.function(post.context) }
            return true
        }
        if !jobs.isEmpty {
            run(jobs.removeFirst())
            return true
        }
        if hostReads && odr != nil {
            odr = nil
            return true
        }
        if isOutputWanted && odr == nil {
            (isOutputWanted, isHeld) = (false, false)
            calling("output_ready") { tellOutputReady(str: str, now: time) }
            return true
        }
        if input == KCS_INPUT_AUTO && !isHeld, let byte = written.first {
            let status = str
            written.removeFirst()
            calling("data") { deliver(byte.value, str: status, now: time) }
            return true
        }
        if input == KCS_INPUT_MANUAL && !isTold && !written.isEmpty {
            isTold = true
            calling("input_ready") { tellInputReady(str: str, now: time) }
            return true
        }
        return tellWatches(within: 0)
    }

    /// The function of `work` runs on a thread of its own, as in kcsmuxd, and to its end.
    private func run(_ job: Job) {
        let call = Moved(value: (job.function, job.context))
        let thread = calling("work") {
            let thread = Thread.start { call.value.0(call.value.1) }
            thread?.join()
            return thread
        }
        guard thread != nil else { return tell("work: there is no thread for it") }
        if let done = job.done { calling("done of work") { done(job.context) } }
    }

    /// Calls what waits for descriptors that are ready.
    func tellWatches(within milliseconds: Int32) -> Bool {
        guard !watches.isEmpty else { return false }
        var requests = watches.map { watch in
            var events: Int32 = 0
            if watch.events & UInt32(KCS_WATCH_READ) != 0 { events |= POLLIN }
            if watch.events & UInt32(KCS_WATCH_WRITE) != 0 { events |= POLLOUT }
            return pollfd(fd: watch.events == 0 ? -1 : watch.descriptor, events: Int16(events), revents: 0)
        }
        guard CLinux.poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return false }
        for (watch, request) in zip(watches, requests) where request.revents != 0 {
            // One that was closed by a callback before it is told no more.
            guard watches.contains(where: { $0.number == watch.number }), !hasFailed else { continue }
            let found = Int32(request.revents)
            var events: UInt32 = 0
            if found & POLLIN != 0 { events |= UInt32(KCS_WATCH_READ) }
            if found & POLLOUT != 0 { events |= UInt32(KCS_WATCH_WRITE) }
            if found & (POLLERR | POLLHUP | POLLNVAL) != 0 { events |= UInt32(KCS_WATCH_HANGUP) }
            calling("ready of a watch") { watch.ready(watch.context, events, time) }
        }
        return true
    }

    /// Lets time pass: timers fire in their order, and a request whose time is over is answered.
    func pass(_ nanoseconds: UInt64) {
        let end = time + nanoseconds
        while !hasFailed {
            let due = timers.filter { $0.deadline > 0 }.min { $0.deadline < $1.deadline }
            let limit = owed == nil ? UInt64.max : answerTime
            if let due, due.deadline <= end, due.deadline <= limit {
                time = max(time, due.deadline)
                if let place = timers.firstIndex(where: { $0.number == due.number }) { timers[place].deadline = 0 }
                calling("fire of a timer") { due.fire(due.context, time) }
            } else if limit <= end {
                time = max(time, limit)
                owed = nil
                tell("too late: the host CPU gets completion code 0xc3")
            } else {
                break
            }
            settle()
        }
        time = max(time, end)
    }

    /// The instance is gone: nothing comes any more.
    func close() {
        isOpen = false
        timers = []
        watches = []
        jobs = []
        posts.tell = nil
    }

    // MARK: The host CPU

    func hostReadsOnce() {
        if odr == nil { tell("OBF is clear: there is nothing to read") }
        odr = nil
    }

    func request(_ bytes: [UInt8]) {
        tokens += 1
        let token = tokens
        (owed, answerTime) = (token, time + Self.patience)
        let answer = calling("message") { bytes.withUnsafeBytes { offer(token, $0, now: time) } }
        guard owed == token else { return }
        switch answer {
        case KCS_DECLINED:
            owed = nil
            tell("declined")
        case KCS_HANDLED:
            owed = nil
            tell("no reply")
        case KCS_PENDING: tell("pending")
        default:
            owed = nil
            tell("fail: message answered \(answer)")
            hasFailed = true
        }
    }

    func abort() {
        if owed == nil { tell("no request is under way") }
        owed = nil
    }

    // MARK: Host calls

    private func hasRegisters(_ needed: UInt32) -> Bool {
        capabilities & needed == needed && input != KCS_INPUT_MESSAGES && isOpen
    }

    override func readIDR() -> (status: Int32, value: UInt8, str: UInt8) {
        guard input == KCS_INPUT_MANUAL else { return (KCS_E_UNAVAILABLE, 0, 0) }
        guard let byte = written.first else { return (KCS_E_EMPTY, 0, 0) }
        let status = str
        written.removeFirst()
        isTold = false
        return (KCS_OK, byte.value, status)
    }

    override func readSTR() -> Int32 { hasRegisters(UInt32(KCS_CAP_STR)) ? Int32(str) : KCS_E_UNAVAILABLE }

    override func writeODR(_ value: UInt8) -> Int32 {
        guard hasRegisters(UInt32(KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        guard odr == nil else { return KCS_E_BUSY }
        odr = value
        tell("odr \(Words.hex(value))")
        return KCS_OK
    }

    private func set(_ mask: UInt8, _ value: UInt8) -> String {
        softBits = softBits & ~mask | value & mask
        return "str mask \(Words.hex(mask)) value \(Words.hex(value))"
    }

    override func writeSTR(mask: UInt8, _ value: UInt8) -> Int32 {
        guard hasRegisters(UInt32(KCS_CAP_STR)) else { return KCS_E_UNAVAILABLE }
        tell(set(mask, value))
        return KCS_OK
    }

    override func write(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        guard hasRegisters(UInt32(KCS_CAP_STR | KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        guard self.odr == nil else { return KCS_E_BUSY }
        self.odr = odr
        tell("odr \(Words.hex(odr)) \(set(mask, value))")
        return KCS_OK
    }

    override func replace(odr: UInt8, mask: UInt8, _ value: UInt8) -> Int32 {
        guard hasRegisters(UInt32(KCS_CAP_STR | KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        self.odr = odr
        tell("replace \(Words.hex(odr)) \(set(mask, value))")
        return KCS_OK
    }

    override func wantOutput(_ wish: UInt32) -> Int32 {
        guard hasRegisters(UInt32(KCS_CAP_DATA_OUT)) else { return KCS_E_UNAVAILABLE }
        isOutputWanted = wish != UInt32(KCS_OUTPUT_NO)
        isHeld = wish == UInt32(KCS_OUTPUT_HOLD)
        return KCS_OK
    }

    override func reply(_ token: UInt64, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard isStarted, input == KCS_INPUT_MESSAGES else {
            _ = misused(
                isStarted
                    ? "reply() was called by a handler that takes no messages, and refused"
                    : "reply() was called after the channel closed, and refused")
            return KCS_E_UNAVAILABLE
        }
        guard token == owed else {
            if token == answered { return misused("reply() was called a second time for one request, and refused") }
            guard token >= 1 && token <= tokens else {
                return misused("reply() was called with token \(token), which no request has")
            }
            tell("stale reply \(Words.hex(bytes))")
            return KCS_E_STALE
        }
        guard bytes.count <= Self.longestReply else {
            return misused("reply() of \(bytes.count) bytes is longer than \(Self.longestReply), and was refused")
        }
        (owed, answered) = (nil, token)
        tell(bytes.isEmpty ? "no reply" : "reply \(Words.hex(bytes))")
        return KCS_OK
    }

    override func setAttention(_ on: Bool) -> Int32 {
        guard input == KCS_INPUT_MESSAGES, isStarted else { return KCS_E_UNAVAILABLE }
        tell("attention \(on ? "on" : "off")")
        return KCS_OK
    }

    override func now() -> UInt64 { time }

    private func takeNumber() -> UInt32 {
        number += 1
        return number
    }

    override func openTimer(_ context: UnsafeMutableRawPointer?, _ fire: @escaping TimerCallback) -> Int32 {
        guard timers.count < 256 else { return KCS_E_LIMIT }
        timers.append(Timer(number: takeNumber(), context: context, fire: fire))
        return Int32(number)
    }

    override func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 {
        guard let place = timers.firstIndex(where: { $0.number == timer }) else {
            return misused("timer_set() names timer \(timer), which is not open")
        }
        timers[place].deadline = deadline
        return KCS_OK
    }

    override func closeTimer(_ timer: UInt32) -> Int32 {
        guard let place = timers.firstIndex(where: { $0.number == timer }) else {
            return isStarted ? misused("timer_close() names timer \(timer), which is not open") : KCS_E_INVALID
        }
        timers.remove(at: place)
        return KCS_OK
    }

    override func openWatch(
        _ descriptor: Int32, _ events: UInt32, _ context: UnsafeMutableRawPointer?, _ ready: @escaping WatchCallback
    ) -> Int32 {
        guard events & ~3 == 0, cl_fcntl(descriptor, F_GETFD, 0) >= 0 else {
            return misused("watch_open() of descriptor \(descriptor), events \(events): it cannot be watched")
        }
        watches.append(
            Watch(number: takeNumber(), descriptor: descriptor, events: events, context: context, ready: ready))
        return Int32(number)
    }

    override func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 {
        guard events & ~3 == 0, let place = watches.firstIndex(where: { $0.number == watch }) else {
            return misused("watch_set() of watch \(watch), events \(events): there is no such one")
        }
        watches[place].events = events
        return KCS_OK
    }

    override func closeWatch(_ watch: UInt32) -> Int32 {
        guard let place = watches.firstIndex(where: { $0.number == watch }) else {
            return isStarted ? misused("watch_close() names watch \(watch), which is not open") : KCS_E_INVALID
        }
        watches.remove(at: place)
        return KCS_OK
    }

    override func mapWindow() -> UnsafeMutableRawBufferPointer? { memory }

    override func run(
        _ arguments: [String], timeout: UInt64, _ context: UnsafeMutableRawPointer?, _ done: RunCallback?
    ) -> Int32 {
        guard arguments[0].hasPrefix("/") else {
            return misused("run() wants an absolute path, not \"\(arguments[0])\"")
        }
        guard running == nil else { return KCS_E_LIMIT }
        tell("run \(arguments.joined(separator: " "))")
        running = (done, context)
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
        posts.add(context, function)
        return KCS_OK
    }

    override func runActions(
        _ actions: [Action], cause: String, _ context: UnsafeMutableRawPointer?, _ done: ActionsCallback?
    ) -> Int32 {
        guard acting == nil else { return KCS_E_BUSY }
        tell("actions \(cause): \(actions.map { $0.kind.words }.joined(separator: ", "))")
        acting = (actions, done, context)
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
            tell("annotate event \(way): \(text ?? "")")
        } else {
            tell("annotate packet \(way) \(linkType): \(Words.hex(bytes))")
        }
        return KCS_OK
    }

    override func dump(scope: UInt32, _ context: UnsafeMutableRawPointer?, _ done: DumpCallback?) -> Int32 {
        guard scope <= UInt32(KCS_DUMP_ALL) else { return misused("dump() of scope \(scope), which is no KCS_DUMP") }
        guard dumping == nil else { return KCS_E_LIMIT }
        tell("dump \(scope == UInt32(KCS_DUMP_ALL) ? "all" : "channel")")
        dumping = (done, context)
        return KCS_OK
    }

    override func log(level: UInt32, _ text: String) {
        tell("log \(["error", "warning", "notice", "info", "debug"][Int(min(level, 4))]): \(text)")
    }

    override func fail(_ text: String) {
        tell("fail: \(text)")
        hasFailed = true
    }
}

/// Moves what the checker cannot see to be one thread's at a time.
struct Moved<Value>: @unchecked Sendable {
    let value: Value
}
