// SPDX-License-Identifier: Apache-2.0
import Capture
import JSON

/// Captures as records in the order of time, and what each means. Files are pushed as they come, in pieces: `next` gives
/// what can be told so far, and `wanted` says of which file more is needed.
public struct Timeline {
    private var sources: [Source] = []
    private let filter: TimelineFilter
    private var channels: [ChannelDecoder] = []
    private var repeats = Repeats()

    /// The file that `next` needs more of, when it has given nothing; nil at the end.
    public private(set) var wanted: Int?
    /// Records that were shown.
    public private(set) var shown = 0
    /// Errors among all records of the channels asked for, in the time asked for.
    public private(set) var errors = 0
    /// How wide the names of channels are so far.
    public private(set) var nameWidth = 4
    /// The interfaces that the files have described so far.
    public private(set) var interfaces: [PcapngReader.Interface] = []

    /// An interface of a section: which channel, which of its streams.
    private struct Stream {
        let channel: Int
        let interface: PcapngReader.Interface
    }

    /// A file.
    private struct Source {
        let name: String
        var reader = CaptureReader()
        var streams: [Stream] = []
        /// The packet whose turn comes.
        var head: (packet: PcapngReader.Packet, stream: Stream)?
        var isFinished = false
        /// Was the last that was read damaged? Where one block is, many may be, and one line is enough.
        var isDamaged = false

        var isOver: Bool { isFinished || reader.isRefused }
    }

    /// What a timeline consists of.
    public enum Item {
        /// A record of a capture.
        case record(Record)
        /// Something about the capture itself: for people, and the same for programs.
        case note(String, JSONValue)
    }

    /// A timeline of files of these names.
    public init(_ names: [String], filter: TimelineFilter = TimelineFilter()) {
        self.filter = filter
        for name in names { sources.append(Source(name: name)) }
    }

    /// The timeline of a capture in any form: pcapng, raw dump, or a recorder's file. Nil when it is none of them.
    public init?(_ file: [UInt8], filter: TimelineFilter = TimelineFilter()) {
        self.init([""], filter: filter)
        push(file[...], to: 0)
        finish(0)
        if sources[0].reader.isRefused { return nil }
    }

    /// The next bytes of a file.
    public mutating func push(_ piece: ArraySlice<UInt8>, to file: Int) { sources[file].reader.push(piece) }

    /// There are no more bytes of a file.
    public mutating func finish(_ file: Int) {
        sources[file].reader.finish()
        sources[file].isFinished = true
    }

    /// The next record or note. Nil when a file has to go on first, or at the end.
    public mutating func next() -> Item? {
        wanted = nil
        while true {
            for index in sources.indices where sources[index].head == nil {
                if let note = fill(index) { return note }
                // Without its next record nobody knows which file's is the first.
                guard sources[index].head != nil || sources[index].isOver else {
                    wanted = index
                    return nil
                }
            }
            guard let index = earliest, let head = sources[index].head else { return nil }
            sources[index].head = nil
            if sources.count > 1, repeats.isRepeat(head.packet, head.stream.interface, of: index) { continue }
            if let record = record(head.packet, head.stream) { return .record(record) }
        }
    }

    private var earliest: Int? {
        var earliest: Int?
        for index in sources.indices {
            guard let head = sources[index].head else { continue }
            if let best = earliest, let other = sources[best].head, other.packet.time <= head.packet.time { continue }
            earliest = index
        }
        return earliest
    }

    /// Reads a file up to its next packet, or to something that is to be told at once.
    private mutating func fill(_ index: Int) -> Item? {
        while let item = sources[index].reader.next() {
            if case .damage(let damage) = item {
                if sources[index].isDamaged { continue }
                sources[index].isDamaged = true
                return note(damage, index)
            }
            sources[index].isDamaged = false
            switch item {
            case .section: sources[index].streams = []
            case .interface(let interface): add(interface, to: index)
            case .packet(let packet):
                guard packet.interface < sources[index].streams.count else { continue }
                sources[index].head = (packet, sources[index].streams[packet.interface])
                return nil
            case .statistics(let interface, let received, let lost, let comment):
                guard interface < sources[index].streams.count, let lost, lost > 0 else { continue }
                let channel = channels[sources[index].streams[interface].channel].name
                if filter.takes(channel: channel) { return Timeline.note(channel, received, lost, comment) }
            case .damage: break
            }
        }
        return nil
    }

    private mutating func add(_ interface: PcapngReader.Interface, to index: Int) {
        // "debug/registers" is a stream of channel "debug"; another program's interface is a channel of its own.
        let bytes = Array(interface.name.utf8)
        let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.count
        var name = Printable.text(String(decoding: bytes[..<slash], as: UTF8.self))
        if name.isEmpty { name = "?" }
        let channel: Int
        if let known = channels.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
            channel = known
        } else {
            channel = channels.count
            channels.append(ChannelDecoder(name: name))
            nameWidth = min(32, max(nameWidth, name.utf8.count))
        }
        sources[index].streams.append(Stream(channel: channel, interface: interface))
        if filter.takes(channel: name), !interfaces.contains(where: interface.isSame) { interfaces.append(interface) }
    }

    private mutating func record(_ packet: PcapngReader.Packet, _ stream: Stream) -> Record? {
        // Records that are not shown still move the channel's state on: the ones behind them need it.
        let entry = channels[stream.channel].decode(packet, stream.interface.link)
        let name = channels[stream.channel].name
        guard filter.takes(channel: name), filter.takes(time: packet.time) else { return nil }
        if entry.isError { errors += 1 }
        if filter.errorsOnly && !entry.isError { return nil }
        shown += 1
        return Record(channel: name, packet: packet, interface: stream.interface, entry: entry)
    }

    // MARK: What is to be said of the files

    private func note(_ damage: PcapngReader.Damage, _ index: Int) -> Item {
        let name = sources.count > 1 ? sources[index].name + ": " : ""
        return .note(
            "# \(name)damaged at byte \(damage.offset): \(damage.rule)",
            [
                "damage": .string(damage.rule), "file": .string(sources[index].name),
                "offset": .unsigned(damage.offset),
            ])
    }

    private static func note(_ channel: String, _ received: UInt64?, _ lost: UInt64, _ comment: String) -> Item {
        let total = received.map { " of \($0)" } ?? ""
        let why = comment.isEmpty ? "" : ": " + Printable.text(comment)
        var members = [JSONMember("channel", .string(channel)), JSONMember("lost", .unsigned(lost))]
        if let received { members.append(JSONMember("recorded", .unsigned(received))) }
        return .note("# \(channel): \(lost)\(total) capture records are not in this file\(why)", .object(members))
    }

    /// What is wrong with a file, once it is at its end; nil for a whole one.
    public func fault(of file: Int) -> String? {
        let reader = sources[file].reader
        if reader.isRefused { return "neither a pcapng capture, nor a crash dump, nor a persistent recorder's file" }
        var text = ""
        if let damage = reader.damage {
            text = "damaged at byte \(damage.offset): \(damage.rule)"
            if reader.damages > 1 { text += " (and \(reader.damages - 1) more)" }
        }
        guard let cut = reader.cut else { return text.isEmpty ? nil : text }
        return (text.isEmpty ? "" : text + "; ") + "cut at byte \(cut): the file ends inside a block"
    }

    /// Requests of which the capture holds no answer, at its end.
    public var unanswered: [Exchange] {
        var exchanges: [Exchange] = []
        for channel in channels where filter.takes(channel: channel.name) {
            for var exchange in channel.unanswered where filter.takes(time: exchange.time) {
                exchange.channel = channel.name
                exchanges.append(exchange)
            }
        }
        return exchanges
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

    func takes(channel name: String) -> Bool { channel.map { $0.utf8.elementsEqual(name.utf8) } ?? true }

    func takes(time: UInt64) -> Bool { (from.map { time >= $0 } ?? true) && (to.map { time <= $0 } ?? true) }
}
