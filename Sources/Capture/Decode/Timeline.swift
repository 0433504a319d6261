// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// A capture as readable text: one line a record, and under it what the record means.
public struct Timeline {
    private var reader: PcapngReader
    private let filter: TimelineFilter
    private var streams: [Stream] = []
    private var channels: [ChannelDecoder] = []
    private var lastTime: UInt64?
    private var nameWidth = 4

    /// Records that were shown.
    public private(set) var shown = 0
    /// Errors among all records of the channels asked for, in the time asked for.
    public private(set) var errors = 0

    /// An interface of the section: which channel, which of its streams.
    private struct Stream {
        let channel: Int
        let link: LinkType
    }

    /// The timeline of a capture in any form: pcapng, raw dump, or a recorder's file. Nil when it is none of them.
    public init?(_ file: [UInt8], filter: TimelineFilter = TimelineFilter()) {
        guard let pcapng = CaptureDump.converted(file), let reader = PcapngReader(pcapng) else { return nil }
        self.reader = reader
        self.filter = filter
    }

    /// The next record's lines, without an end of line behind the last; nil at the end.
    public mutating func next() -> String? {
        while let item = reader.next() {
            switch item {
            case .section: streams = []
            case .interface(let interface): add(interface)
            case .packet(let packet):
                guard packet.interface < streams.count else { continue }
                if let lines = line(packet, streams[packet.interface]) { return lines }
            case .statistics(let interface, let received, let lost, let comment):
                guard interface < streams.count, let lost, lost > 0 else { continue }
                let channel = channels[streams[interface].channel].name
                guard filter.takes(channel: channel) else { continue }
                let total = received.map { " of \($0)" } ?? ""
                let why = comment.isEmpty ? "" : ": " + Printable.text(comment)
                return "# \(channel): \(lost)\(total) capture records are not in this file\(why)"
            }
        }
        return nil
    }

    /// Did reading reach the end without finding the file damaged or cut?
    public var isWhole: Bool { reader.damage == nil && !reader.isTorn }

    /// What is to be said at the end, one sentence a line: damage, a torn end, requests that were never answered.
    public var remarks: [String] {
        var remarks: [String] = []
        if let damage = reader.damage {
            remarks.append("# damaged at byte \(damage.offset): \(damage.rule)")
        }
        if reader.isTorn { remarks.append("# the file ends inside a block: its writer was stopped") }
        for channel in channels where filter.takes(channel: channel.name) {
            for request in channel.unanswered { remarks.append("# \(channel.name): no response to \(request)") }
        }
        return remarks
    }

    private mutating func add(_ interface: PcapngReader.Interface) {
        // "debug/registers" is a stream of channel "debug"; another program's interface is a channel of its own.
        let bytes = Array(interface.name.utf8)
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.count
        var name = Printable.text(String(decoding: bytes[..<slash], as: UTF8.self))
        if name.isEmpty { name = "?" }
        let channel: Int
        if let known = channels.firstIndex(where: { $0.name == name }) {
            channel = known
        } else {
            channel = channels.count
            channels.append(ChannelDecoder(name: name))
            nameWidth = min(32, max(nameWidth, name.utf8.count))
        }
        streams.append(Stream(channel: channel, link: interface.link))
    }

    private mutating func line(_ packet: PcapngReader.Packet, _ stream: Stream) -> String? {
        // Records that are not shown still move the channel's state on: the ones behind them need it.
        let entry = channels[stream.channel].decode(packet, stream.link)
        let name = channels[stream.channel].name
        guard filter.takes(channel: name), filter.takes(time: packet.time) else { return nil }
        if entry.isError { errors += 1 }
        if filter.errorsOnly && !entry.isError { return nil }
        shown += 1
        let delta = lastTime.map { packet.time >= $0 ? packet.time - $0 : 0 } ?? 0
        lastTime = packet.time
        var text = UTCTime.text(packet.time) + "  +" + UTCTime.seconds(delta) + "  " + Column.left(name, nameWidth)
        text += "  " + arrow(packet.direction) + "  " + entry.summary
        for meaning in entry.meaning { text += "\n" + Column.left("", 30) + "| " + meaning }
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

/// Which records a timeline shows.
public struct TimelineFilter: Sendable {
    /// One channel only.
    public var channel: String?
    /// From this time on, nanoseconds since 1970.
    public var from: UInt64?
    /// Up to this time, nanoseconds since 1970.
    public var to: UInt64?
    /// Errors only: failures, refused, dropped or replaced bytes, losses, completion codes other than 0, STATE ERROR.
    public var errorsOnly: Bool

    /// A filter; by default it takes everything.
    public init(channel: String? = nil, from: UInt64? = nil, to: UInt64? = nil, errorsOnly: Bool = false) {
        self.channel = channel
        self.from = from
        self.to = to
        self.errorsOnly = errorsOnly
    }

    func takes(channel name: String) -> Bool { channel.map { $0 == name } ?? true }

    func takes(time: UInt64) -> Bool { (from.map { time >= $0 } ?? true) && (to.map { time <= $0 } ?? true) }
}

/// Text in columns.
enum Column {
    static func left(_ text: String, _ width: Int) -> String {
        var padded = text
        var count = text.utf8.count
        while count < width {
            padded += " "
            count += 1
        }
        return padded
    }
}

/// Text of unknown origin, made safe for a terminal.
enum Printable {
    /// Control characters, which could steer a terminal, as \xNN.
    static func text(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0) {
                safe += "\\x" + Hex.byte(UInt8(scalar.value))
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}

extension Hex {
    /// At most 32 bytes, and how many more there are.
    static func excerpt(_ values: ArraySlice<UInt8>) -> String {
        let limit = 32
        return bytes(values.prefix(limit)) + (values.count > limit ? " … \(values.count - limit) more" : "")
    }
}
