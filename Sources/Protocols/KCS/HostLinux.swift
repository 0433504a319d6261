// SPDX-License-Identifier: Apache-2.0

// Linux: one look at STR decides everything about a step. EDK II does the same more slowly, and wants the dummy.

extension HostMachine {
    mutating func linuxStatus(_ status: StatusRegister, _ now: UInt64) {
        if status.contains(.ibf) {
            if poll(now) { return }
            // After this time Linux goes on as if IBF were clear, and so reaches a device that is stuck.
            recover(.inputStuck, now)
            if step != .error0 { return }
        }
        switch step {
        case .start:
            guard decide(status) == .idle else { return recover(.wrongState(status.state), now) }
            clearOutput(status)
            queue.append(.writeCommand(ControlCode.writeStart))
            go(.afterStart)
        case .afterStart, .afterByte, .afterEnd: linuxWrite(status, now)
        case .afterLast, .afterRead:
            switch decide(status) {
            case .read:
                guard status.contains(.obf) else { return wait(.noOutput, now) }
                readAndAcknowledge(keep: true)
                go(.afterRead)
            case .idle:
                clearOutput(status)
                succeed()
            default: recover(.wrongState(status.state), now)
            }
        default: linuxRecovery(status, now)
        }
    }

    private mutating func wait(_ reason: HostFailure, _ now: UInt64) {
        if !poll(now) { recover(reason, now) }
    }

    /// The write phase, which EDK II shares.
    mutating func linuxWrite(_ status: StatusRegister, _ now: UInt64) {
        guard decide(status) == .write else { return recover(.wrongState(status.state), now) }
        clearOutput(status)
        if step == .afterEnd {
            writeNext()
            go(.afterLast)
        } else if written == request.count - 1 {
            queue.append(.writeCommand(ControlCode.writeEnd))
            go(.afterEnd)
        } else {
            writeNext()
            go(.afterByte)
        }
    }

    /// GET_STATUS/ABORT, 00, the error code, READ, the dummy; then the request anew. EDK II shares it.
    mutating func linuxRecovery(_ status: StatusRegister, _ now: UInt64) {
        switch step {
        case .error0:
            // The first look clears OBF; a second one makes sure.
            if status.contains(.obf), now < errorDeadline, !configuration.ignoresOutput {
                clearOutput(status)
                if !poll(now) { deadline = nil }
                return
            }
            queue.append(.writeCommand(ControlCode.getStatusAbort))
            go(.error1)
        case .error1:
            clearOutput(status)
            queue.append(.writeData(0))
            go(.error2)
        case .error2:
            guard decide(status) == .read else { return recover(.wrongState(status.state), now) }
            guard status.contains(.obf) else { return wait(.noOutput, now) }
            readAndAcknowledge(keep: false)
            go(.error3)
        case .error3:
            guard decide(status) == .idle else { return recover(.wrongState(status.state), now) }
            guard status.contains(.obf) else { return wait(.noOutput, now) }
            queue.append(.readData)
            restart()
        default: preconditionFailure("not a step of the recovery")
        }
    }
}
