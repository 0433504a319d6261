// SPDX-License-Identifier: Apache-2.0
import Capture
import JSON

/// A record of a capture, and what it means.
public struct Record {
    /// The channel.
    public let channel: String
    /// As it stands in the file.
    public let packet: PcapngReader.Packet
    /// The interface that the packet names.
    public let interface: PcapngReader.Interface
    let entry: Entry

    /// Requests that it ended: answered by it, or given up for it.
    public var exchanges: [Exchange] { entry.exchanges }

    /// As an object, for programs.
    public var json: JSONValue {
        var members = [
            JSONMember("time", .string(UTCTime.standard(packet.time))), JSONMember("channel", .string(channel)),
            JSONMember("stream", .string(interface.name)),
        ]
        switch packet.direction {
        case .none: break
        case .fromHost: members.append(JSONMember("direction", .string("host-to-bmc")))
        case .toHost: members.append(JSONMember("direction", .string("bmc-to-host")))
        }
        members += entry.fields
        if let access = entry.access { members += access.fields }
        members.append(JSONMember("error", .bool(entry.isError)))
        return .object(members)
    }
}

/// A timeline as text: a line a record, and below it what the record means.
public struct TimelineText {
    private var lastTime: UInt64?

    /// Text that begins.
    public init() {}

    /// A record's lines, without an end of line behind the last. `width` is that of channels' names.
    public mutating func text(_ record: Record, width: Int) -> String {
        let time = record.packet.time
        let delta = lastTime.map { time >= $0 ? time - $0 : 0 } ?? 0
        lastTime = time
        var text = UTCTime.text(time) + "  +" + UTCTime.seconds(delta) + "  " + Column.left(record.channel, width)
        text += "  " + arrow(record.packet.direction) + "  " + record.entry.summary
        for meaning in record.entry.meaning { text += "\n" + Column.left("", 30) + "| " + meaning }
        return text
    }

    private func arrow(_ direction: Direction) -> String {
        switch direction {
        case .none: "        "
        case .fromHost: "host>BMC"
        case .toHost: "BMC>host"
        }
    }
}
