// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: kcsmuxd has the watch as a pointer to a `Call`, which the handler holds until the watch is closed.
import CKCSPlugin

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
    /// Error or hang-up; always reported.
    public static let hangup = WatchEvents(rawValue: 4)
}

/// A watch of an instance; closed when let go of, which comes before closing the descriptor.
public final class HandlerWatch {
    fileprivate struct Readiness {
        let events: WatchEvents
        let now: UInt64
    }

    private let host: Host
    private let call: Call<Readiness>
    private var identifier: UInt32 = 0

    fileprivate init?(
        _ host: Host, _ calls: HeldCalls, _ descriptor: Int32, _ events: WatchEvents,
        _ ready: @escaping (Readiness) -> Void
    ) {
        self.host = host
        call = Call(calls, ready)
        let status = host.table.pointee.watch_open(
            host.channel, descriptor, events.rawValue, calls.hold(call),
            { Call<Readiness>.repeated($0, Readiness(events: WatchEvents(rawValue: $1), now: $2)) }, &identifier)
        guard status == KCS_OK else {
            calls.drop(call)
            call.forget()
            return nil
        }
    }

    deinit { close() }

    /// Waits for other events; none pauses the watch.
    public func set(_ events: WatchEvents) {
        guard call.owner != nil else { return }
        _ = host.table.pointee.watch_set(host.channel, identifier, events.rawValue)
    }

    /// Ends the watch.
    public func close() {
        guard let calls = call.owner else { return }
        _ = host.table.pointee.watch_close(host.channel, identifier)
        calls.drop(call)
        call.forget()
    }
}

extension Host {
    /// Calls `ready` with the handler whenever a descriptor can be read or written, and with the time. Nil when it cannot
    /// be watched.
    public func watch<Owner: Handler>(
        _ descriptor: Int32, _ events: WatchEvents, for owner: Owner,
        _ ready: @escaping (Owner, WatchEvents, UInt64) -> Void
    ) -> HandlerWatch? {
        let borrowed = borrow(owner)
        return HandlerWatch(self, owner.calls, descriptor, events) { readiness in
            borrowed.lend { ready($0, readiness.events, readiness.now) }
        }
    }
}
