// SPDX-License-Identifier: Apache-2.0
import Common

/// Turns one channel's events into packets of a pcapng section: one interface a stream.
///
///     NAME/registers  USER0 (147)  every register access
///     NAME/events     260          the channel's life as text records, which a viewer shows as they are
///     NAME/ipmi       260          IPMI messages behind PICMG's trace header
///     NAME/mctp       276          MCTP packets
///     NAME/link-N     N            a handler's own link type
///
/// The first two are described at once, in this order; the others when they first occur, or when `describe` says that
/// they will.
struct ChannelEncoder {
    let name: String
    let description: String
    let number: UInt8
    let registers: UInt32
    let events: UInt32
    private var ipmi: UInt32?
    private var mctp: UInt32?
    private var others: [(link: LinkType, interface: UInt32)] = []

    /// A handler that makes up link types does not get more interfaces than this; their bytes are shown as text.
    private static let maximumOthers = 16

    init(name: String, description: String, number: UInt8, _ writer: inout PcapngWriter) {
        self.name = name
        self.description = description
        self.number = number
        registers = writer.interface(
            name: name + "/registers", description: "KCS registers, " + description, link: .registers)
        events = writer.interface(name: name + "/events", description: "events, " + description, link: .ipmi)
    }

    /// Describes the interface that an event will need, if it isn't described yet.
    mutating func describe(_ event: Event, _ writer: inout PcapngWriter) {
        guard EventText.of(event.body) == nil, case .block(let block) = event.body else { return }
        _ = interface(block.link, &writer)
    }

    /// Appends an event; `time` in nanoseconds since 1970.
    mutating func encode(_ event: Event, time: UInt64, _ writer: inout PcapngWriter) {
        if let text = EventText.of(event.body) {
            self.text(text, time: time, &writer)
            return
        }
        switch event.body {
        case .access(let kind, let first, let second, let third):
            guard let record = RegisterRecord(kind, first, second, third) else { return }
            let bytes = record.bytes
            writer.packet(
                interface: registers, time: time, direction: record.direction, bytes, originalLength: bytes.count,
                comment: record.comment)
        case .block(let block): encode(block, time: time, &writer)
        default: return
        }
    }

    /// Appends a text record, its text as the packet's comment too.
    func text(_ text: String, time: UInt64, _ writer: inout PcapngWriter) {
        let header = ChannelEncoder.traceHeader(type: 2, number, .none, count: text.utf8.count, time: time)
        let bytes = header + Array(text.utf8)
        writer.packet(
            interface: events, time: time, direction: .none, bytes, originalLength: bytes.count, comment: text)
    }

    /// A text record for the events of a section that describes one channel.
    static func lossBlock(_ text: String, time: UInt64) -> [UInt8] {
        var writer = PcapngWriter(interfaces: 2)
        let header = traceHeader(type: 2, 15, .none, count: text.utf8.count, time: time)
        let bytes = header + Array(text.utf8)
        writer.packet(
            interface: 1, time: time, direction: .none, bytes, originalLength: bytes.count, comment: text)
        return writer.take()
    }

    private mutating func encode(_ block: Event.Block, time: UInt64, _ writer: inout PcapngWriter) {
        let cut = block.originalLength - block.bytes.count
        let header: [UInt8]
        switch block.link {
        case .ipmi:
            header = ChannelEncoder.traceHeader(
                type: 0, number, block.direction, count: block.originalLength, time: time)
        case .mctp: header = cookedHeader(block.direction)
        default: header = []
        }
        guard let interface = interface(block.link, &writer) else {
            text(block.text + " link type \(block.link.rawValue): " + Hex.bytes(block.bytes), time: time, &writer)
            return
        }
        let bytes = header + block.bytes
        writer.packet(
            interface: interface, time: time, direction: block.direction, bytes, originalLength: bytes.count + cut,
            comment: block.text)
    }

    private mutating func interface(_ link: LinkType, _ writer: inout PcapngWriter) -> UInt32? {
        switch link {
        case .ipmi:
            if let ipmi { return ipmi }
            let number = writer.interface(
                name: name + "/ipmi", description: "IPMI messages, " + description, link: link)
            ipmi = number
            return number
        case .mctp:
            if let mctp { return mctp }
            let number = writer.interface(
                name: name + "/mctp", description: "MCTP packets, " + description, link: link)
            mctp = number
            return number
        default:
            for other in others where other.link == link { return other.interface }
            guard others.count < ChannelEncoder.maximumOthers, link != .none else { return nil }
            let number = writer.interface(
                name: name + "/link-\(link.rawValue)", description: "frames, " + description, link: link)
            others.append((link, number))
            return number
        }
    }

    /// PICMG HPM.2's trace header: 11 bytes, little-endian.
    private static func traceHeader(
        type: UInt8, _ number: UInt8, _ direction: Direction, count: Int, time: UInt64
    ) -> [UInt8] {
        let seconds = UInt32(truncatingIfNeeded: time / 1_000_000_000)
        let milliseconds = UInt16(time / 1_000_000 % 1000)
        return [
            type << 4 | number & 15,
            UInt8(truncatingIfNeeded: seconds), UInt8(truncatingIfNeeded: seconds >> 8),
            UInt8(truncatingIfNeeded: seconds >> 16), UInt8(truncatingIfNeeded: seconds >> 24),
            UInt8(truncatingIfNeeded: milliseconds), UInt8(milliseconds >> 8),
            0x05,  // KCS
            direction == .fromHost ? 0x80 : 0x00, 0,
            UInt8(min(count, 255)),
        ]
    }

    /// LINUX_SLL2: 20 bytes, big-endian; protocol ETH_P_MCTP, hardware ARPHRD_MCTP, no address.
    private func cookedHeader(_ direction: Direction) -> [UInt8] {
        [
            0x00, 0xFA, 0, 0, 0, 0, 0, number, 0x01, 0x22, direction == .toHost ? 4 : 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
        ]
    }
}
