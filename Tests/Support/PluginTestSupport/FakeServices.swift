// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import CLinux

/// What kcsmuxd does outside of its loop: here, when a test says so.
extension FakeDaemon {
    typealias Context = UnsafeMutableRawPointer?
    typealias PlainCallback = @convention(c) (Context) -> Void
    typealias TimerCallback = @convention(c) (Context, UInt64) -> Void
    typealias WatchCallback = @convention(c) (Context, UInt32, UInt64) -> Void
    typealias RunCallback = @convention(c) (Context, UInt32, Int32) -> Void
    typealias DumpCallback = @convention(c) (Context, UInt32) -> Void
    typealias ActionsCallback =
        @convention(c) (Context, UnsafePointer<UnsafePointer<kcs_action_result>>, UInt64) -> Void

    struct Timer {
        var context: Context
        var fire: TimerCallback
        var deadline: UInt64 = 0
    }

    struct Watch {
        var descriptor: Int32
        var events: UInt32
        var context: Context
        var ready: WatchCallback
    }

    struct Work {
        var context: Context
        var function: PlainCallback
        var done: PlainCallback?
    }

    /// Sendable because only the loop's thread uses what is in it.
    struct Post: @unchecked Sendable {
        var context: Context
        var function: PlainCallback
    }

    struct Actions {
        var context: Context
        var done: ActionsCallback?
    }

    struct ProgramRun {
        var context: Context
        var done: RunCallback?
    }

    struct Dump {
        var context: Context
        var done: DumpCallback?
    }

    // MARK: The test's side

    /// Does what was given to the worker's thread, in order, up to that many of them; the results are told unless the
    /// instance was stopped. Answers how many there were.
    @discardableResult
    public func runWork(_ limit: Int = .max) -> Int {
        var count = 0
        while count < limit, !works.isEmpty {
            let work = works.removeFirst()
            work.function(work.context)
            if !isStopped { calling { work.done?(work.context) } }
            count += 1
        }
        return count
    }

    /// Lets time pass; timers that are due fire in order.
    public func advance(_ nanoseconds: UInt64) {
        let end = now + nanoseconds
        while !isStopped,
            let due = timers.filter({ $0.value.deadline > 0 && $0.value.deadline <= end })
                .min(by: { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) })
        {
            now = max(now, due.value.deadline)
            timers[due.key]!.deadline = 0
            calling { due.value.fire(due.value.context, now) }
        }
        now = end
    }

    /// Ends the actions under way with these outcomes.
    public func finishActions(_ outcomes: [UInt32] = [KCS_OUTCOME_OK]) {
        guard let run = actions else { return misuses.append("no actions are running") }
        actions = nil
        "log".withCString { action in
            let results = outcomes.map {
                kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size), outcome: $0, action: action, detail: action)
            }
            results.withUnsafeBufferPointer { results in
                let pointers = results.indices.map { results.baseAddress! + $0 }
                pointers.withUnsafeBufferPointer { pointers in
                    calling { run.done?(run.context, pointers.baseAddress!, UInt64(pointers.count)) }
                }
            }
        }
    }

    /// Ends the program under way.
    public func finishProgram(_ outcome: UInt32, code: Int32) {
        guard let run = program else { return misuses.append("no program is running") }
        program = nil
        calling { run.done?(run.context, outcome, code) }
    }

    /// Ends the dump under way.
    public func finishDump(_ outcome: UInt32) {
        guard let run = dump else { return misuses.append("no dump is under way") }
        dump = nil
        calling { run.done?(run.context, outcome) }
    }

    // MARK: The loop's side

    /// Waits for a thread of the plugin's to post, and does what the loop does then; false if none has within 10 s.
    public func awaitPost() -> Bool {
        var poll = pollfd(fd: posted, events: Int16(POLLIN), revents: 0)
        guard CLinux.poll(&poll, 1, 10_000) > 0 else { return false }
        var count: UInt64 = 0
        _ = CLinux.read(posted, &count, 8)
        turn()
        return true
    }

    /// The oldest post.
    func runPost() -> Bool {
        guard let post = posts.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
        post.function(post.context)
        return true
    }

    /// Tells of every descriptor that is ready.
    func pollWatches() -> Bool {
        var isBusy = false
        for number in watches.keys.sorted() {
            guard let watch = watches[number] else { continue }
            var poll = pollfd(fd: watch.descriptor, events: 0, revents: 0)
            if watch.events & KCS_WATCH_READ != 0 { poll.events |= Int16(POLLIN) }
            if watch.events & KCS_WATCH_WRITE != 0 { poll.events |= Int16(POLLOUT) }
            guard CLinux.poll(&poll, 1, 0) > 0 else { continue }
            var events: UInt32 = 0
            if poll.revents & Int16(POLLIN) != 0 { events |= KCS_WATCH_READ }
            if poll.revents & Int16(POLLOUT) != 0 { events |= KCS_WATCH_WRITE }
            if poll.revents & Int16(POLLHUP | POLLERR) != 0 { events |= KCS_WATCH_HANGUP }
            isBusy = true
            watch.ready(watch.context, events, now)
        }
        return isBusy
    }

    // MARK: Host calls

    func openTimer(_ context: Context, _ fire: @escaping TimerCallback) -> UInt32 {
        latest += 1
        timers[latest] = Timer(context: context, fire: fire)
        return UInt32(latest)
    }

    func setTimer(_ timer: UInt32, _ deadline: UInt64) -> Int32 {
        guard timers[Int(timer)] != nil else { return misuse("timer_set names timer \(timer), which is not open") }
        timers[Int(timer)]!.deadline = deadline
        return KCS_OK
    }

    func closeTimer(_ timer: UInt32) -> Int32 {
        if timers.removeValue(forKey: Int(timer)) != nil || isStopped { return KCS_OK }
        return misuse("timer_close names timer \(timer), which is not open")
    }

    func openWatch(_ descriptor: Int32, _ events: UInt32, _ context: Context, _ ready: @escaping WatchCallback)
        -> UInt32
    {
        latest += 1
        watches[latest] = Watch(descriptor: descriptor, events: events, context: context, ready: ready)
        return UInt32(latest)
    }

    func setWatch(_ watch: UInt32, _ events: UInt32) -> Int32 {
        guard watches[Int(watch)] != nil else { return misuse("watch_set names watch \(watch), which is not open") }
        watches[Int(watch)]!.events = events
        return KCS_OK
    }

    func closeWatch(_ watch: UInt32) -> Int32 {
        if watches.removeValue(forKey: Int(watch)) != nil || isStopped { return KCS_OK }
        return misuse("watch_close names watch \(watch), which is not open")
    }

    func work(_ work: Work) -> Int32 {
        if let workStatus { return workStatus }
        works.append(work)
        return KCS_OK
    }

    /// From any thread.
    func post(_ post: Post) -> Int32 {
        if let postStatus { return postStatus }
        posts.withLock { $0.append(post) }
        var one: UInt64 = 1
        _ = CLinux.write(posted, &one, 8)
        return KCS_OK
    }

    func run(_ arguments: [String], timeout: UInt64, _ run: ProgramRun) -> Int32 {
        guard program == nil else { return KCS_E_LIMIT }
        programs.append((arguments, timeout))
        program = run
        return KCS_OK
    }

    func runActions(_ list: UnsafePointer<kcs_value>, cause: String, _ run: Actions) -> Int32 {
        if list.pointee.type != KCS_OPTION_ACTIONS { misuses.append("actions_run on another option") }
        if let runStatus { return runStatus }
        guard actions == nil else { return KCS_E_BUSY }
        runs.append(cause)
        actions = run
        return KCS_OK
    }

    private func misuse(_ text: String) -> Int32 {
        misuses.append(text)
        return KCS_E_INVALID
    }
}
