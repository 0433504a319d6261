// SPDX-License-Identifier: Apache-2.0
import Capture

/// Writes the records of one link type as pcapng: libpcap, and with it tcpdump, takes no file of several.
public struct LinkWriter {
    private let link: LinkType
    private var writer = PcapngWriter()
    private var described: [PcapngReader.Interface] = []

    /// The words for `--link`, and what they stand for.
    public static let words: [(word: String, link: LinkType)] = [
        ("register", .registers), ("ipmi", .ipmi), ("mctp", .mctp),
    ]

    /// A file of a link type.
    public init(_ link: LinkType) {
        self.link = link
        writer.section(application: "kcsctl")
    }

    /// Describes the interfaces of the link type that it does not know yet.
    public mutating func describe(_ interfaces: [PcapngReader.Interface]) {
        for interface in interfaces where interface.link == link && !described.contains(where: interface.isSame) {
            _ = writer.interface(name: interface.name, description: interface.description, link: link)
            described.append(interface)
        }
    }

    /// Appends a record, if it is of the link type.
    public mutating func add(_ record: Record) {
        describe([record.interface])
        guard let number = described.firstIndex(where: record.interface.isSame) else { return }
        let packet = record.packet
        writer.packet(
            interface: UInt32(number), time: packet.time, direction: packet.direction, packet.bytes,
            originalLength: packet.originalLength, comment: packet.comment)
    }

    /// What was not taken yet: whole blocks.
    public mutating func take() -> [UInt8] { writer.take() }
}
