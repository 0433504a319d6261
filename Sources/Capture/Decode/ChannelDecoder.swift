// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import KCS
import MCTP

/// What is known of one channel while its records go by.
struct ChannelDecoder {
    let name: String
    private var transfer = KCSTransfer()
    private var ipmi = IPMIDecoder()
    private var mctp = MCTPDecoder()

    init(name: String) { self.name = name }

    /// Requests that no response followed.
    var unanswered: [String] { ipmi.unanswered + mctp.unanswered }

    mutating func decode(_ packet: PcapngReader.Packet, _ link: LinkType) -> Entry {
        switch link {
        case .registers:
            guard let record = RegisterRecord(packet.bytes) else { return other(packet, "user record") }
            return register(record)
        case .ipmi: return trace(packet)
        case .mctp:
            // LINUX_SLL2: 20 bytes, the protocol first, big-endian.
            guard packet.bytes.count >= 20, packet.bytes[0] == 0x00, packet.bytes[1] == 0xFA else {
                return other(packet, "cooked frame")
            }
            let bytes = packet.bytes[20...]
            let meaning = mctp.decode(bytes, packet.direction, at: packet.time)
            return withComment(
                Entry(
                    summary: "MCTP " + Hex.excerpt(bytes), meaning: meaning.lines, isError: meaning.isError),
                packet)
        default: return other(packet, "link type \(link.rawValue)")
        }
    }

    private func other(_ packet: PcapngReader.Packet, _ what: String) -> Entry {
        withComment(Entry(summary: what + " " + Hex.excerpt(packet.bytes[...])), packet)
    }

    private func withComment(_ entry: Entry, _ packet: PcapngReader.Packet) -> Entry {
        var entry = entry
        if !packet.comment.isEmpty { entry.meaning.append(Printable.text(packet.comment)) }
        if packet.originalLength > packet.bytes.count {
            entry.meaning.append("\(packet.originalLength - packet.bytes.count) more bytes were not kept")
        }
        return entry
    }

    // MARK: Registers

    private mutating func register(_ record: RegisterRecord) -> Entry {
        var entry = Entry(summary: ChannelDecoder.summary(record))
        if !record.comment.isEmpty {
            entry.meaning.append(record.comment)
            entry.isError = record.kind != .obfStallEnded
        }
        if let phase = transfer.record(record) {
            entry.meaning.append("KCS: " + phase.text)
            entry.isError = entry.isError || phase.isError
        }
        return entry
    }

    private static func summary(_ record: RegisterRecord) -> String {
        let value = record.value.map(Hex.byte) ?? "--"
        let str = record.str.map { "STR " + Hex.byte($0) } ?? ""
        let mask = record.mask.map { " mask " + Hex.byte($0) } ?? ""
        switch record.kind {
        case .idrRead:
            guard let bits = record.str else { return "IDR " + value }
            return "IDR " + value + "  "
                + (StatusRegister(rawValue: bits).contains(.commandData) ? "command" : "data   ") + "  " + str
                + flags(bits)
        case .hostByteDropped: return "IDR " + value + "  " + str + flags(record.str ?? 0)
        case .strRead, .obfStallBegan, .obfStallEnded: return str + flags(record.str ?? 0)
        case .odrWrite: return "ODR " + value
        case .strWrite: return str + mask
        case .odrAndSTRWrite, .replaced: return "ODR " + value + "  " + str + mask
        default: return "refused " + value
        }
    }

    /// The bits that mean the same on every channel.
    private static func flags(_ str: UInt8) -> String {
        let bits: [(StatusRegister, String)] = [
            (.obf, "OBF"), (.ibf, "IBF"), (.smsAttention, "SMS_ATN"), (.commandData, "C/D"),
        ]
        var names: [String] = []
        for (bit, name) in bits where StatusRegister(rawValue: str).contains(bit) { names.append(name) }
        return names.isEmpty ? "" : " (" + joined(names, " ") + ")"
    }

    // MARK: Trace records: IPMI messages and events

    private mutating func trace(_ packet: PcapngReader.Packet) -> Entry {
        // PICMG's header: byte 0 bits 5:4 the type, byte 7 the protocol; the data from byte 11 on.
        guard packet.bytes.count >= 11 else { return other(packet, "trace record") }
        let bytes = packet.bytes[11...]
        switch packet.bytes[0] >> 4 & 3 {
        case 0 where packet.bytes[7] == 0x05:
            let meaning = message(bytes, packet.direction, at: packet.time)
            return withComment(
                Entry(
                    summary: "message " + Hex.excerpt(bytes), meaning: meaning.lines, isError: meaning.isError),
                packet)
        case 2:
            let text = Printable.text(String(decoding: bytes, as: UTF8.self))
            return Entry(summary: "event: " + text, isError: ChannelDecoder.isFailure(text))
        default: return other(packet, "trace record")
        }
    }

    /// The words that the recorder's own failure events begin with, or hold.
    private static func isFailure(_ text: String) -> Bool {
        for lead in ["handler failed", "device failed", "fatal signal"] where text.utf8.starts(with: lead.utf8) {
            return true
        }
        // "12 capture records lost", whatever follows.
        let words = text.utf8.split(separator: 0x20, maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count >= 4, words[0].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return false }
        return words[1].elementsEqual("capture".utf8) && words[2].elementsEqual("records".utf8)
            && words[3].starts(with: "lost".utf8)
    }

    private mutating func message(_ bytes: ArraySlice<UInt8>, _ direction: Direction, at time: UInt64) -> Meaning {
        if let packet = bytes.withUnsafeBytes({ DSP0254.packet(in: $0) }) {
            return mctp.decode(bytes.dropFirst(packet.lowerBound).prefix(packet.count), direction, at: time)
        }
        return ipmi.decode(bytes, direction, at: time)
    }
}
