// SPDX-License-Identifier: Apache-2.0

// What a byte means, by the order in which the host wrote it (IPMI 2.0 §9); the same for both handshakes.

extension TransferMachine {
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
