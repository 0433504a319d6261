// SPDX-License-Identifier: Apache-2.0

// Look at STR, write the state that the byte in IDR leads to, then read the byte. On a driver that leaves IDR until
// it is read, IBF falls last, and the host finds STATE right whenever it looks.

extension TransferMachine {
    mutating func fastStatus(_ status: StatusRegister, now: UInt64) {
        guard status.contains(.ibf) else {
            if canGiveUp, now &- progressAt >= timings.abandon { showWithDummy(.idle) }
            return
        }
        reads = true
        if status.contains(.commandData) {
            reading = .command
            showWithDummy(.write)
            return
        }
        reading = .data
        switch phase {
        case .writeStart, .writeData: showWithDummy(.write)
        case .writeEnd: showReadWithoutOutput()
        case .abort1: show(.read, with: error.rawValue)
        case .abort2: show(.idle, with: 0)
        case .reading: if sent == response.count { show(.idle, with: 0) }
        case .idle, .waiting, .withheld, .lastByte, .error: showWithDummy(.error)
        }
    }

    /// A host that leaves in the middle of a transfer leaves a STATE from which not every host begins: it becomes IDLE. One
    /// that goes on nevertheless finds what it wants, for STATE is written before each byte is read.
    private var canGiveUp: Bool { phase != .waiting && shown != .idle }

    mutating func scheduleGiveUp() { wakeAt = canGiveUp ? progressAt &+ timings.abandon : nil }

    mutating func fastInput(_ value: UInt8, now: UInt64) {
        if reading == .command {
            let isUnderWay = [.writeStart, .writeData, .writeEnd, .reading].contains(phase)
            if isUnderWay && value != ControlCode.writeEnd { evidence.hostGaveUp() }
            if !consumeCommand(value, now: now) { showWithDummy(.error) }
            return
        }
        switch phase {
        case .writeStart, .writeData, .writeEnd:
            if !consumeRequestByte(value, now: now) { showWithDummy(.error) }
            if phase == .waiting { evidence.requestCame() }
        case .abort1: phase = .abort2
        case .abort2: phase = .idle
        case .reading:
            guard value == ControlCode.read else {
                _ = violation()
                showWithDummy(.error)
                return
            }
            if sent == response.count {
                phase = .idle
                counters.completed += 1
            } else {
                show(.read, with: response[sent])
                sent += 1
            }
        case .idle, .waiting, .withheld, .lastByte, .error: _ = violation()
        }
    }
}
