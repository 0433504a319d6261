// SPDX-License-Identifier: Apache-2.0

/// Names one request, for as long as an answer to it is owed.
public struct MessageToken: Equatable, Hashable, Sendable {
    /// A number that no other request of the same machine has.
    public let rawValue: UInt64

    /// Makes a token out of its number, as it came back across an interface that carries plain numbers.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The one thing that a transfer machine wants done next.
///
/// Masks and values of STR speak of STATE and SMS_ATN only; the OEM bits keep what the device last had.
public enum TransferAction: Equatable, Hashable, Sendable {
    /// Read STR alone (offset 1; never blocks), then call ``TransferMachine/statusRead(_:now:)``.
    case lookAtStatus
    /// Read IDR and STR together (offset 0, two bytes), then call ``TransferMachine/inputRead(_:status:now:)``.
    ///
    /// Wanted only when STR showed IBF since the last read, so that the read cannot sleep.
    case readInput
    /// Write STR alone: the masked bits as given, and bit 0 set.
    case writeStatus(mask: StatusRegister, value: StatusRegister)
    /// Write ODR and STR together (offset 0, two bytes), STR with bit 0 set. OBF is known to be clear.
    case writeBoth(output: UInt8, mask: StatusRegister, value: StatusRegister)
    /// Write ODR and STR together, STR with bit 0 clear: the byte that the host has not read is dropped.
    case replace(output: UInt8, mask: StatusRegister, value: StatusRegister)
    /// Write STR alone with bit 0 clear: the byte that the host has not read is dropped and nothing follows it.
    case dropOutput(mask: StatusRegister, value: StatusRegister)
    /// A whole request is in ``TransferMachine/request``: NetFn/LUN, command, data.
    ///
    /// Its answer is owed: ``TransferMachine/reply(_:with:now:)`` or ``TransferMachine/withhold(_:now:)``, at once
    /// or later.
    case deliver(MessageToken)
    /// The answer to this request is no longer owed.
    case ended(MessageToken, MessageEnd)
    /// Nothing to do until the deadline (nil: none), an event, or, if `input` is true, until the device is readable.
    ///
    /// With `input` false the interest in readiness must be off: a byte lies unread on purpose.
    case sleep(until: UInt64?, input: Bool)
    /// The machine has stopped; the device can be closed.
    case stopped
}

/// Why an answer is no longer owed.
public enum MessageEnd: Equatable, Hashable, Sendable {
    /// The host began anew, aborted, or broke the protocol.
    case aborted
    /// The time to answer passed; the host got completion code C3.
    case expired
    /// The machine was stopped.
    case stopped
}

/// What became of an answer.
public enum ReplyOutcome: Equatable, Hashable, Sendable {
    /// It goes to the host.
    case accepted
    /// It was not owed (any longer), and was dropped.
    case stale
    /// It is longer than ``TransferMachine/responseCapacity``; the answer is still owed.
    case tooLong
}

/// How the machine deals with a driver that takes IDR before any handler ran.
public enum Handshake: Equatable, Hashable, Sendable {
    /// One byte behind: a byte is left unread in the driver, so that the next one stays in IDR, with IBF set, until
    /// STATE is right for it.
    case strict
    /// Look, write STATE, read: right for a driver that leaves IDR until it is read, a race on one that does not.
    case fast
}

/// What the strict handshake shows while nobody is in a transfer and nothing is left unread in the driver, as after a start.
public enum RestingState: Equatable, Hashable, Sendable {
    /// WRITE: WRITE_START finds its byte taken before any handler ran, so that what it leads to has to be there beforehand.
    /// A host that wants IDLE before it begins (Linux) recovers through GET_STATUS/ABORT, one that does not look before it
    /// begins notices nothing.
    case write
    /// IDLE, for a host that wants it before it begins and has no recovery (EDK II's ManageabilityPkg). If it looks as soon as
    /// it has begun it sees IDLE once more, and leaves; its WRITE_START is left unread, so that it is served by its next
    /// attempt.
    case idle
}

/// The times of a transfer machine, in nanoseconds.
public struct TransferTimings: Equatable, Hashable, Sendable {
    /// The shortest pause between two looks at STR in a transfer.
    public var look: UInt64 = 50_000
    /// The longest pause between two looks: 100 looks a second.
    public var lookIdle: UInt64 = 10_000_000
    /// How long OBF is clear and C/D unchanged before a second byte of the same kind is taken to be in IDR, for the
    /// first two data bytes of a request.
    public var settleFirst: UInt64 = 1_500_000
    /// The same for the bytes after those, where the table of lengths does not tell.
    public var settleLater: UInt64 = 200_000
    /// After this time without progress a byte that was left unread is read, lest one behind it blocks the host. An idle
    /// machine looks no more from then on.
    public var unclean: UInt64 = 50_000_000
    /// Resting in IDLE: how long WRITE is shown after a request without an answer, for hosts that send several in a row.
    public var untilIdle: UInt64 = 100_000_000
    /// Resting in IDLE: how long a WRITE_START stays unread whose host may have seen IDLE behind it, and left; less than hosts
    /// wait for IBF.
    public var keepsStart: UInt64 = 2_000_000_000
    /// The same where the last such host had not left, but waited behind it: a host that looks each millisecond goes on sooner.
    public var keepsStartBriefly: UInt64 = 5_000_000
    /// The longest pause between two looks meanwhile.
    public var lookAtStart: UInt64 = 200_000_000
    /// A transfer that the host has not gone on with for this long is given up.
    public var abandon: UInt64 = 5_000_000_000
    /// How long a request may stay without an answer.
    public var reply: UInt64 = 4_000_000_000

    /// The default times.
    public init() {}
}

/// What a transfer machine is made with.
public struct TransferConfiguration: Equatable, Hashable, Sendable {
    /// How STATE is kept ahead of the host.
    public var handshake: Handshake
    /// The times.
    public var timings = TransferTimings()
    /// The lengths of the requests that are known; used by the strict handshake only.
    public var requestLengths: [RequestLength] = []

    /// What the strict handshake shows while nobody is in a transfer.
    public var rest = RestingState.write

    /// A configuration with default times and no table of lengths.
    public init(handshake: Handshake) { self.handshake = handshake }
}

/// What a transfer machine has counted since it was made.
public struct TransferCounters: Equatable, Hashable, Sendable {
    /// Whole requests handed out.
    public var delivered: UInt64 = 0
    /// Answers that were read to their end.
    public var completed: UInt64 = 0
    /// Answers that were dropped because they were not owed.
    public var stale: UInt64 = 0
    /// Requests answered with C3 because their time had passed.
    public var expired: UInt64 = 0
    /// Requests whose answer the host no longer wanted.
    public var aborted: UInt64 = 0
    /// GET_STATUS/ABORT commands.
    public var abortCommands: UInt64 = 0
    /// Violations that led to the ERROR state.
    public var errors: UInt64 = 0
    /// Bytes dropped from ODR that the host had not read.
    public var dropped: UInt64 = 0
    /// Bytes of data that came while no transfer was under way, and were read away.
    public var strays: UInt64 = 0
    /// Looks at STR.
    public var looks: UInt64 = 0
    /// Times that the strict handshake let a byte go and found nothing behind it.
    public var wrongGuesses: UInt64 = 0

    /// All zero.
    public init() {}
}

extension TransferCounters {
    /// What two machines have counted together.
    public static func + (left: TransferCounters, right: TransferCounters) -> TransferCounters {
        var sum = left
        sum.delivered &+= right.delivered
        sum.completed &+= right.completed
        sum.stale &+= right.stale
        sum.expired &+= right.expired
        sum.aborted &+= right.aborted
        sum.abortCommands &+= right.abortCommands
        sum.errors &+= right.errors
        sum.dropped &+= right.dropped
        sum.strays &+= right.strays
        sum.looks &+= right.looks
        sum.wrongGuesses &+= right.wrongGuesses
        return sum
    }
}
