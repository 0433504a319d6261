// SPDX-License-Identifier: Apache-2.0

// EDK II: IDLE is wanted before the start (by ManageabilityPkg before a message of MCTP, not before each of its packets), and the
// dummy behind the response is waited for.

extension HostMachine {
    mutating func edk2Status(_ status: StatusRegister, _ now: UInt64) {
        if status.contains(.ibf) {
            if poll(now) { return }
            recover(.inputStuck, now)
            if step != .error0 { return }
        }
        switch step {
        case .start:
            if configuration.wantsIdle, decide(status) != .idle { return recover(.wrongState(status.state), now) }
            clearOutput(status)
            queue.append(.writeCommand(ControlCode.writeStart))
            go(.afterStart)
        case .afterStart, .afterByte, .afterEnd: linuxWrite(status, now)
        case .afterLast, .afterRead:
            switch decide(status) {
            case .read:
                guard status.contains(.obf) else {
                    if !poll(now) { recover(.noOutput, now) }
                    return
                }
                readAndAcknowledge(keep: true)
                go(.afterRead)
            case .idle:
                guard step == .afterRead else { return recover(.wrongState(.idle), now) }
                guard status.contains(.obf) else {
                    if !poll(now) { recover(.noOutput, now) }
                    return
                }
                queue.append(.readData)
                succeed()
            default: recover(.wrongState(status.state), now)
            }
        default: linuxRecovery(status, now)
        }
    }
}
