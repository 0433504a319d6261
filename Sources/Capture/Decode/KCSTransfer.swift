// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import KCS

/// Follows the registers of a channel through IPMI's KCS transfers (IPMI 2.0 §9): which phase, what a byte is for.
/// Says nothing until the host has begun a transfer: other protocols use the same registers differently.
struct KCSTransfer {
    private enum Phase {
        case unknown
        case idle
        case write(count: Int)
        case lastByte(count: Int)
        case waiting
        case read(count: Int)
        case abort
        case error
    }

    private var phase = Phase.unknown
    private var state: KCSState?

    struct Remark {
        var text: String
        var isError = false
    }

    mutating func record(_ record: RegisterRecord) -> Remark? {
        switch record.kind {
        case .idrRead:
            guard let value = record.value, let str = record.str, !record.isStale else { return nil }
            return StatusRegister(rawValue: str).contains(.commandData) ? command(value) : data(value)
        case .strWrite: return written(record.str, record.mask, odr: nil)
        case .odrWrite: return written(nil, nil, odr: record.value)
        case .odrAndSTRWrite, .replaced: return written(record.str, record.mask, odr: record.value)
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
            default:
                phase = .error
                return Remark(text: "WRITE_END without data", isError: true)
            }
        case ControlCode.getStatusAbort:
            // The debug trigger and others never write commands: 60 alone tells nothing yet.
            if case .unknown = phase { return nil }
            phase = .abort
            return Remark(text: "GET_STATUS/ABORT", isError: true)
        default:
            if case .unknown = phase { return nil }
            phase = .error
            return Remark(text: "illegal control code", isError: true)
        }
    }

    private mutating func data(_ value: UInt8) -> Remark? {
        switch phase {
        case .unknown: return nil
        case .write(let count):
            phase = .write(count: count + 1)
            return Remark(text: "write, " + KCSTransfer.place(count))
        case .lastByte(let count):
            phase = .waiting
            return Remark(text: "write, " + KCSTransfer.place(count) + ", the last")
        case .waiting, .read:
            return value == ControlCode.read
                ? Remark(text: "READ") : Remark(text: "not READ (68) in the read phase", isError: true)
        case .abort: return Remark(text: value == ControlCode.read ? "READ" : "abort")
        case .idle:
            return value == ControlCode.read ? Remark(text: "READ") : Remark(text: "data while idle", isError: true)
        case .error: return Remark(text: "data in the error state", isError: true)
        }
    }

    private mutating func written(_ str: UInt8?, _ mask: UInt8?, odr: UInt8?) -> Remark? {
        if case .unknown = phase { return nil }
        var words: [String] = []
        var isError = false
        if let str, let mask, StatusRegister(rawValue: mask).contains(.stateMask) {
            let new = StatusRegister(rawValue: str).state
            if new != state { words.append("STATE " + new.name) }
            state = new
            switch (new, phase) {
            case (.idle, _): phase = .idle
            case (.read, .waiting): phase = .read(count: 0)
            case (.error, _):
                phase = .error
                isError = true
            default: break
            }
        }
        if let odr {
            switch phase {
            case .waiting:
                phase = .read(count: 1)
                words.append("response, " + KCSTransfer.place(0))
            case .read(let count):
                phase = .read(count: count + 1)
                words.append("response, " + KCSTransfer.place(count, response: true))
            case .abort:
                words.append("error status " + Hex.byte(odr) + " (" + TransferErrorCode(rawValue: odr).name + ")")
            default: words.append("dummy")
            }
        }
        return words.isEmpty ? nil : Remark(text: joined(words, ", "), isError: isError)
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
