// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import KCS

/// Follows the registers of a channel through IPMI's KCS transfers (IPMI 2.0 §9): which phase, what a byte is for.
/// Says nothing until the host has begun a transfer: other protocols use the same registers differently. A violation is
/// an error once, at the byte that is wrong; what follows up to the next command that begins anew is part of it.
struct KCSTransfer {
    private enum Phase {
        case unknown
        /// `aborted`: IDLE stands already, and the 00 behind GET_STATUS/ABORT is still to be read.
        case idle(aborted: Bool)
        case write(count: Int)
        case lastByte(count: Int)
        case waiting
        case read(count: Int)
        case abort
        case error
    }

    private var phase = Phase.unknown
    private var state: KCSState?
    /// Does the channel run transfers, so that STATE and control codes mean what IPMI says?
    private(set) var isKnown = false
    /// Captures of before 2026-12 have C/D only, which may be that of the byte behind: it was seen to be.
    private var isStatusAhead = false
    /// The last byte read was WRITE_END, or data of its value.
    private var maybeWriteEnd = false

    struct Remark {
        var text: String
        var isError = false
    }

    /// A message was seen on the channel, so that there are transfers.
    mutating func messageSeen() { isKnown = true }

    mutating func record(_ record: RegisterRecord) -> (port: HostPort, remark: Remark?) {
        switch record.kind {
        case .idrRead:
            guard let value = record.value, !record.isStale else { return (.unknown, nil) }
            let port = port(record, value)
            maybeWriteEnd = false
            switch port {
            case .command: return (port, command(value))
            case .data: return (port, data(value))
            case .asStatusSays, .unknown: return (.unknown, undecided(value))
            }
        case .strWrite: return (.unknown, written(record.str, record.mask, odr: nil))
        case .odrWrite: return (.unknown, written(nil, nil, odr: record.value))
        case .odrAndSTRWrite, .replaced: return (.unknown, written(record.str, record.mask, odr: record.value))
        default: return (.unknown, nil)
        }
    }

    // MARK: Data or command

    private mutating func port(_ record: RegisterRecord, _ value: UInt8) -> HostPort {
        switch record.port {
        case .data, .command:
            isKnown = true
            return record.port
        case .unknown:
            isKnown = true
            return probable(value)
        case .asStatusSays: break
        }
        guard let str = record.str else { return .unknown }
        let said: HostPort = StatusRegister(rawValue: str).contains(.commandData) ? .command : .data
        guard isKnown else {
            isKnown = said == .command && value == ControlCode.writeStart
            return said
        }
        if contradicts(said, value) { isStatusAhead = true }
        return isStatusAhead ? probable(value) : said
    }

    private static func isControlCode(_ value: UInt8) -> Bool {
        value >= ControlCode.getStatusAbort && value <= ControlCode.writeEnd
    }

    private func contradicts(_ said: HostPort, _ value: UInt8) -> Bool {
        if said == .command { return !KCSTransfer.isControlCode(value) }
        if case .write = phase { return false }
        return value == ControlCode.writeStart
    }

    /// What a byte of that value is in this phase, where the port is not known.
    private func probable(_ value: UInt8) -> HostPort {
        let isControlCode = KCSTransfer.isControlCode(value)
        switch phase {
        case .write, .lastByte: return isControlCode ? .unknown : .data
        default:
            if value == ControlCode.writeEnd { return .unknown }
            if isControlCode { return .command }
            return value == ControlCode.read || value == 0 ? .data : .unknown
        }
    }

    // MARK: Bytes of the host

    private mutating func undecided(_ value: UInt8) -> Remark? {
        switch phase {
        case .write(let count):
            maybeWriteEnd = value == ControlCode.writeEnd
            phase = .write(count: count + 1)
            return Remark(text: "write, " + KCSTransfer.place(count) + ", or a command")
        case .lastByte: return data(value)
        default: return nil
        }
    }

    private mutating func command(_ value: UInt8) -> Remark? {
        switch value {
        case ControlCode.writeStart:
            phase = .write(count: 0)
            return Remark(text: "WRITE_START")
        case ControlCode.writeEnd:
            switch phase {
            case .unknown: return nil
            case .write(let count) where count > 0:
                phase = .lastByte(count: count)
                return Remark(text: "WRITE_END")
            default: return violation("WRITE_END without data")
            }
        case ControlCode.getStatusAbort:
            // The debug trigger and others never write commands: 60 alone tells nothing yet.
            guard isKnown else { return nil }
            phase = .abort
            return Remark(text: "GET_STATUS/ABORT", isError: true)
        default:
            if case .unknown = phase { return nil }
            return violation("illegal control code")
        }
    }

    private mutating func data(_ value: UInt8) -> Remark? {
        let isRead = value == ControlCode.read
        switch phase {
        case .unknown: return nil
        case .write(let count):
            phase = .write(count: count + 1)
            return Remark(text: "write, " + KCSTransfer.place(count))
        case .lastByte(let count):
            phase = .waiting
            return Remark(text: "write, " + KCSTransfer.place(count) + ", the last")
        case .waiting, .read: return isRead ? Remark(text: "READ") : violation("not READ (68) in the read phase")
        case .abort: return Remark(text: isRead ? "READ" : "abort")
        case .idle(aborted: true) where value == 0: return Remark(text: "abort")
        case .idle: return isRead ? Remark(text: "READ") : violation("data while idle")
        case .error: return Remark(text: "of a transfer that failed")
        }
    }

    private mutating func violation(_ text: String) -> Remark {
        if case .error = phase { return Remark(text: "of a transfer that failed") }
        phase = .error
        return Remark(text: text, isError: true)
    }

    // MARK: What the BMC writes

    private mutating func written(_ str: UInt8?, _ mask: UInt8?, odr: UInt8?) -> Remark? {
        guard isKnown else { return nil }
        var words: [String] = []
        var isError = false
        if let str, let mask, StatusRegister(rawValue: mask).contains(.stateMask) {
            let new = StatusRegister(rawValue: str).state
            if new != state {
                words.append("STATE " + new.name)
                isError = new == .error
            }
            state = new
            enter(new)
        }
        if let odr { words.append(output(odr)) }
        return words.isEmpty ? nil : Remark(text: joined(words, ", "), isError: isError)
    }

    private mutating func enter(_ state: KCSState) {
        switch (state, phase) {
        case (.idle, .abort): phase = .idle(aborted: true)
        case (.idle, _): phase = .idle(aborted: false)
        case (.read, .waiting): phase = .read(count: 0)
        case (.read, .write(let count)) where maybeWriteEnd: phase = .lastByte(count: count - 1)
        case (.error, _): phase = .error
        default: break
        }
    }

    /// A byte in ODR is for the host where STATE is READ; anything else it reads and throws away.
    private mutating func output(_ odr: UInt8) -> String {
        guard state == .read else { return "dummy" }
        switch phase {
        case .waiting:
            phase = .read(count: 1)
            return "response, " + KCSTransfer.place(0)
        case .read(let count):
            phase = .read(count: count + 1)
            return "response, " + KCSTransfer.place(count, response: true)
        case .abort: return "error status " + Hex.byte(odr) + " (" + TransferErrorCode(rawValue: odr).name + ")"
        default: return "dummy"
        }
    }

    private static func place(_ index: Int, response: Bool = false) -> String {
        switch index {
        case 0: "NetFn/LUN"
        case 1: "command"
        case 2 where response: "completion code"
        default: "data byte \(index - (response ? 2 : 1))"
        }
    }
}
