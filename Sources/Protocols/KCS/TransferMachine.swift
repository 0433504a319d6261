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
    let stateWhileUnarmed: KCSState

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
    /// The last look showed C/D set.
    var sawCommand = false
    /// The byte that is being read belongs to a transfer that was given up.
    var discards = false
    /// A transfer ended in an error, and no command has come since: its host may go on as if nothing had happened.
    var isBroken = false
    /// The host of this transfer leaves OBF set.
    var ignoresOutput = false
    /// When OBF was first seen clear since the last dummy byte.
    var fellAt: UInt64?
    /// When the transfer last moved.
    var progressAt: UInt64 = 0

    /// Makes a machine that waits for ``started(_:staleBytes:now:)``.
    public init(_ configuration: TransferConfiguration) {
        handshake = configuration.handshake
        timings = configuration.timings
        lengths = configuration.requestLengths
        stateWhileUnarmed = configuration.stateWhileUnarmed
        request.reserveCapacity(Self.requestCapacity)
        response.reserveCapacity(Self.responseCapacity)
    }

    /// The request whose answer is owed, if any.
    public var owedToken: MessageToken? { owed }

    /// Was a request of that name ever handed out?
    public func hasDelivered(_ token: MessageToken) -> Bool { token.rawValue > 0 && token.rawValue <= lastToken }

    /// The device was opened and drained.
    ///
    /// - Parameters:
    ///   - status: STR as it is now. SMS_ATN is taken over from it.
    ///   - staleBytes: how many bytes were drained; if any, the host may be in the middle of a transfer.
    ///   - now: the monotonic time in nanoseconds, as everywhere.
    public mutating func started(_ status: StatusRegister, staleBytes: Int, now: UInt64) {
        precondition(life == .new || life == .stopped, "started twice")
        precondition(staleBytes >= 0, "a count of bytes")
        life = .running
        phase = .idle
        error = .none
        parked = .nothing
        rest = .unarmed
        discards = false
        isBroken = false
        owed = nil
        ended = nil
        deliver = false
        reads = false
        outputFull = status.contains(.obf)
        attention = status.contains(.smsAttention)
        shownAttention = attention
        shown = status.state
        progressAt = now
        switch handshake {
        case .fast:
            write = Write(state: .idle, output: nil, drops: outputFull)
        case .strict:
            // The dummy wakes a host that waits in the middle of a transfer for a byte that will never come.
            write = Write(state: stateWhileUnarmed, output: 0, drops: outputFull)
            ignoresOutput = false
            fellAt = nil
        }
        looks = true
    }

    /// The device became readable.
    public mutating func inputReady() {
        guard life == .running else { return }
        looks = true
    }

    /// SMS_ATN is to be set or cleared; STATE is not affected.
    public mutating func setAttention(_ on: Bool) { attention = on }

    /// The machine is to stop: STATE becomes ERROR, OBF is cleared, SMS_ATN stays, the driver is drained.
    public mutating func stop() {
        guard life == .running else {
            if life == .new { life = .stopped }
            return
        }
        life = .stopping
        write = nil
        reads = false
        deliver = false
        looks = true
        release(.stopped)
    }

    /// The handler's answer, NetFn/LUN and completion code included; one shorter than three bytes is filled up with
    /// NetFn, command and completion code FF.
    public mutating func reply(_ token: MessageToken, with bytes: Span<UInt8>, now: UInt64) -> ReplyOutcome {
        guard token == owed, phase == .waiting, life == .running else {
            counters.stale += 1
            return .stale
        }
        guard bytes.count <= Self.responseCapacity else { return .tooLong }
        response.removeAll(keepingCapacity: true)
        for index in bytes.indices { response.append(bytes[index]) }
        if response.isEmpty { response.append(request[0] | 0x04) }
        if response.count == 1 { response.append(request[1]) }
        if response.count == 2 { response.append(0xFF) }
        beginResponse(now)
        return .accepted
    }

    /// The handler has nothing to answer. Until the host begins anew it finds READ, or, under the strict handshake, which
    /// has to show beforehand what WRITE_START is to find, WRITE: hosts that send several messages in a row do not look
    /// for READ in between.
    public mutating func withhold(_ token: MessageToken, now: UInt64) -> ReplyOutcome {
        guard token == owed, phase == .waiting, life == .running else {
            counters.stale += 1
            return .stale
        }
        owed = nil
        progressAt = now
        switch handshake {
        case .fast: phase = .withheld
        case .strict:
            becomeUnarmed()
            schedule(now)
        }
        return .accepted
    }

    /// STR was read on its own.
    public mutating func statusRead(_ status: StatusRegister, now: UInt64) {
        counters.looks += 1
        outputFull = status.contains(.obf)
        switch life {
        case .running: break
        case .stopping:
            write = Write(state: .error, output: nil, drops: outputFull)
            life = .draining(3)
            looks = true
            return
        case .draining(let left):
            if status.contains(.ibf), left > 0 {
                reads = true
            } else {
                life = .stopped
            }
            return
        case .new, .stopped: return
        }
        switch handshake {
        case .fast: fastStatus(status)
        case .strict:
            strictStatus(status, now: now)
            schedule(now)
        }
    }

    /// IDR and STR were read together.
    public mutating func inputRead(_ value: UInt8, status: StatusRegister, now: UInt64) {
        outputFull = status.contains(.obf)
        switch life {
        case .running: break
        case .draining(let left):
            life = .draining(left - 1)
            looks = true
            return
        case .new, .stopping, .stopped: return
        }
        progressAt = now
        switch handshake {
        case .fast: fastInput(value, now: now)
        case .strict:
            strictInput(value, status, now: now)
            schedule(now)
        }
    }

    /// What to do next. Each call gives one action, which must have been done before the next call.
    public mutating func next(now: UInt64) -> TransferAction {
        if let write {
            self.write = nil
            return perform(write)
        }
        if reads {
            reads = false
            return .readInput
        }
        if let token = ended {
            ended = nil
            return .ended(token, endReason)
        }
        if life == .stopped || life == .new { return .stopped }
        if deliver, let owed {
            deliver = false
            return .deliver(owed)
        }
        if attention != shownAttention { return perform(Write(state: shown, output: nil, drops: false)) }
        if owed != nil, phase == .waiting, now >= replyDeadline { return expire(now) }
        if let wakeAt, now >= wakeAt { looks = true }
        if looks {
            looks = false
            wakeAt = nil
            return .lookAtStatus
        }
        var until = wakeAt
        if owed != nil, phase == .waiting, until.map({ replyDeadline < $0 }) ?? true { until = replyDeadline }
        return .sleep(until: until, input: parked == .nothing)
    }
}

extension TransferMachine {
    /// The bits that an action's mask and value speak of.
    private static let mask: StatusRegister = [.stateMask, .smsAttention]

    private mutating func perform(_ write: Write) -> TransferAction {
        shown = write.state
        shownAttention = attention
        var value = StatusRegister(state: write.state)
        if attention { value.insert(.smsAttention) }
        guard let output = write.output else {
            guard write.drops else { return .writeStatus(mask: Self.mask, value: value) }
            outputFull = false
            counters.dropped += 1
            return .dropOutput(mask: Self.mask, value: value)
        }
        outputFull = true
        fellAt = nil
        guard write.drops else { return .writeBoth(output: output, mask: Self.mask, value: value) }
        counters.dropped += 1
        return .replace(output: output, mask: Self.mask, value: value)
    }

    /// Shows a state, with a dummy byte in ODR unless the host has not read what is there.
    ///
    /// The dummy raises the host's interrupt, and tells the strict handshake whether the host has moved.
    mutating func showWithDummy(_ state: KCSState) {
        if !outputFull {
            write = Write(state: state, output: 0, drops: false)
        } else {
            write = state == shown ? nil : Write(state: state, output: nil, drops: false)
        }
    }

    /// Shows READ for a byte that is still to come: ODR must be empty, or the host takes a dummy for it.
    mutating func showReadWithoutOutput() {
        write = outputFull || shown != .read ? Write(state: .read, output: nil, drops: outputFull) : nil
    }

    /// Shows a state together with a byte that the host is to read.
    mutating func show(_ state: KCSState, with output: UInt8) {
        write = Write(state: state, output: output, drops: outputFull)
    }

    /// The answer that is owed is no longer wanted.
    mutating func release(_ reason: MessageEnd) {
        guard let token = owed else { return }
        owed = nil
        deliver = false
        ended = token
        endReason = reason
        if reason == .aborted { counters.aborted += 1 }
    }

    mutating func beginResponse(_ now: UInt64) {
        owed = nil
        phase = .reading
        sent = 1
        progressAt = now
        show(.read, with: response[0])
        if handshake == .strict { schedule(now) }
    }

    private mutating func expire(_ now: UInt64) -> TransferAction {
        counters.expired += 1
        response.removeAll(keepingCapacity: true)
        response.append(request[0] | 0x04)
        response.append(request[1])
        response.append(0xC3)
        guard let token = owed else { preconditionFailure("an answer is owed") }
        beginResponse(now)
        return .ended(token, .expired)
    }

    // MARK: What a byte means, by the order in which the host wrote it (IPMI 2.0 §9)

    /// A byte from the command port. Returns false if it enters the ERROR state.
    mutating func consumeCommand(_ value: UInt8, now: UInt64) -> Bool {
        switch value {
        case ControlCode.writeStart:
            release(.aborted)
            request.removeAll(keepingCapacity: true)
            error = .none
            phase = .writeStart
        case ControlCode.writeEnd:
            guard phase == .writeData else { return violation() }
            phase = .writeEnd
        case ControlCode.getStatusAbort:
            release(.aborted)
            counters.abortCommands += 1
            if error == .none { error = .aborted }
            phase = .abort1
        default:
            error = .illegalControlCode
            return violation()
        }
        return true
    }

    /// A byte of the request. Returns false if it is one too many.
    mutating func consumeRequestByte(_ value: UInt8, now: UInt64) -> Bool {
        guard request.count < Self.requestCapacity else {
            error = .length
            return violation()
        }
        request.append(value)
        if phase == .writeEnd {
            phase = .waiting
            lastToken += 1
            owed = MessageToken(rawValue: lastToken)
            replyDeadline = now &+ timings.reply
            deliver = true
            counters.delivered += 1
        } else {
            phase = .writeData
        }
        return true
    }

    /// Gives up what is under way. Always returns false.
    mutating func violation() -> Bool {
        release(.aborted)
        counters.errors += 1
        phase = .error
        isBroken = true
        return false
    }
}
