// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: closures travel through C as opaque pointers. Each is held by its handler until it was called, or until the
// handler goes, so that neither a call that never comes nor one that comes twice can touch freed memory.
import CKCSPlugin

/// Closures that kcsmuxd has been given and not called yet.
final class PendingCalls {
    private var calls: [PendingCall] = []

    func hold(_ call: PendingCall) -> UnsafeMutableRawPointer {
        calls.append(call)
        return Unmanaged.passUnretained(call).toOpaque()
    }

    func drop(_ call: PendingCall) { calls.removeAll { $0 === call } }
}

/// One such closure, or several that belong to one call.
final class PendingCall {
    let owner: PendingCalls
    let work: () -> Void
    let done: (Completion) -> Void

    enum Completion {
        case work
        case run(RunOutcome)
        case actions([ActionResult])
        case dump(Outcome)
    }

    init(_ owner: PendingCalls, work: @escaping () -> Void = {}, done: @escaping (Completion) -> Void) {
        self.owner = owner
        self.work = work
        self.done = done
    }

    static func finish(_ pointer: UnsafeMutableRawPointer?, _ completion: Completion) {
        let call = Unmanaged<PendingCall>.fromOpaque(pointer!).takeUnretainedValue()
        call.owner.drop(call)
        call.done(completion)
    }
}

/// How something ended.
public enum Outcome: UInt32, Sendable {
    /// As wanted.
    case ok = 0
    /// It failed.
    case failed = 1
    /// It took too long and was ended.
    case timedOut = 2
}

/// How a program ended.
public struct RunOutcome: Sendable {
    /// In one word.
    public let outcome: Outcome
    /// Exit status, or minus the number of the signal that ended it.
    public let code: Int32
}

/// How one action of a list ended.
public struct ActionResult: Sendable {
    /// The action in words, "exec /usr/bin/x".
    public let action: String
    /// In one word.
    public let outcome: Outcome
    /// What there is to say about it; may be empty.
    public let detail: String
}

extension Handler {
    /// Calls `work` on kcsmuxd's worker thread, then `done` on the loop's. `work` touches nothing that the loop's thread
    /// uses meanwhile. `.limit` when too much is queued: then neither is called.
    public func work(_ work: @escaping () -> Void, done: @escaping () -> Void) -> Host.Status {
        let call = PendingCall(pending, work: work) { _ in done() }
        let context = pending.hold(call)
        let status = Host.Status(
            rawValue: host.table.pointee.work(
                host.channel, context,
                { Unmanaged<PendingCall>.fromOpaque($0!)._withUnsafeGuaranteedRef { $0.work() } },
                { PendingCall.finish($0, .work) }))
        if status != .ok { pending.drop(call) }
        return status
    }

    /// Runs a program, without a shell, for at most `timeout` nanoseconds. The first argument is an absolute path.
    public func run(
        _ arguments: [String], timeout: UInt64, done: @escaping (RunOutcome) -> Void
    ) -> Host.Status {
        let call = PendingCall(pending) { if case .run(let outcome) = $0 { done(outcome) } }
        let context = pending.hold(call)
        var strings: [UnsafeMutablePointer<CChar>] = []
        var pointers: [UnsafePointer<CChar>?] = []
        for argument in arguments {
            let copy = argument.withCString { source in
                let count = argument.utf8.count + 1
                let copy = UnsafeMutablePointer<CChar>.allocate(capacity: count)
                copy.initialize(from: source, count: count)
                return copy
            }
            strings.append(copy)
            pointers.append(UnsafePointer(copy))
        }
        pointers.append(nil)
        let status = Host.Status(
            rawValue: host.table.pointee.run(
                host.channel, pointers, timeout, context,
                { context, outcome, code in
                    PendingCall.finish(
                        context, .run(RunOutcome(outcome: Outcome(rawValue: outcome) ?? .failed, code: code)))
                }))
        for string in strings { string.deallocate() }
        if status != .ok { pending.drop(call) }
        return status
    }

    /// Runs an option of type `actions`, one after the other. `cause` stands in kcsmuxd's audit line. `.busy` while this
    /// instance's actions are running already.
    public func runActions(
        _ actions: OptionValue, cause: String, done: @escaping ([ActionResult]) -> Void
    ) -> Host.Status {
        let call = PendingCall(pending) { if case .actions(let results) = $0 { done(results) } }
        let context = pending.hold(call)
        let status = cause.withCString { cause in
            host.table.pointee.actions_run(
                host.channel, actions.pointer, cause, context,
                { context, results, count in
                    var list: [ActionResult] = []
                    for index in 0..<Int(clamping: count) {
                        let result = results[index].pointee
                        list.append(
                            ActionResult(
                                action: String(cString: result.action),
                                outcome: Outcome(rawValue: result.outcome) ?? .failed,
                                detail: String(cString: result.detail)))
                    }
                    PendingCall.finish(context, .actions(list))
                })
        }
        if status != KCS_OK { pending.drop(call) }
        return Host.Status(rawValue: status)
    }

    /// Writes the debug capture of this channel, or of all, to disk.
    public func dump(all: Bool, done: @escaping (Outcome) -> Void) -> Host.Status {
        let call = PendingCall(pending) { if case .dump(let outcome) = $0 { done(outcome) } }
        let context = pending.hold(call)
        let status = host.table.pointee.dump(
            host.channel, UInt32(all ? KCS_DUMP_ALL : KCS_DUMP_CHANNEL), context,
            { PendingCall.finish($0, .dump(Outcome(rawValue: $1) ?? .failed)) })
        if status != KCS_OK { pending.drop(call) }
        return Host.Status(rawValue: status)
    }

    /// What other threads of this plugin give back to the loop's. Make it on the loop's thread, and let the thread keep it.
    public var poster: Poster { Poster(host) }

    /// A timer that calls `fire` with the time. nil when there are too many.
    public func makeTimer(_ fire: @escaping (UInt64) -> Void) -> HandlerTimer? { HandlerTimer(host, fire) }

    /// Tells `ready` when a descriptor can be read or written. nil when it cannot be watched.
    public func watch(
        _ descriptor: Int32, _ events: WatchEvents, ready: @escaping (WatchEvents, UInt64) -> Void
    ) -> HandlerWatch? {
        HandlerWatch(host, descriptor, events, ready)
    }
}

/// The way from any thread to the loop's.
///
/// Sendable because kcsmuxd's `post` may be called on any thread, and the two pointers never change.
public struct Poster: @unchecked Sendable {
    private let host: Host

    fileprivate init(_ host: Host) { self.host = host }

    private final class Call {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Calls `body` on the loop's thread in a later turn. Legal until the handler's `deinit` begins: a handler with threads
    /// ends them in `stop`. A body that is still waiting when the handler stops is never called, nor freed.
    @discardableResult
    public func post(_ body: @escaping @Sendable () -> Void) -> Host.Status {
        let call = Unmanaged.passRetained(Call(body))
        let status = Host.Status(
            rawValue: host.table.pointee.post(
                host.channel, call.toOpaque(), { Unmanaged<Call>.fromOpaque($0!).takeRetainedValue().body() }))
        if status != .ok { call.release() }
        return status
    }
}

/// A timer of an instance; closed when let go of. It must not outlive its handler.
public final class HandlerTimer {
    private let host: Host
    private let fire: (UInt64) -> Void
    private var identifier: UInt32 = 0
    private var isOpen = false

    fileprivate init?(_ host: Host, _ fire: @escaping (UInt64) -> Void) {
        self.host = host
        self.fire = fire
        let context = Unmanaged.passUnretained(self).toOpaque()
        let status = host.table.pointee.timer_open(
            host.channel, context,
            { Unmanaged<HandlerTimer>.fromOpaque($0!).takeUnretainedValue().fire($1) },
            &identifier)
        guard status == KCS_OK else { return nil }
        isOpen = true
    }

    deinit { if isOpen { _ = host.table.pointee.timer_close(host.channel, identifier) } }

    /// Fires at a time of `Host.now`, once.
    public func set(_ deadline: UInt64) {
        _ = host.table.pointee.timer_set(host.channel, identifier, max(deadline, 1))
    }

    /// Does not fire.
    public func cancel() { _ = host.table.pointee.timer_set(host.channel, identifier, 0) }
}

/// What a watched descriptor is ready for.
public struct WatchEvents: OptionSet, Sendable {
    /// `KCS_WATCH_*`.
    public let rawValue: UInt32
    /// Events by their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// It can be read.
    public static let read = WatchEvents(rawValue: 1)
    /// It can be written.
    public static let write = WatchEvents(rawValue: 2)
    /// Error or hang-up; always told.
    public static let hangup = WatchEvents(rawValue: 4)
}

/// A watch of an instance; closed when let go of, which comes before closing the descriptor.
public final class HandlerWatch {
    private let host: Host
    private let ready: (WatchEvents, UInt64) -> Void
    private var identifier: UInt32 = 0
    private var isOpen = false

    fileprivate init?(
        _ host: Host, _ descriptor: Int32, _ events: WatchEvents, _ ready: @escaping (WatchEvents, UInt64) -> Void
    ) {
        self.host = host
        self.ready = ready
        let context = Unmanaged.passUnretained(self).toOpaque()
        let status = host.table.pointee.watch_open(
            host.channel, descriptor, events.rawValue, context,
            { Unmanaged<HandlerWatch>.fromOpaque($0!).takeUnretainedValue().ready(WatchEvents(rawValue: $1), $2) },
            &identifier)
        guard status == KCS_OK else { return nil }
        isOpen = true
    }

    deinit { close() }

    /// Waits for other events; none pauses the watch.
    public func set(_ events: WatchEvents) {
        if isOpen { _ = host.table.pointee.watch_set(host.channel, identifier, events.rawValue) }
    }

    /// Ends the watch.
    public func close() {
        if isOpen { _ = host.table.pointee.watch_close(host.channel, identifier) }
        isOpen = false
    }
}

/// Where an instance's figures go.
public struct Stats {
    let pointer: UnsafePointer<kcs_stats>

    /// A figure. Names are [a-z0-9_]+.
    public func number(_ name: String, _ value: UInt64) {
        name.withCString { pointer.pointee.number(pointer.pointee.ctx, $0, value) }
    }

    /// A word or a sentence.
    public func text(_ name: String, _ value: String) {
        name.withCString { name in value.withCString { pointer.pointee.text(pointer.pointee.ctx, name, $0) } }
    }
}
