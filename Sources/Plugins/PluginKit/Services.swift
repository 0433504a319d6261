// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: closures travel through C as pointers to a `HeldCall`, which the handler holds.
import CKCSPlugin

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

    init(_ result: kcs_action_result) {
        action = String(cString: result.action)
        outcome = Outcome(rawValue: result.outcome) ?? .failed
        detail = String(cString: result.detail)
    }
}

/// Whose debug capture is written.
public enum DumpScope: UInt32, Sendable {
    /// This channel's.
    case channel = 0
    /// Every channel's.
    case all = 1
}

/// What kcsmuxd does outside of its loop. Every result comes with the handler that asked for it, on the loop's thread, in a
/// later turn; it does not come when the handler stopped meanwhile, or when the answer is not `.ok`.
extension Host {
    /// Calls `work` on kcsmuxd's worker thread, then `done` with what it answered. For files: nothing else may touch a
    /// disk. `.limit` when too much is queued.
    public func work<Owner: Handler, Value>(
        for owner: Owner, _ work: @escaping @Sendable () -> sending Value, done: @escaping (Owner, Value) -> Void
    ) -> Status {
        let borrowed = borrow(owner)
        let result = Box<Value>()
        let call = WorkCall(
            owner.calls, work: { result.value = work() },
            done: { if let value = result.value { borrowed.lend { done($0, value) } } })
        return start(call, of: owner) {
            table.pointee.work(channel, $0, { WorkCall.work($0) }, { WorkCall.finish($0) })
        }
    }

    /// Runs a program, without a shell, for at most `timeout`. The first argument is an absolute path.
    public func run<Owner: Handler>(
        _ arguments: [String], timeout: Duration, for owner: Owner, done: @escaping (Owner, RunOutcome) -> Void
    ) -> Status {
        let borrowed = borrow(owner)
        let call = Call<RunOutcome>(owner.calls) { outcome in borrowed.lend { done($0, outcome) } }
        let strings = arguments.map { copyForC($0) }
        defer { for string in strings { string.deallocate() } }
        let pointers: [UnsafePointer<CChar>?] = strings.map { UnsafePointer($0) } + [nil]
        return start(call, of: owner) {
            table.pointee.run(
                channel, pointers, timeout.nanoseconds, $0,
                { context, outcome, code in
                    let outcome = RunOutcome(outcome: Outcome(rawValue: outcome) ?? .failed, code: code)
                    Call<RunOutcome>.finish(context, outcome)
                })
        }
    }

    /// Runs an option of type `actions`, one after the other. The first line of `cause` stands in kcsmuxd's audit line;
    /// each behind it, `NAME=value`, is `$KCSMUX_NAME` of programs, and not logged. `.busy` while this instance's actions are
    /// running already.
    public func runActions<Owner: Handler>(
        _ actions: OptionValue, cause: String, for owner: Owner, done: @escaping (Owner, [ActionResult]) -> Void
    ) -> Status {
        let borrowed = borrow(owner)
        let call = Call<[ActionResult]>(owner.calls) { results in borrowed.lend { done($0, results) } }
        return start(call, of: owner) { context in
            cause.withCString { cause in
                table.pointee.actions_run(
                    channel, actions.pointer, cause, context,
                    { context, results, count in
                        let results = (0..<Int(clamping: count)).map { ActionResult(results[$0].pointee) }
                        Call<[ActionResult]>.finish(context, results)
                    })
            }
        }
    }

    /// Writes debug captures to disk.
    public func dump<Owner: Handler>(
        _ scope: DumpScope, for owner: Owner, done: @escaping (Owner, Outcome) -> Void
    ) -> Status {
        let borrowed = borrow(owner)
        let call = Call<Outcome>(owner.calls) { outcome in borrowed.lend { done($0, outcome) } }
        return start(call, of: owner) {
            table.pointee.dump(
                channel, scope.rawValue, $0, { Call<Outcome>.finish($0, Outcome(rawValue: $1) ?? .failed) })
        }
    }

    /// The handler that is to get a result: this host's own, for another's may be gone by then.
    func borrow<Owner: Handler>(_ owner: Owner) -> Borrowed<Owner> {
        precondition(owner.host.channel == channel, "a handler asks its own host")
        return Borrowed(owner)
    }

    private func start(_ call: HeldCall, of owner: Handler, _ begin: (UnsafeMutableRawPointer) -> Int32) -> Status {
        let status = Status(rawValue: begin(owner.calls.hold(call)))
        if status != .ok { owner.calls.drop(call) }
        return status
    }
}

/// What the worker's thread leaves for the loop's.
private final class Box<Value> {
    var value: Value?
}
