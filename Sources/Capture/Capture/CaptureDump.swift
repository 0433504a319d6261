// SPDX-License-Identifier: Apache-2.0

/// Rings made a pcapng file, all channels merged by time, piece by piece: the whole file need not be in memory.
public struct CaptureDump {
    private var writer = PcapngWriter()
    private var sources: [Source] = []
    private var final: (time: UInt64, text: String, channel: Int)?

    private struct Source {
        let ring: RingSnapshot
        var encoder: ChannelEncoder
        var position: UInt64
        var lost: UInt64 = 0
        var head: Event?
        var headTime: UInt64 = 0
        var lastTime: UInt64 = 0

        mutating func advance() {
            head = ring.next(after: &position, lost: &lost)
            if let head {
                // A ring that goes back in time (a clock of another boot) stays in its own order.
                headTime = max(ring.wallTime(of: head), lastTime)
                lastTime = headTime
            }
        }
    }

    /// The program's name in the files' section headers.
    public static let application = "kcsmuxd"

    /// A dump of some channels.
    public init(_ rings: [RingSnapshot]) {
        writer.section(application: CaptureDump.application)
        for ring in rings { add(ring) }
    }

    /// A dump that a dying process left. Its last packet, on the culprit's channel if there is one, says what happened.
    public init(_ dump: RawDump) {
        self.init(dump.rings)
        if sources.isEmpty { add(RingSnapshot.empty(channel: "kcsmuxd", description: "the daemon")) }
        let name = dump.culprit?.channel ?? ""
        let channel = sources.firstIndex { $0.ring.channel.utf8.elementsEqual(name.utf8) } ?? 0
        final = (WallTime.of(dump.time, offset: dump.wallOffset), dump.sentence, channel)
    }

    private mutating func add(_ ring: RingSnapshot) {
        var encoder = ChannelEncoder(
            name: ring.channel, description: ring.description, number: ring.number, &writer)
        // Interfaces come before the first packet: reordercap takes no other capture.
        var look = ring.start
        var unreadable: UInt64 = 0
        while let event = ring.next(after: &look, lost: &unreadable) { encoder.describe(event, &writer) }
        var source = Source(ring: ring, encoder: encoder, position: ring.start)
        source.advance()
        sources.append(source)
    }

    /// The next whole blocks, about `size` bytes of them; nil when there are no more.
    public mutating func next(size: Int = 65536) -> [UInt8]? {
        while writer.bytes.count < size {
            var earliest: Int?
            for index in sources.indices where sources[index].head != nil {
                if let found = earliest, sources[found].headTime <= sources[index].headTime { continue }
                earliest = index
            }
            guard let index = earliest, let event = sources[index].head else {
                finish()
                break
            }
            sources[index].encoder.encode(event, time: sources[index].headTime, &writer)
            sources[index].advance()
        }
        let bytes = writer.take()
        return bytes.isEmpty ? nil : bytes
    }

    private mutating func finish() {
        if let final {
            sources[final.channel].encoder.text(final.text, time: final.time, &writer)
            self.final = nil
        }
        for source in sources {
            let overwritten = source.ring.start
            writer.statistics(
                interface: source.encoder.registers, time: source.lastTime, received: source.ring.position,
                lost: overwritten + source.lost,
                comment: overwritten + source.lost == 0
                    ? "" : "\(overwritten) older records overwritten, \(source.lost) unreadable")
        }
        sources = []
    }

    /// All of it at once.
    public static func pcapng(_ rings: [RingSnapshot]) -> [UInt8] { whole(CaptureDump(rings)) }

    /// All of a raw dump at once.
    public static func pcapng(_ dump: RawDump) -> [UInt8] { whole(CaptureDump(dump)) }

    /// A capture in any of the project's forms (pcapng, raw dump, ring file) as pcapng; nil when it is none of them.
    public static func converted(_ bytes: [UInt8]) -> [UInt8]? {
        if let dump = RawDump(bytes) { return pcapng(dump) }
        if let ring = RingSnapshot(bytes) { return pcapng([ring]) }
        if PcapngReader.isPcapng(bytes) { return bytes }
        return nil
    }

    private static func whole(_ dump: CaptureDump) -> [UInt8] {
        var dump = dump
        var bytes: [UInt8] = []
        while let chunk = dump.next() { bytes.append(contentsOf: chunk) }
        return bytes
    }
}

extension RingSnapshot {
    /// A ring without records.
    static func empty(channel: String, description: String) -> RingSnapshot {
        let identity = RecorderIdentity(channel: channel, description: description)
        let storage = RingStorage(identity, capacity: RingLayout.minimumCapacity)
        // The memory lives no longer than its owner, which this line is the last to name.
        return withExtendedLifetime(storage) { RingSnapshot(copying: storage.memory) }
    }
}
