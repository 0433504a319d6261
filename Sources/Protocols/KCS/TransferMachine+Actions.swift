// SPDX-License-Identifier: Apache-2.0

// What a transfer machine wants done, and how the handshakes ask for it.

extension TransferMachine {
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
        switch handshake {
        case .fast: scheduleGiveUp()
        case .strict: schedule(now)
        }
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
}
