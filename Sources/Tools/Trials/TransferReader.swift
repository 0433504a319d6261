// SPDX-License-Identifier: Apache-2.0
import Capture
import KCS

/// Whole requests and answers out of register accesses, for captures that have no messages: IPMI 2.0 §9.7 and §9.8.
struct TransferReader {
    private enum Phase {
        case idle
        case writing
        case lastByte
        case waiting
        case reading
    }

    private var phase = Phase.idle
    private var request: [UInt8] = []
    private var answer: [UInt8] = []
    private var answeredAt: UInt64 = 0
    private var isReadState = false

    /// What the access completes.
    mutating func record(_ record: RegisterRecord, at time: UInt64) -> FieldEvent? {
        switch record.kind {
        case .idrRead where !record.isStale:
            let isCommand = record.port == .command || record.port == .asStatusSays && (record.str ?? 0) & 0x08 != 0
            return byte(record.value ?? 0, isCommand, time)
        case .strWrite: return status(record)
        case .odrWrite: write(record.value ?? 0, time)
        case .odrAndSTRWrite, .replaced:
            let ended = status(record)
            if ended == nil { write(record.value ?? 0, time) }
            return ended
        default: break
        }
        return nil
    }

    private mutating func byte(_ value: UInt8, _ isCommand: Bool, _ time: UInt64) -> FieldEvent? {
        if isCommand {
            switch value {
            case ControlCode.writeStart:
                let given = end()
                (phase, request, answer) = (.writing, [], [])
                return given
            case ControlCode.writeEnd where phase == .writing: phase = .lastByte
            default: phase = .idle
            }
            return nil
        }
        switch phase {
        case .writing: request.append(value)
        case .lastByte:
            phase = .waiting
            request.append(value)
            return request.count >= 2 ? FieldEvent(time, .request(request)) : nil
        default: break
        }
        return nil
    }

    private mutating func status(_ record: RegisterRecord) -> FieldEvent? {
        guard (record.mask ?? 0) & 0xC0 == 0xC0 else { return nil }
        let state = StatusRegister(rawValue: record.str ?? 0).state
        isReadState = state == .read
        return state == .read ? nil : end()
    }

    private mutating func write(_ value: UInt8, _ time: UInt64) {
        guard isReadState, phase == .waiting || phase == .reading else { return }
        if phase == .waiting { answeredAt = time }
        phase = .reading
        answer.append(value)
    }

    /// An answer is whole when STATE leaves READ.
    private mutating func end() -> FieldEvent? {
        guard phase == .reading, answer.count >= 3 else { return nil }
        phase = .idle
        return FieldEvent(answeredAt, .answer(.reply(answer)))
    }
}
