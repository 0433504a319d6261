// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Events in words, as captures show them.
enum EventText {
    static func access(_ access: RefusedAccess) -> String {
        switch access {
        case .idrRead: "a read of IDR"
        case .odrWrite: "a write to ODR"
        case .strWrite: "a write to STR"
        case .odrAndSTRWrite: "a write to STR and ODR"
        }
    }

    static func reason(_ reason: RefusalReason) -> String {
        switch reason {
        case .outputFull: "OBF is set"
        case .inputEmpty: "IBF is clear"
        case .unsupported: "the device cannot do it"
        case .noHandler: "no handler runs"
        case .stale: "it was there before the device was opened"
        case .stopped: "the handler has stopped"
        }
    }

    /// An event of the channel's life; nil for what is no text but a frame of its own.
    static func of(_ body: Event.Body) -> String? {
        switch body {
        case .access(let kind, let first, let second, _):
            switch kind {
            case .deviceOpened: return "device opened, \(first) stale bytes"
            case .deviceClosed: return "device closed"
            case .deviceReset: return "channel reset"
            case .deviceFailed:
                return "device failed: " + Errno(rawValue: Int32(first) | Int32(second) << 8).description
            case .handlerStarted: return "handler \(first) started, reason \(second)"
            case .handlerStopped: return "handler \(first) stopped"
            default: return nil
            }
        case .block(let block):
            switch block.kind {
            case .handlerFailed: return "handler failed: " + block.text
            case .annotation where block.bytes.isEmpty: return block.text
            default: return nil
            }
        case .clockStep(let from, let to):
            let (step, overflow) = to.subtractingReportingOverflow(from)
            if overflow { return "wall clock set" }
            return "wall clock set " + (step < 0 ? "back" : "forward") + " by \(step.magnitude) ns"
        case .recordsLost(let count): return lost(count, "")
        case .lifeBegan(let process, let reason): return "capture begins: process \(process), reason \(reason)"
        }
    }

    static func lost(_ count: UInt64, _ why: String) -> String {
        "\(count) capture records lost" + (why.isEmpty ? "" : ": " + why)
    }

    static func signal(_ number: Int) -> String {
        switch number {
        case 0: "dump asked for"
        case 4: "fatal signal 4 (SIGILL)"
        case 5: "fatal signal 5 (SIGTRAP)"
        case 6: "fatal signal 6 (SIGABRT)"
        case 7: "fatal signal 7 (SIGBUS)"
        case 8: "fatal signal 8 (SIGFPE)"
        case 11: "fatal signal 11 (SIGSEGV)"
        default: "fatal signal \(number)"
        }
    }
}
