// SPDX-License-Identifier: Apache-2.0

/// The BMC's side of IPMI-style KCS transfers on a device that gives the bare registers.
///
/// The machine does no I/O. Tell it what happened, then ask ``next(now:)`` for what to do until it says
/// ``TransferAction/sleep(until:input:)``; the same few lines drive a device and a test. Nothing is allocated after
/// `init`, except when a copy of ``request`` is kept.
public struct TransferMachine: Hashable, Sendable {
    /// The longest request in bytes; a longer one ends in the ERROR state with error code 06.
    public static let requestCapacity = 1000
    /// The longest response in bytes.
    public static let responseCapacity = 1000

    /// The request that is being received, or was delivered last.
    public internal(set) var request: [UInt8] = []
    /// What the machine has counted.
    public internal(set) var counters = TransferCounters()

    /// Where the transfer is, counted in bytes that were read out of the driver.
    enum Phase: Hashable {
        /// No transfer.
        case idle
        /// WRITE_START was read.
        case writeStart
        /// At least one data byte was read.
        case writeData
        /// WRITE_END was read; the next data byte is the last.
        case writeEnd
        /// The request was delivered, its answer is owed.
        case waiting
        /// Fast only: the handler has nothing to answer, and READ is shown until the host begins anew.
        case withheld
        /// The response goes out.
        case reading
        /// Strict only: the last byte of the response is in ODR, the READ before it is left unread.
        case lastByte
        /// GET_STATUS/ABORT was read.
        case abort1
        /// The error code is in ODR.
        case abort2
        /// ERROR is shown.
        case error
    }

    /// What the strict handshake believes to lie unread in the driver's buffer.
    enum Parked: Hashable {
        case nothing
        case data
        case command
    }

    /// How sure the idle strict machine is of a byte that keeps the next command in IDR.
    enum Rest: Hashable {
        /// Nothing is parked.
        case unarmed
        /// The last READ of the transfer before is still to come.
        case awaitingLastRead
        /// The last READ is parked.
        case armed
        /// A WRITE_START is parked that came while IDLE was shown and nothing was parked: its host goes on if it saw WRITE in
        /// time, and has left if it saw IDLE.
        case startHeld
    }

    /// Which command a parked command is taken for.
    enum Expected: Hashable {
        case writeStart
        case writeEnd
        case abort
    }

    /// How a byte that is about to be read is to be understood.
    enum Reading: Hashable {
        case data
        case command
        /// C/D may have been that of the byte behind: the value decides.
        case either
    }

    /// A write of STR, perhaps with ODR, that is to be done next.
    struct Write: Hashable {
        var state: KCSState
        var output: UInt8?
        var drops: Bool
    }

    /// Stopping, step by step.
    enum Life: Hashable {
        case new
        case running
        /// ERROR is still to be shown.
        case stopping
        /// Bytes in the driver are still to be drained; the count bounds them.
        case draining(Int)
        case stopped
    }

    /// What the machine was made with.
    public let handshake: Handshake
    let timings: TransferTimings
    let lengths: [RequestLength]
    let restingState: RestingState

    var life = Life.new
    var phase = Phase.idle
    var error = TransferErrorCode.none
    var response: [UInt8] = []
    /// How many bytes of `response` were put into ODR.
    var sent = 0
    var lastToken: UInt64 = 0
    var owed: MessageToken?
    var replyDeadline: UInt64 = 0

    /// STATE and SMS_ATN as last written, and OBF as last seen: it may have fallen since, never risen.
    var shown = KCSState.idle
    var shownAttention = false
    var attention = false
    var outputFull = false

    var write: Write?
    var reads = false
    var looks = false
    var deliver = false
    var ended: MessageToken?
    var endReason = MessageEnd.aborted
    /// How the byte that is being read is to be understood.
    var reading = Reading.data
    var wakeAt: UInt64?

    // Of the strict handshake:

    var parked = Parked.nothing
    var rest = Rest.unarmed
    var expected = Expected.writeStart
    /// A byte was let go although nothing proved that one was behind it.
    var guessed = false
    /// The kind of the parked byte was inferred, not seen.
    var uncertain = false
    /// A byte that was read and is a command, or data of that value with a command behind it: the next look tells.
    var doubted: UInt8?
    /// The last look showed C/D set.
    var sawCommand = false
    /// The byte that is being read belongs to a transfer that was given up.
    var discards = false
    /// Hosts that find IDLE behind their WRITE_START leave, and do not abort. As it was last seen.
    var hostsLeave = true
    /// A WRITE_START that was kept is read, and the look behind it tells whether its host had left.
    var startLetGo = false
    /// A transfer ended in an error, and no command has come since: its host may go on as if nothing had happened.
    var isBroken = false
    /// The host of this transfer leaves OBF set.
    var ignoresOutput = false
    /// When OBF was first seen clear since the last dummy byte.
    var fellAt: UInt64?
    /// How many looks have found it clear since.
    var looksSinceFall = 0
    /// For both handshakes: whether the driver is the one that they are for.
    var evidence = DriverEvidence()
    /// When the transfer last moved.
    var progressAt: UInt64 = 0

    /// Makes a machine that waits for ``started(_:staleBytes:now:)``.
    public init(_ configuration: TransferConfiguration) {
        handshake = configuration.handshake
        timings = configuration.timings
        lengths = configuration.requestLengths
        restingState = configuration.rest
        request.reserveCapacity(Self.requestCapacity)
        response.reserveCapacity(Self.responseCapacity)
    }

    /// The request whose answer is owed, if any.
    public var owedToken: MessageToken? { owed }

    /// Is the next byte one of a request that has begun?
    public var isReceiving: Bool { phase == .writeData || phase == .writeEnd }

    /// Was a request of that name ever handed out?
    public func hasDelivered(_ token: MessageToken) -> Bool { token.rawValue > 0 && token.rawValue <= lastToken }
}
