// SPDX-License-Identifier: Apache-2.0

/// What kcsmuxd has been given to call, of one handler. Each call is held here until it was made, was closed, or the handler
/// goes: neither one that never comes nor one that comes too late touches freed memory. At the end all closures are let
/// go of, so that one which holds its handler does not keep it for ever.
final class HeldCalls {
    private var calls: [HeldCall] = []

    /// Answers what C gets as the call's context.
    func hold(_ call: HeldCall) -> UnsafeMutableRawPointer {
        calls.append(call)
        return Borrowed(call).context
    }

    func drop(_ call: HeldCall) { calls.removeAll { $0 === call } }

    /// No call comes any more.
    func dropAll() {
        let dropped = calls
        calls = []
        for call in dropped { call.forget() }
    }
}

/// One of them.
class HeldCall {
    /// Nil once no call comes any more.
    private(set) final var owner: HeldCalls?

    init(_ owner: HeldCalls) { self.owner = owner }

    /// Lets go of what it would call.
    func forget() { owner = nil }
}

/// A closure with one argument.
final class Call<Argument>: HeldCall {
    private var body: ((Argument) -> Void)?

    init(_ owner: HeldCalls, _ body: @escaping (Argument) -> Void) {
        self.body = body
        super.init(owner)
    }

    override func forget() {
        body = nil
        super.forget()
    }

    /// For what comes any number of times.
    static func repeated(_ context: UnsafeMutableRawPointer?, _ argument: Argument) {
        Borrowed<Call<Argument>>(context: context).object.body?(argument)
    }

    /// For what comes once.
    static func finish(_ context: UnsafeMutableRawPointer?, _ argument: Argument) {
        let call = Borrowed<Call<Argument>>(context: context).object
        call.owner?.drop(call)
        call.body?(argument)
    }
}

/// A closure for the worker's thread, and one for the loop's after it.
final class WorkCall: HeldCall {
    private var work: (() -> Void)?
    private var done: (() -> Void)?

    init(_ owner: HeldCalls, work: @escaping () -> Void, done: @escaping () -> Void) {
        self.work = work
        self.done = done
        super.init(owner)
    }

    override func forget() {
        work = nil
        done = nil
        super.forget()
    }

    /// On the worker's thread.
    static func work(_ context: UnsafeMutableRawPointer?) { Borrowed<WorkCall>(context: context).object.work?() }

    /// On the loop's thread, afterwards.
    static func finish(_ context: UnsafeMutableRawPointer?) {
        let call = Borrowed<WorkCall>(context: context).object
        call.owner?.drop(call)
        call.done?()
    }
}
