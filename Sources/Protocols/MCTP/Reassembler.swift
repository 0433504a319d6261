// SPDX-License-Identifier: Apache-2.0

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

/// A whole message, in memory that is valid until the reassembler gets its next packet.
public struct ReceivedMessage {
    /// Who sent it.
    public let source: EID
    /// To whom: this endpoint's own EID, null or broadcast.
    public let destination: EID
    /// Tag and owner: the answer goes out with `tag.answer`.
    public let tag: MessageTag
    /// The message with one byte of room in front of its type, so that who passes it on can put an address there.
    public let frame: UnsafeMutableRawBufferPointer

    /// The message, its type byte first. At least one byte.
    public var body: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: frame[1...]) }
    /// The first byte.
    public var type: MessageType { MessageType(frame[1]) }
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
/// are kept for the next message, so that nothing is allocated in the steady state.
struct Reassembler: ~Copyable {
    private struct Slot {
        var source: UInt8 = 0
        var active = false
        var sequence: UInt8 = 0
        var fragment = 0
        /// Bytes in `buffer`, its first byte of room included.
        var length = 0
        var buffer: UnsafeMutableRawPointer?
        var capacity = 0
        var updated: UInt64 = 0
    }

    private let limits: ReassemblyLimits
    // The keys lie together, so that finding one looks at two cache lines; noKey marks a slot that is not active.
    private let keys: UnsafeMutablePointer<UInt32>
    private let slots: UnsafeMutablePointer<Slot>
    private var allocated = 0
    private var active = 0
    private var recent = 0

    private static var noKey: UInt32 { .max }

    init(_ limits: ReassemblyLimits) {
        self.limits = limits
        keys = .allocate(capacity: limits.messages)
        keys.initialize(repeating: Self.noKey, count: limits.messages)
        slots = .allocate(capacity: limits.messages)
        slots.initialize(repeating: Slot(), count: limits.messages)
    }

    deinit {
        for index in 0..<limits.messages { slots[index].buffer?.deallocate() }
        slots.deallocate()
        keys.deallocate()
    }

    /// Bytes of memory held now.
    var memory: Int { allocated }
    /// Incomplete messages now.
    var incomplete: Int { active }

    /// Takes a packet whose header was read and found to be for this endpoint.
    mutating func receive(
        _ packet: UnsafeMutableRawBufferPointer, _ header: PacketHeader, now: UInt64, _ counters: inout Counters
    ) -> Reception {
        let payload = packet.count - PacketHeader.size
        let known = active == 0 ? nil : find(header.terminusKey)
        if header.som {
            if let known {
                close(known)
                counters.count(.restarted)
            }
            guard payload > 0 else { return drop(.malformed, &counters) }
            if header.eom {
                // The tag byte in front of the payload is the room that a frame has there.
                return .message(message(header, UnsafeMutableRawBufferPointer(rebasing: packet[3...])))
            }
            return begin(packet, header, now: now, &counters)
        }
        guard let index = known else { return drop(.noContext, &counters) }
        let slot = slots + index
        if now &- slot.pointee.updated >= limits.timeout { return close(index, .timedOut, &counters) }
        guard header.sequence == slot.pointee.sequence else { return close(index, .sequenceGap, &counters) }
        let fits = header.eom ? payload <= slot.pointee.fragment : payload == slot.pointee.fragment
        guard fits else { return close(index, .sizeMismatch, &counters) }
        guard reserve(index, slot.pointee.length + payload, &counters) else {
            return close(index, .overLimit, &counters)
        }
        append(index, packet, now: now)
        guard header.eom else { return .incomplete }
        close(index)
        return .message(
            message(header, UnsafeMutableRawBufferPointer(start: slot.pointee.buffer, count: slot.pointee.length)))
    }

    /// Forgets the message that a packet with this header belongs to, if there is one.
    mutating func abandon(_ header: PacketHeader) {
        if active > 0, let index = find(header.terminusKey) { close(index) }
    }

    /// Drops what waited too long; answers when to look again, or nil if nothing is incomplete.
    mutating func expire(now: UInt64, _ counters: inout Counters) -> UInt64? {
        var next: UInt64?
        guard active > 0 else { return nil }
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

    private func message(_ header: PacketHeader, _ frame: UnsafeMutableRawBufferPointer) -> ReceivedMessage {
        ReceivedMessage(source: header.source, destination: header.destination, tag: header.tag, frame: frame)
    }

    private mutating func begin(
        _ packet: UnsafeMutableRawBufferPointer, _ header: PacketHeader, now: UInt64, _ counters: inout Counters
    ) -> Reception {
        let index = freeSlot(header.source.rawValue, &counters)
        slots[index].source = header.source.rawValue
        slots[index].active = true
        slots[index].sequence = header.sequence
        slots[index].fragment = packet.count - PacketHeader.size
        slots[index].length = 1
        slots[index].updated = now
        keys[index] = header.terminusKey
        active += 1
        guard reserve(index, packet.count - PacketHeader.size + 1, &counters) else {
            return close(index, .overLimit, &counters)
        }
        append(index, packet, now: now)
        return .incomplete
    }

    private mutating func append(_ index: Int, _ packet: UnsafeMutableRawBufferPointer, now: UInt64) {
        let payload = packet.count - PacketHeader.size
        let slot = slots + index
        if payload > 0 {
            (slot.pointee.buffer! + slot.pointee.length).copyMemory(
                from: packet.baseAddress! + PacketHeader.size, byteCount: payload)
        }
        slot.pointee.length += payload
        slot.pointee.sequence = (slot.pointee.sequence + 1) & 3
        slot.pointee.updated = now
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
        active -= 1
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
        guard length <= limits.perPeer + 1 else { return false }
        var capacity = max(4096, slots[index].capacity)
        while capacity < length { capacity *= 2 }
        capacity = min(capacity, max(length, limits.perPeer + 1))
        // The sender's own incomplete messages first …
        let source = slots[index].source
        while peerMemory(source, except: index) + capacity > limits.perPeer + 1 {
            guard let victim = oldest(except: index, source: source) else { break }
            close(victim)
            counters.count(.evicted)
        }
        // … then buffers that nobody uses, then whoever waited longest.
        while allocated - slots[index].capacity + capacity > limits.total + limits.messages {
            if !releaseIdleBuffer(except: index) {
                guard let victim = oldest(except: index, source: nil) else { return false }
                close(victim)
                counters.count(.evicted)
            }
        }
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        if let old = slots[index].buffer {
            buffer.copyMemory(from: old, byteCount: slots[index].length)
            old.deallocate()
        }
        allocated += capacity - slots[index].capacity
        slots[index].buffer = buffer
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
            guard !slots[index].active, let buffer = slots[index].buffer else { continue }
            buffer.deallocate()
            allocated -= slots[index].capacity
            slots[index].buffer = nil
            slots[index].capacity = 0
            return true
        }
        return false
    }
}
