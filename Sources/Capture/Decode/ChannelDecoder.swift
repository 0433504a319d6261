// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import JSON
import MCTP

/// What is known of one channel while its records go by.
struct ChannelDecoder {
    let name: String
    private var transfer = KCSTransfer()
    private var ipmi = IPMIDecoder()
    private var mctp = MCTPDecoder()

    init(name: String) { self.name = name }

    /// Requests that no response followed.
    var unanswered: [Exchange] { ipmi.unanswered + mctp.unanswered }

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
            return frame("MCTP", bytes, mctp.decode(bytes, at: packet.time), packet)
        default: return other(packet, "link type \(link.rawValue)")
        }
    }

    private func frame(
        _ what: String, _ bytes: ArraySlice<UInt8>, _ meaning: Meaning, _ packet: PcapngReader.Packet
    ) -> Entry {
        var entry = Entry(
            summary: what + " " + Hex.excerpt(bytes), meaning: meaning.lines, fields: meaning.fields,
            exchanges: meaning.exchanges, isError: meaning.isError)
        for index in entry.exchanges.indices { entry.exchanges[index].channel = name }
        return withComment(entry, packet)
    }

    private func other(_ packet: PcapngReader.Packet, _ what: String) -> Entry {
        let data = JSONMember("data", .string(Hex.bytes(packet.bytes)))
        return withComment(Entry(summary: what + " " + Hex.excerpt(packet.bytes[...]), fields: [data]), packet)
    }

    private func withComment(_ entry: Entry, _ packet: PcapngReader.Packet) -> Entry {
        var entry = entry
        if !packet.comment.isEmpty {
            entry.meaning.append(Printable.text(packet.comment))
            entry.fields.append(JSONMember("comment", .string(packet.comment)))
        }
        let missing = packet.originalLength - packet.bytes.count
        if missing > 0 {
            entry.meaning.append("\(missing) more bytes were not kept")
            entry.fields.append(JSONMember("missing_bytes", .integer(missing)))
        }
        return entry
    }

    // MARK: Registers

    private mutating func register(_ record: RegisterRecord) -> Entry {
        let (port, remark) = transfer.record(record)
        let access = Access(record: record, port: port, hasState: transfer.isKnown, phase: remark?.text)
        var entry = Entry(summary: access.summary, access: access)
        if !record.comment.isEmpty {
            entry.meaning.append(record.comment)
            entry.isError = record.kind != .obfStallEnded
        }
        if let remark {
            entry.meaning.append("KCS: " + remark.text)
            entry.isError = entry.isError || remark.isError
        }
        return entry
    }

    // MARK: Trace records: IPMI messages and events

    private mutating func trace(_ packet: PcapngReader.Packet) -> Entry {
        // PICMG's header: byte 0 bits 5:4 the type, byte 7 the protocol; the data from byte 11 on.
        guard packet.bytes.count >= 11 else { return other(packet, "trace record") }
        let bytes = packet.bytes[11...]
        switch packet.bytes[0] >> 4 & 3 {
        case 0 where packet.bytes[7] == 0x05:
            transfer.messageSeen()
            return frame("message", bytes, message(bytes, at: packet.time), packet)
        case 2:
            let text = String(decoding: bytes, as: UTF8.self)
            return Entry(
                summary: "event: " + Printable.text(text), fields: [JSONMember("event", .string(text))],
                isError: ChannelDecoder.isFailure(text))
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

    private mutating func message(_ bytes: ArraySlice<UInt8>, at time: UInt64) -> Meaning {
        if let packet = bytes.withUnsafeBytes({ DSP0254.packet(in: $0) }) {
            return mctp.decode(bytes.dropFirst(packet.lowerBound).prefix(packet.count), at: time)
        }
        return ipmi.decode(bytes, at: time)
    }
}
