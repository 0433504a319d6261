// SPDX-License-Identifier: Apache-2.0

// One byte behind, with the OBF gate: what a byte that was read tells.

extension TransferMachine {
    /// Is it a command? Nil: that cannot be told yet.
    mutating func strictInput(_ value: UInt8, _ status: StatusRegister, now: UInt64) -> Bool? {
        // Data of the request, or a command of a host that begins anew with its data behind it: nothing tells. A request
        // that is put together of two is worse than one that is sent again. The same after an error, of which a host that
        // stood still for long may not know.
        let isDoubtful = phase == .writeData || (phase == .idle && isBroken && !sawCommand)
        if reading == .either, isDoubtful, Self.isControlCode(value), !discards {
            park(.nothing, now)
            looks = true
            if phase == .writeData && status.contains(.commandData) {
                doubted = value
                return nil
            }
            _ = violation()
            showWithDummy(.error)
            return nil
        }
        // It is not the READ that was to be thrown away: a host recovers.
        if discards, value == ControlCode.getStatusAbort { (discards, reading) = (false, .either) }
        let command = isCommand(value)
        // C/D is that of the host's last write; if it is not this byte's, there is another byte behind it.
        let behind: Parked = status.contains(.commandData) == command ? .nothing : command ? .data : .command
        let wasGuess = guessed
        let retriesAbort = phase == .abort2
        park(behind, now)
        guessed = wasGuess && behind == .nothing
        looks = behind == .nothing
        if behind == .command { expected = retriesAbort ? .abort : .writeStart }
        if discards {
            discards = false
            return command
        }
        if command {
            isBroken = false
            commandRead(value, now)
        } else {
            dataRead(value, behind, now)
        }
        return command
    }

    /// A command alone, or data of the same value with the command behind it, which lies in IDR by now.
    mutating func decide(_ value: UInt8, _ status: StatusRegister, _ now: UInt64) {
        guard status.contains(.ibf) else { return commandRead(value, now) }
        let isData = status.contains(.commandData)
        park(isData ? .command : .data, now)
        if isData { dataRead(value, .command, now) } else { commandRead(value, now) }
    }

    private static func isControlCode(_ value: UInt8) -> Bool {
        value == ControlCode.writeStart || value == ControlCode.writeEnd || value == ControlCode.getStatusAbort
    }

    private func isCommand(_ value: UInt8) -> Bool {
        switch reading {
        case .command: return true
        case .data: return false
        case .either: break
        }
        if phase == .writeStart || phase == .writeData {
            return Self.isControlCode(value)
        }
        guard sawCommand else {
            // Data of a request that failed may have any value; an abort is what its host comes with next.
            if phase == .error { return value == ControlCode.getStatusAbort }
            // A command may be parked with its first data byte in IDR.
            return value == ControlCode.writeStart || value == ControlCode.getStatusAbort
        }
        // What the host was to write anyway may be parked with a command in IDR.
        switch phase {
        case .abort1: return value != 0
        case .reading, .idle, .lastByte, .abort2: return value != ControlCode.read
        default: return true
        }
    }

    private mutating func commandRead(_ value: UInt8, _ now: UInt64) {
        if reading == .either { ignoresOutput = false }
        guard consumeCommand(value, now: now) else {
            showWithDummy(.error)
            return
        }
        switch phase {
        case .writeEnd:
            if parked == .data {
                // The look that comes first makes sure that the read cannot sleep, and shows a command behind it.
                showReadWithoutOutput()
                looks = true
            }
        case .abort1:
            if parked == .data {
                show(.read, with: error.rawValue)
                phase = .abort2
            }
        default: if shown != .write { showWithDummy(.write) }
        }
    }

    private mutating func dataRead(_ value: UInt8, _ behind: Parked, _ now: UInt64) {
        switch phase {
        case .writeStart, .writeData, .writeEnd:
            guard consumeRequestByte(value, now: now) else {
                showWithDummy(.error)
                return
            }
            guard phase == .writeData else { return }
            expected = .writeEnd
            if shown != .write { showWithDummy(.write) }
            return
        default: break
        }
        if behind == .command {
            // The host begins anew: WRITE is shown already, and what this byte asks for is of no use.
            release(.aborted)
            phase = .idle
            rest = .armed
            return
        }
        switch phase {
        case .reading:
            guard value == ControlCode.read else {
                _ = violation()
                showWithDummy(.error)
                return
            }
            show(.read, with: response[sent])
            sent += 1
        case .lastByte, .abort2:
            if phase == .lastByte { counters.completed += 1 }
            phase = .idle
            rest = .awaitingLastRead
        case .idle where rest != .unarmed: rest = .awaitingLastRead
        case .idle where value == ControlCode.read: counters.strays += 1  // of a transfer that was given up
        case .error: if shown != .error { showWithDummy(.error) }
        default:
            if phase == .idle { counters.strays += 1 }
            _ = violation()
            showWithDummy(.error)
        }
    }
}
