// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd has the timer as a pointer to a `Call`, which the handler holds until the timer is closed.
import CKCSPlugin

/// A timer of an instance; closed when let go of, at the latest when the instance goes.
public final class HandlerTimer {
    private let host: Host
    private let call: Call<UInt64>
    private var identifier: UInt32 = 0

    fileprivate init?(_ host: Host, _ calls: HeldCalls, _ fire: @escaping (UInt64) -> Void) {
        self.host = host
        call = Call(calls, fire)
        let context = calls.hold(call)
        let status = host.table.pointee.timer_open(
            host.channel, context, { Call<UInt64>.repeated($0, $1) }, &identifier)
        guard status == KCS_OK else {
            calls.drop(call)
            call.forget()
            return nil
        }
    }

    deinit {
        guard let calls = call.owner else { return }
        _ = host.table.pointee.timer_close(host.channel, identifier)
        calls.drop(call)
    }

    /// Fires once, at a time of `Host.now`; one in the past: in the next turn.
    public func set(_ deadline: UInt64) {
        guard call.owner != nil else { return }
        _ = host.table.pointee.timer_set(host.channel, identifier, max(deadline, 1))
    }

    /// Does not fire.
    public func cancel() {
        guard call.owner != nil else { return }
        _ = host.table.pointee.timer_set(host.channel, identifier, 0)
    }
}

extension Host {
    /// A timer, not yet running, that calls `fire` with its handler and the time. Nil when there are too many.
    public func timer<Owner: Handler>(
        for owner: Owner, _ fire: @escaping (Owner, UInt64) -> Void
    ) -> HandlerTimer? {
        let borrowed = borrow(owner)
        return HandlerTimer(self, owner.calls) { now in borrowed.lend { fire($0, now) } }
    }
}
