// SPDX-License-Identifier: Apache-2.0
import Capture
import Decode

/// Captures as columns, one value an event, for a page that shows a million of them.
public struct ReportData {
    /// What an event is, in the order of the page's colours.
    enum Kind: UInt8 {
        case fromHost, toHost, request, answer, event
    }

    /// The files' names.
    let files: [String]
    private(set) var channels: [String] = []
    /// Nanoseconds since `begin`.
    private(set) var times: [Double] = []
    private(set) var lanes: [UInt16] = []
    /// `Kind`, and bit 7 for what somebody looks for who looks for the fault.
    private(set) var kinds: [UInt8] = []
    /// Which of `texts`.
    private(set) var words: [UInt32] = []
    /// Each text once: an event in words, and behind a line feed what it means.
    private(set) var texts: [String] = []
    /// Requests: when, on which channel, nanoseconds to the answer or -1, which of `texts`, and 1 for those that failed.
    private(set) var exchanges: [Exchange] = []
    /// What is to be said of the files.
    public private(set) var notes: [String] = []
    /// Nanoseconds since 1970.
    private(set) var begin: UInt64 = 0
    /// The event behind which the host CPU did nothing more, or did not get on.
    private(set) var focus = 0

    struct Exchange {
        let time: Double
        let lane: UInt16
        let latency: Double
        let word: UInt32
        let isError: Bool
    }

    private var places: [String: UInt32] = [:]
    private var stalled: Int?
    private var lastHost = 0

    /// Events in all.
    public var count: Int { times.count }
    /// Events that failed.
    public var errors: Int { kinds.reduce(0) { $0 + Int($1 >> 7) } }

    /// Reads files' bytes. What cannot be read of them stands in `notes`.
    public init(_ files: [(name: String, bytes: [UInt8])]) {
        self.files = files.map { $0.name }
        var timeline = Timeline(self.files)
        for (index, file) in files.enumerated() {
            timeline.push(file.bytes[...], to: index)
            timeline.finish(index)
        }
        while let item = timeline.next() {
            switch item {
            case .record(let record): add(record)
            case .note(let text, _): notes.append(text)
            }
        }
        for exchange in timeline.unanswered { add(exchange) }
        for index in files.indices {
            if let fault = timeline.fault(of: index) { notes.append("\(files[index].name): \(fault)") }
        }
        focus = stalled ?? lastHost
        places = [:]
    }

    private mutating func add(_ record: Record) {
        let packet = record.packet
        if times.isEmpty { begin = packet.time }
        let kind: Kind
        switch (record.interface.link, packet.direction) {
        case (.registers, .toHost): kind = .toHost
        case (.registers, _): kind = .fromHost
        case (_, .fromHost): kind = .request
        case (_, .toHost): kind = .answer
        default: kind = .event
        }
        let index = times.count
        times.append(Double(packet.time &- begin > UInt64(Int64.max) ? 0 : packet.time - begin))
        lanes.append(lane(record.channel))
        kinds.append(kind.rawValue | (record.isError ? 0x80 : 0))
        words.append(word(([record.summary] + record.meaning).joined(separator: "\n")))
        // A host that leaves its byte in ODR, and never reads it, is taken for dead from there on.
        if record.summary.hasPrefix("STR"), record.meaning.contains("the host does not read ODR") {
            stalled = stalled ?? lastHost
        } else if packet.direction == .fromHost {
            (stalled, lastHost) = (nil, index)
        }
        for exchange in record.exchanges { add(exchange) }
    }

    private mutating func add(_ exchange: Decode.Exchange) {
        exchanges.append(
            Exchange(
                time: Double(exchange.time >= begin ? exchange.time - begin : 0), lane: lane(exchange.channel),
                latency: exchange.elapsed.map { Double($0) } ?? -1, word: word(exchange.name), isError: exchange.isError
            ))
    }

    private mutating func lane(_ name: String) -> UInt16 {
        if let known = channels.firstIndex(of: name) { return UInt16(known) }
        channels.append(name)
        return UInt16(channels.count - 1)
    }

    private mutating func word(_ text: String) -> UInt32 {
        if let known = places[text] { return known }
        let place = UInt32(texts.count)
        texts.append(text)
        places[text] = place
        return place
    }
}
