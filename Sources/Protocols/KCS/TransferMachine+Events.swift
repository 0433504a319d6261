// SPDX-License-Identifier: Apache-2.0

// What can happen to a transfer machine: a method for each event.

extension TransferMachine {
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
        startLetGo = false
        doubted = nil
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
            write = Write(state: restingState == .idle ? .idle : .write, output: 0, drops: outputFull)
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
        case .fast:
            phase = .withheld
            scheduleGiveUp()
        case .strict:
            becomeUnarmed(showing: .write)
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
        case .fast:
            fastStatus(status, now: now)
            scheduleGiveUp()
        case .strict:
            strictStatus(status, now: now)
            schedule(now)
        }
    }

    /// IDR and STR were read together. Did the host write the byte to the command port? Nil: nothing tells, or only what it
    /// writes next.
    @discardableResult
    public mutating func inputRead(_ value: UInt8, status: StatusRegister, now: UInt64) -> Bool? {
        outputFull = status.contains(.obf)
        switch life {
        case .running: break
        case .draining(let left):
            life = .draining(left - 1)
            looks = true
            return nil
        case .new, .stopping, .stopped: return nil
        }
        progressAt = now
        switch handshake {
        case .fast:
            fastInput(value, now: now)
            scheduleGiveUp()
            return reading == .command
        case .strict:
            let isCommand = strictInput(value, status, now: now)
            schedule(now)
            return isCommand
        }
    }
}
