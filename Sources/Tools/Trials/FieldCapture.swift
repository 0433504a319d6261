// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// A capture as what happened to the handlers of each channel.
public struct FieldCapture {
    /// A channel of it.
    public struct Channel {
        /// Its name.
        public let name: String
        /// In the order of time; either registers or messages.
        public internal(set) var events: [FieldEvent] = []
        /// Are they messages?
        public internal(set) var isMessages = false
        /// Does the channel have more handlers than one?
        public internal(set) var isShared = false
    }

    /// In the order in which the file names them.
    public private(set) var channels: [Channel] = []
    /// What is wrong with the file, or nil.
    public private(set) var damage: String?

    private var raws: [RawChannel] = []
    private var places: [Int: Int] = [:]

    /// Reads a capture in any of the project's forms; nil when it is none.
    public init?(_ bytes: [UInt8]) {
        var reader = CaptureReader()
        reader.push(bytes[...])
        reader.finish()
        var interfaces = 0
        while let item = reader.next() {
            switch item {
            case .section: (places, interfaces) = ([:], 0)
            case .interface(let interface):
                places[interfaces] = place(interface.name)
                interfaces += 1
            case .packet(let packet):
                guard let place = places[packet.interface] else { continue }
                raws[place].add(packet, reader.interface(packet).link)
            case .statistics, .damage: break
            }
        }
        if reader.isRefused { return nil }
        damage =
            reader.damage.map { "damaged at byte \($0.offset): \($0.rule)" } ?? reader.cut.map { "cut at byte \($0)" }
        channels = raws.map { $0.channel }
    }

    /// "debug/registers" is a stream of channel "debug".
    private mutating func place(_ stream: String) -> Int {
        let name = stream.lastIndex(of: "/").map { String(stream[..<$0]) } ?? stream
        if let known = raws.firstIndex(where: { $0.name == name }) { return known }
        raws.append(RawChannel(name: name))
        return raws.count - 1
    }
}

/// A channel's packets while they are read.
private struct RawChannel {
    let name: String
    private var registers: [FieldEvent] = []
    private var messages: [FieldEvent] = []
    private var life: [FieldEvent] = []
    private var transfers = TransferReader()
    private var assembled: [FieldEvent] = []
    private var isShared = false
    /// The device is open, and no handler has said yet why it started: where that stands in all three lists.
    private var opened: (registers: Int, messages: Int, assembled: Int)?

    init(name: String) { self.name = name }

    mutating func add(_ packet: PcapngReader.Packet, _ link: LinkType) {
        switch link {
        case .registers:
            if let record = RegisterRecord(packet.bytes) { add(record, at: packet.time) }
        case .ipmi where packet.bytes.count > 11:
            let bytes = Array(packet.bytes[11...])
            if packet.bytes[0] >> 4 & 3 == 2 {
                event(String(decoding: bytes, as: UTF8.self), at: packet.time)
            } else if packet.bytes[7] == 0x05, bytes.count >= 2, packet.direction != .none {
                let body = packet.direction == .fromHost ? FieldEvent.Body.request(bytes) : .answer(.reply(bytes))
                messages.append(FieldEvent(packet.time, body))
            }
        default: break
        }
    }

    private mutating func add(_ record: RegisterRecord, at time: UInt64) {
        if let event = transfers.record(record, at: time) { assembled.append(event) }
        var body: FieldEvent.Body?
        let (value, str, mask) = (record.value ?? 0, record.str ?? 0, record.mask ?? 0)
        switch record.kind {
        case .idrRead where !record.isStale:
            let isCommand = record.port == .command || record.port == .asStatusSays && str & 0x08 != 0
            body = .byte(value, isCommand: isCommand)
        case .odrWrite: body = .answer(.odr(value))
        case .strWrite: body = .answer(.str(mask: mask, value: str & mask))
        case .odrAndSTRWrite, .replaced:
            body = .answer(.both(odr: value, mask: mask, value: str & mask, isReplacing: record.kind == .replaced))
        case .obfStallBegan: body = .hostStalls
        case .obfStallEnded: body = .hostReads
        default: break
        }
        if let body { registers.append(FieldEvent(time, body)) }
    }

    private mutating func event(_ text: String, at time: UInt64) {
        let words = text.split(separator: " ")
        func number(_ index: Int) -> Int { index < words.count ? Int(words[index].filter(\.isNumber)) ?? 0 : 0 }
        if text.hasPrefix("device opened, ") {
            opened = (registers.count, messages.count, assembled.count)
            both(FieldEvent(time, .started(reason: 0, stale: min(2, number(2)))))
        } else if text.hasPrefix("handler "), words.count >= 5, words[2] == "started," {
            if number(1) > 0 { isShared = true }
            started(UInt8(clamping: number(4)))
        } else if text.hasPrefix("handler "), words.count == 3, words[2] == "stopped" {
            if number(1) == 0 { both(FieldEvent(time, .stopped)) } else { isShared = true }
        } else if text == "channel reset" {
            both(FieldEvent(time, .reset))
        } else if text.contains("capture records lost") {
            both(FieldEvent(time, .gap(text)))
        }
    }

    private mutating func both(_ event: FieldEvent) {
        registers.append(event)
        messages.append(event)
        assembled.append(event)
    }

    /// The reason is known only behind what the handler did while it started.
    private mutating func started(_ reason: UInt8) {
        guard let opened else { return }
        self.opened = nil
        func told(_ list: inout [FieldEvent], _ index: Int) {
            guard case .started(_, let stale) = list[index].body else { return }
            list[index] = FieldEvent(list[index].time, .started(reason: reason, stale: stale))
        }
        told(&registers, opened.registers)
        told(&messages, opened.messages)
        told(&assembled, opened.assembled)
    }

    var channel: FieldCapture.Channel {
        func hasRequests(_ list: [FieldEvent]) -> Bool {
            list.contains { if case .request = $0.body { true } else { false } }
        }
        var channel = FieldCapture.Channel(name: name)
        channel.isMessages = hasRequests(messages) || hasRequests(assembled)
        channel.events = hasRequests(messages) ? messages : channel.isMessages ? assembled : registers
        channel.isShared = isShared
        return channel
    }
}
