// SPDX-License-Identifier: Apache-2.0

// FreeIPMI: a look for each question, so that a step takes several; the first wrong state ends the request.

extension HostMachine {
    mutating func freeIPMIStatus(_ status: StatusRegister, _ now: UInt64) {
        switch step {
        // Waits for IBF to fall.
        case .start: inputEmpty(status, now, then: .clearBeforeStart)
        case .afterStart: inputEmpty(status, now, then: .checkAfterStart)
        case .beforeByte: inputEmpty(status, now, then: .clearBeforeByte)
        case .afterByte: inputEmpty(status, now, then: .checkAfterByte)
        case .afterEnd: inputEmpty(status, now, then: .checkAfterEnd)
        case .afterLast: inputEmpty(status, now, then: .checkAfterLast)
        case .afterRead: inputEmpty(status, now, then: .checkAfterRead)
        // Looks at STATE.
        case .checkAfterStart: writing(status, then: request.count == 1 ? nil : .beforeByte)
        case .checkAfterByte: writing(status, then: .clearAfterByte)
        case .checkAfterEnd: writing(status, then: .clearAfterEnd)
        case .checkAfterLast:
            guard decide(status) == .read else { return fail(.wrongState(status.state)) }
            go(.waitForOutput)
        case .checkAfterRead:
            switch decide(status) {
            case .read: go(.waitForOutput)
            case .idle: go(.waitForDummy)
            default: fail(.wrongState(status.state))
            }
        // Reads ODR if there is something in it, then writes.
        case .clearBeforeStart:
            clearOutput(status)
            queue.append(.writeCommand(ControlCode.writeStart))
            go(.afterStart)
        case .clearBeforeByte:
            clearOutput(status)
            writeNext()
            go(.afterByte)
        case .clearAfterByte:
            clearOutput(status)
            if written < request.count - 1 { go(.beforeByte) } else { writeEnd() }
        case .clearAfterEnd:
            clearOutput(status)
            writeNext()
            go(.afterLast)
        // Waits for OBF.
        case .waitForOutput:
            guard status.contains(.obf) else { return noOutput(now) }
            readAndAcknowledge(keep: true)
            go(.afterRead)
        case .waitForDummy:
            guard status.contains(.obf) else { return noOutput(now) }
            queue.append(.readData)
            succeed()
        case .error0, .error1, .error2, .error3, .done: preconditionFailure("not a step of FreeIPMI's")
        }
    }

    private mutating func inputEmpty(_ status: StatusRegister, _ now: UInt64, then next: Step) {
        if !status.contains(.ibf) { return go(next) }
        if !poll(now) { fail(.inputStuck) }
    }

    private mutating func writing(_ status: StatusRegister, then next: Step?) {
        guard decide(status) == .write else { return fail(.wrongState(status.state)) }
        if let next { go(next) } else { writeEnd() }
    }

    private mutating func writeEnd() {
        queue.append(.writeCommand(ControlCode.writeEnd))
        go(.afterEnd)
    }

    private mutating func noOutput(_ now: UInt64) {
        if !poll(now) { fail(.noOutput) }
    }
}
