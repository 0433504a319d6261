// SPDX-License-Identifier: Apache-2.0
import IPMI

/// The host CPU's requests on their way to a service that may be late, wrong or gone: what each comes to, without input or
/// output. The caller sends requests and keeps the time.
///
/// A host CPU has one request at a time. One that it gave up is forgotten with the next: what is answered to it is dropped.
public struct RequestLedger {
    /// The longest answer that a KCS transfer carries: NetFn/LUN, command, completion code and data.
    public static let longestAnswer = 1000

    /// Names a request in the service's answers. Each has another.
    public struct Serial: Equatable, Sendable {
        let rawValue: UInt64
    }

    /// What is to be done about a request.
    public enum Verdict: Equatable, Sendable {
        /// It is answered so.
        case answer(token: UInt64, [UInt8])
        /// The service has not seen it: the channel's next handler may have it. If there is none, this is the answer.
        case pass(token: UInt64, [UInt8])
        /// Nobody waits for it any more.
        case drop
    }

    /// Why the service has not answered.
    public enum Failure: Equatable, Sendable {
        /// The request was not delivered.
        case absent
        /// It was delivered, or may have been, and whom it was delivered to is gone.
        case vanished
        /// The service took too long.
        case late
        /// The service, or the bus, answered with an error.
        case error
        /// Too many requests that the host CPU gave up are on their way already.
        case busy

        /// Of an error on the bus, by its name.
        public init(errorName name: String) {
            switch name {
            case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
                self = .absent
            case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected": self = .vanished
            case "org.freedesktop.DBus.Error.Timeout", "org.freedesktop.DBus.Error.TimedOut": self = .late
            default: self = .error
            }
        }
    }

    /// What has been counted.
    public struct Counters: Equatable, Sendable {
        /// Requests that came.
        public var requests: UInt64 = 0
        /// The service's answers that went to the host CPU.
        public var answered: UInt64 = 0
        /// Requests for which the service was not there.
        public var absent: UInt64 = 0
        /// Requests under which the service, or the bus, went away.
        public var vanished: UInt64 = 0
        /// Requests that were not answered in time.
        public var late: UInt64 = 0
        /// Errors in place of an answer.
        public var errors: UInt64 = 0
        /// Answers that no KCS transfer carries.
        public var tooLong: UInt64 = 0
        /// Answers to something else, or none that can be read.
        public var malformed: UInt64 = 0
        /// Answers that came when nobody waited for them any more.
        public var dropped: UInt64 = 0
    }

    private struct Owed {
        let serial: Serial
        let token: UInt64
        let netFnAndLUN: UInt8
        let command: UInt8
        let deadline: UInt64
    }

    private var owed: Owed?
    private var latest: UInt64 = 0
    /// What has been counted.
    public private(set) var counters = Counters()

    /// A ledger without requests.
    public init() {}

    /// When `expire` is due; nil if nothing is owed.
    public var deadline: UInt64? { owed?.deadline }

    /// A request came: NetFn/LUN and command, data behind them. It is to be answered by `deadline`.
    public mutating func begin(token: UInt64, netFnAndLUN: UInt8, command: UInt8, deadline: UInt64) -> Serial {
        latest += 1
        counters.requests += 1
        let serial = Serial(rawValue: latest)
        owed = Owed(
            serial: serial, token: token, netFnAndLUN: netFnAndLUN, command: command, deadline: deadline)
        return serial
    }

    /// The service answered. `netFn` is the answer's, which is odd; the LUN is the request's, whatever the service says.
    public mutating func answered<Bytes: Collection<UInt8>>(
        _ serial: Serial, netFn: UInt8, command: UInt8, code: UInt8, data: Bytes
    ) -> Verdict {
        guard let request = take(serial) else { return .drop }
        guard netFn == request.netFnAndLUN >> 2 | 1, command == request.command else {
            counters.malformed += 1
            return answer(request, CompletionCode.unspecified)
        }
        guard data.count <= Self.longestAnswer - 3 else {
            counters.tooLong += 1
            return answer(request, CompletionCode.unspecified)
        }
        counters.answered += 1
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 + data.count)
        bytes.append(request.netFnAndLUN | 0x04)
        bytes.append(request.command)
        bytes.append(code)
        bytes.append(contentsOf: data)
        return .answer(token: request.token, bytes)
    }

    /// The service answered something that is no answer.
    public mutating func answeredOtherwise(_ serial: Serial) -> Verdict {
        guard let request = take(serial) else { return .drop }
        counters.malformed += 1
        return answer(request, CompletionCode.unspecified)
    }

    /// The service did not answer, and will not.
    public mutating func failed(_ serial: Serial, _ failure: Failure) -> Verdict {
        guard let request = owed, request.serial == serial else { return .drop }
        owed = nil
        return fail(request, failure)
    }

    /// The time is up.
    public mutating func expire(now: UInt64) -> Verdict {
        guard let request = owed, now >= request.deadline else { return .drop }
        owed = nil
        return fail(request, .late)
    }

    /// The connection over which requests went is gone, and what was answered to them with it.
    public mutating func disconnected() -> Verdict {
        guard let request = owed else { return .drop }
        owed = nil
        return fail(request, .vanished)
    }

    /// The host CPU begins anew: nothing is owed.
    public mutating func reset() { owed = nil }

    private mutating func take(_ serial: Serial) -> Owed? {
        guard let request = owed, request.serial == serial else {
            counters.dropped += 1
            return nil
        }
        owed = nil
        return request
    }

    private mutating func fail(_ request: Owed, _ failure: Failure) -> Verdict {
        switch failure {
        case .absent:
            counters.absent += 1
            return .pass(token: request.token, bytes(request, CompletionCode.destinationUnavailable))
        case .vanished:
            counters.vanished += 1
            return answer(request, CompletionCode.destinationUnavailable)
        case .late:
            counters.late += 1
            return answer(request, CompletionCode.timeout)
        case .busy:
            counters.errors += 1
            return answer(request, CompletionCode.nodeBusy)
        case .error:
            counters.errors += 1
            return answer(request, CompletionCode.unspecified)
        }
    }

    private func answer(_ request: Owed, _ code: CompletionCode) -> Verdict {
        .answer(token: request.token, bytes(request, code))
    }

    private func bytes(_ request: Owed, _ code: CompletionCode) -> [UInt8] {
        [request.netFnAndLUN | 0x04, request.command, code.rawValue]
    }
}
