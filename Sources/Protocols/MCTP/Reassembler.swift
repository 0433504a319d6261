// SPDX-License-Identifier: Apache-2.0
import Wire

/// How much a reassembler may hold, and for how long.
public struct ReassemblyLimits: Sendable {
    /// Nanoseconds from one packet of a message to the next.
    public var timeout: UInt64
    /// Bytes of memory for the incomplete messages of one source EID; also the longest message.
    public var perPeer: Int
    /// Bytes of memory for all of them.
    public var total: Int
    /// Incomplete messages at a time.
    public var messages: Int

    /// The time-out is the field's customary 6 s; 32 messages are all the tags of two peers.
    public init(timeout: UInt64 = 6_000_000_000, perPeer: Int = 256 << 10, total: Int = 1 << 20, messages: Int = 32) {
        precondition(perPeer > 0 && total >= perPeer && messages > 0, "reassembly needs room for one message")
        self.timeout = timeout
        self.perPeer = perPeer
        self.total = total
        self.messages = messages
    }
}

/// A whole message.
public struct ReceivedMessage {
    /// Who sent it.
    public let source: EID
    /// To whom: this endpoint's own EID, null or broadcast.
    public let destination: EID
    /// Tag and owner: the answer goes out with `tag.answer`.
    public let tag: MessageTag
    /// The message, its type byte first. At least one byte. The memory is used for the next message if nobody keeps it.
    public let body: [UInt8]

    /// The first byte.
    public var type: MessageType { MessageType(body[0]) }
}

/// What became of a packet.
public enum Reception {
    /// It is kept; the message is not whole yet.
    case incomplete
    /// It, and what was there of its message, is gone.
    case dropped(DropReason)
    /// It completed this message.
    case message(ReceivedMessage)
}

/// Puts messages together from packets (DSP0236 §8.9), one at a time for each (source, destination, tag, TO).
///
/// Memory is bounded whatever peers send: a sender that begins many messages loses its own oldest ones, and when all
/// room is taken the message that waited longest gives way, so that abandoned first packets never stop reception. Buffers
/// are kept for the next message, so that nothing is memory in the steady state.
struct Reassembler {
    private struct Slot {
        var source: UInt8 = 0
        var active = false
        var sequence: UInt8 = 0
        /// Payload bytes of the first packet.
        var fragment = 0
        var buffer: [UInt8] = []
        /// Bytes that `buffer` may hold without more memory.
        var capacity = 0
        var updated: UInt64 = 0
    }

    private let limits: ReassemblyLimits
    // The keys lie together, so that finding one looks at two cache lines; noKey marks a slot that is not active.
    private var keys: [UInt32]
    private var slots: [Slot]
    /// A message that came in one packet.
    private var single: [UInt8] = []
    private var recent = 0
    /// Bytes of memory held now.
    private(set) var memory = 0
    /// Incomplete messages now.
    private(set) var incomplete = 0

    private static var noKey: UInt32 { .max }

    init(_ limits: ReassemblyLimits) {
        self.limits = limits
        keys = Array(repeating: Self.noKey, count: limits.messages)
        slots = Array(repeating: Slot(), count: limits.messages)
    }

    /// Takes a packet whose header was read and found to be for this endpoint.
    mutating func receive(
        _ packet: Span<UInt8>, _ header: PacketHeader, now: UInt64, _ counters: inout Counters
    ) -> Reception {
        let payload = packet.count - PacketHeader.size
        let known = incomplete == 0 ? nil : find(header.terminusKey)
        if header.som {
            if let known {
                close(known)
                counters.count(.restarted)
            }
            guard payload > 0 else { return drop(.malformed, &counters) }
            if header.eom {
                single.removeAll(keepingCapacity: true)
                single.append(copying: packet.extracting(PacketHeader.size...))
                return .message(message(header, single))
            }
            return begin(packet, header, now: now, &counters)
        }
        guard let index = known else { return drop(.noContext, &counters) }
        if now &- slots[index].updated >= limits.timeout { return close(index, .timedOut, &counters) }
        guard header.sequence == slots[index].sequence else { return close(index, .sequenceGap, &counters) }
        let fits = header.eom ? payload <= slots[index].fragment : payload == slots[index].fragment
        guard fits else { return close(index, .sizeMismatch, &counters) }
        guard reserve(index, slots[index].buffer.count + payload, &counters) else {
            return close(index, .overLimit, &counters)
        }
        append(index, packet, now: now)
        guard header.eom else { return .incomplete }
        close(index)
        return .message(message(header, slots[index].buffer))
    }

    /// Forgets the message that a packet with this header belongs to, if there is one.
    mutating func abandon(_ header: PacketHeader) {
        if incomplete > 0, let index = find(header.terminusKey) { close(index) }
    }

    /// Drops what waited too long; answers when to look again, or nil if nothing is incomplete.
    mutating func expire(now: UInt64, _ counters: inout Counters) -> UInt64? {
        var next: UInt64?
        guard incomplete > 0 else { return nil }
        for index in 0..<limits.messages where slots[index].active {
            let deadline = slots[index].updated &+ limits.timeout
            if now >= deadline {
                close(index)
                counters.count(.timedOut)
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        return next
    }

    /// Drops everything incomplete.
    mutating func removeAll(_ counters: inout Counters) {
        for index in 0..<limits.messages where slots[index].active {
            close(index)
            counters.count(.linkReset)
        }
    }

    private func message(_ header: PacketHeader, _ body: [UInt8]) -> ReceivedMessage {
        ReceivedMessage(source: header.source, destination: header.destination, tag: header.tag, body: body)
    }

    private mutating func begin(
        _ packet: Span<UInt8>, _ header: PacketHeader, now: UInt64, _ counters: inout Counters
    ) -> Reception {
        let index = freeSlot(header.source.rawValue, &counters)
        slots[index].source = header.source.rawValue
        slots[index].active = true
        slots[index].sequence = header.sequence
        slots[index].fragment = packet.count - PacketHeader.size
        slots[index].buffer.removeAll(keepingCapacity: true)
        slots[index].updated = now
        keys[index] = header.terminusKey
        incomplete += 1
        guard reserve(index, packet.count - PacketHeader.size, &counters) else {
            return close(index, .overLimit, &counters)
        }
        append(index, packet, now: now)
        return .incomplete
    }

    private mutating func append(_ index: Int, _ packet: Span<UInt8>, now: UInt64) {
        slots[index].buffer.append(copying: packet.extracting(PacketHeader.size...))
        slots[index].sequence = (slots[index].sequence + 1) & 3
        slots[index].updated = now
        recent = index
    }

    private func find(_ key: UInt32) -> Int? {
        if keys[recent] == key { return recent }
        for index in 0..<limits.messages where keys[index] == key { return index }
        return nil
    }

    private mutating func close(_ index: Int) {
        slots[index].active = false
        keys[index] = Self.noKey
        incomplete -= 1
    }

    private mutating func close(_ index: Int, _ reason: DropReason, _ counters: inout Counters) -> Reception {
        close(index)
        return drop(reason, &counters)
    }

    private func drop(_ reason: DropReason, _ counters: inout Counters) -> Reception {
        counters.count(reason)
        return .dropped(reason)
    }

    /// A slot for a new message of `source`: the idle one with the largest buffer, or the oldest one's.
    private mutating func freeSlot(_ source: UInt8, _ counters: inout Counters) -> Int {
        var idle: Int?
        for index in 0..<limits.messages where !slots[index].active {
            if idle == nil || slots[index].capacity > slots[idle!].capacity { idle = index }
        }
        if let idle { return idle }
        // A sender that holds more than a quarter of the slots pays for the next one itself.
        var own = 0
        for index in 0..<limits.messages where slots[index].source == source { own += 1 }
        let victim = oldest(except: nil, source: own * 4 > limits.messages ? source : nil)!
        close(victim)
        counters.count(.evicted)
        return victim
    }

    private func oldest(except: Int?, source: UInt8?) -> Int? {
        var found: Int?
        for index in 0..<limits.messages where slots[index].active && index != except {
            if let source, slots[index].source != source { continue }
            if found == nil || slots[index].updated < slots[found!].updated { found = index }
        }
        return found
    }

    /// Room for `length` bytes in a slot, within both bounds; false if there is no way.
    private mutating func reserve(_ index: Int, _ length: Int, _ counters: inout Counters) -> Bool {
        if length <= slots[index].capacity { return true }
        guard length <= limits.perPeer else { return false }
        var capacity = max(4096, slots[index].capacity)
        while capacity < length { capacity *= 2 }
        capacity = min(capacity, max(length, limits.perPeer))
        // The sender's own incomplete messages first …
        let source = slots[index].source
        while peerMemory(source, except: index) + capacity > limits.perPeer {
            guard let victim = oldest(except: index, source: source) else { break }
            close(victim)
            counters.count(.evicted)
        }
        // … then buffers that nobody uses, then whoever waited longest.
        while memory - slots[index].capacity + capacity > limits.total {
            if !releaseIdleBuffer(except: index) {
                guard let victim = oldest(except: index, source: nil) else { return false }
                close(victim)
                counters.count(.evicted)
            }
        }
        slots[index].buffer.reserveCapacity(capacity)
        memory += capacity - slots[index].capacity
        slots[index].capacity = capacity
        return true
    }

    private func peerMemory(_ source: UInt8, except: Int) -> Int {
        var sum = 0
        for index in 0..<limits.messages where index != except {
            if slots[index].active && slots[index].source == source { sum += slots[index].capacity }
        }
        return sum
    }

    private mutating func releaseIdleBuffer(except: Int) -> Bool {
        for index in 0..<limits.messages where index != except {
            guard !slots[index].active, slots[index].capacity > 0 else { continue }
            memory -= slots[index].capacity
            slots[index].buffer = []
            slots[index].capacity = 0
            return true
        }
        return false
    }
}
