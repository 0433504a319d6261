// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import JSON
import KCS

// A register access in words, and as fields.

extension Access {
    var summary: String {
        let value = record.value.map(Hex.byte) ?? "--"
        switch record.kind {
        case .idrRead:
            let port =
                switch self.port {
                case .data: "data   "
                case .command: "command"
                case .asStatusSays, .unknown: "?      "
                }
            return "IDR " + value + (record.str == nil ? "" : "  " + port + "  " + status)
        case .hostByteDropped: return "IDR " + value + "  " + status
        case .strRead, .obfStallBegan, .obfStallEnded, .strWrite: return status
        case .odrWrite: return "ODR " + value
        case .odrAndSTRWrite, .replaced: return "ODR " + value + "  " + status
        default: return "refused " + value
        }
    }

    private var status: String {
        guard let str = record.str else { return "STR --" }
        var text = "STR " + Hex.byte(str)
        if let mask = record.mask { text += " mask " + Hex.byte(mask) }
        var words = names
        if let state { words.insert(state.name, at: 0) }
        return words.isEmpty ? text : text + " (" + joined(words, " ") + ")"
    }

    /// STATE, where the channel has one, and where a write touched it.
    private var state: KCSState? {
        guard hasState, let str = record.str,
            StatusRegister(rawValue: record.mask ?? 0xFF).contains(.stateMask)
        else { return nil }
        return StatusRegister(rawValue: str).state
    }

    /// The bits that mean the same on every channel, where they are set; of a write, the one that is software's.
    private var names: [String] {
        guard let str = record.str else { return [] }
        let bits: [(StatusRegister, String)] = [
            (.obf, "OBF"), (.ibf, "IBF"), (.smsAttention, "SMS_ATN"), (.commandData, "C/D"),
        ]
        let told = record.mask.map { $0 & StatusRegister.smsAttention.rawValue } ?? 0xFF
        var names: [String] = []
        for (bit, name) in bits where StatusRegister(rawValue: str & told).contains(bit) { names.append(name) }
        return names
    }

    var fields: [JSONMember] {
        var members = [JSONMember("access", .string(word))]
        func add(_ name: String, _ value: UInt8?) {
            if let value { members.append(JSONMember(name, .integer(Int(value)))) }
        }
        add("value", record.value)
        if record.kind == .idrRead, port == .data || port == .command {
            members.append(JSONMember("port", .string(port == .data ? "data" : "command")))
        }
        add("str", record.str)
        add("mask", record.mask)
        if let state { members.append(JSONMember("state", .string(state.name))) }
        if record.str != nil { members.append(JSONMember("flags", .strings(names))) }
        if record.isStale { members.append(JSONMember("stale", .bool(true))) }
        if !record.comment.isEmpty { members.append(JSONMember("comment", .string(record.comment))) }
        if let phase { members.append(JSONMember("phase", .string(phase))) }
        return members
    }

    private var word: String {
        switch record.kind {
        case .idrRead: "idr-read"
        case .strRead: "str-read"
        case .odrWrite: "odr-write"
        case .strWrite: "str-write"
        case .odrAndSTRWrite: "odr-and-str-write"
        case .replaced: "replace"
        case .hostByteDropped: "host-byte-dropped"
        case .obfStallBegan: "obf-stall-began"
        case .obfStallEnded: "obf-stall-ended"
        default: "refused"
        }
    }
}
