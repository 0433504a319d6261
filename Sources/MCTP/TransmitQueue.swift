// SPDX-License-Identifier: Apache-2.0

/// Messages that wait for the link, in order, in one ring of bytes that grows up to a bound.
///
/// The first one is cut into packets as the link takes them, with the unit that the link has at that moment. A packet
/// that was built is kept until `commit`, so that a link that was initialised again starts the message anew.
struct TransmitQueue: ~Copyable {
    /// What stands in front of each message in the ring.
    private struct Record {
        var length: UInt32
        var destination: UInt8
        var source: UInt8
        var tag: UInt8
        var cancelled: UInt8
    }

    private static let initial = 16 << 10
    private let bound: Int
    private var storage: UnsafeMutableRawPointer
    // A power of two, so that positions are counters that only grow and are masked when used.
    private var capacity: Int
    private var mask: Int { capacity - 1 }
    private var head = 0
    private var tail = 0
    private var sent = 0
    private var sequence: UInt8 = 0
    private var pending = 0
    /// Messages in the ring, the one under way included.
    private(set) var count = 0

    /// Holds up to `bound` bytes, rounded up to a power of two.
    init(bound: Int) {
        var rounded = Self.initial
        while rounded < bound { rounded *= 2 }
        self.bound = rounded
        capacity = Self.initial
        storage = .allocate(byteCount: Self.initial, alignment: 8)
    }

    deinit { storage.deallocate() }

    /// Bytes of messages that can certainly be added.
    var room: Int { max(0, bound - (tail - head) - MemoryLayout<Record>.size) }

    /// Adds a message of at least one byte; false if the bound is reached.
    mutating func append(
        _ body: UnsafeRawBufferPointer, destination: EID, source: EID, tag: MessageTag
    ) -> Bool {
        let length = body.count
        guard length > 0, length <= room else { return false }
        grow(MemoryLayout<Record>.size + length)
        write(
            Record(
                length: UInt32(length), destination: destination.rawValue, source: source.rawValue, tag: tag.bits,
                cancelled: 0))
        write(body)
        count += 1
        return true
    }

    /// Bytes of the next packet with at most `unit` bytes of payload; 0 if nothing waits.
    mutating func nextSize(unit: Int) -> Int {
        dropCancelled()
        guard count > 0 else { return 0 }
        return PacketHeader.size + min(unit, Int(record().length) - sent)
    }

    /// Builds the next packet in `packet`, which has room for it, and answers its length; 0 if nothing waits. The same
    /// packet comes again until `commit`.
    mutating func next(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        let size = nextSize(unit: unit)
        guard size > 0 else { return 0 }
        let record = record()
        pending = size - PacketHeader.size
        PacketHeader(
            destination: EID(record.destination), source: EID(record.source), som: sent == 0,
            eom: sent + pending == Int(record.length), sequence: sequence, tag: MessageTag(bits: record.tag)
        ).write(to: packet)
        read(
            head + MemoryLayout<Record>.size + sent,
            into: UnsafeMutableRawBufferPointer(rebasing: packet[PacketHeader.size..<size]))
        return size
    }

    /// The link took the packet that `next` built. True if that was the last one of its message.
    mutating func commit() -> Bool {
        precondition(count > 0, "commit follows next")
        sent += pending
        sequence = (sequence + 1) & 3
        guard sent == Int(record().length) else { return false }
        pop()
        return true
    }

    /// The other side forgot everything: the message under way begins again. Answers are cancelled, since whoever asked
    /// is gone; answers how many were.
    mutating func restart() -> Int {
        sent = 0
        pending = 0
        var cancelled = 0
        var position = head
        while position < tail {
            var record = record(at: position)
            if record.tag & 8 == 0, record.cancelled == 0 {
                record.cancelled = 1
                set(record, at: position)
                cancelled += 1
            }
            position += MemoryLayout<Record>.size + Int(record.length)
        }
        return cancelled
    }

    private mutating func dropCancelled() {
        while count > 0, sent == 0, record().cancelled != 0 { pop() }
    }

    private mutating func pop() {
        head += MemoryLayout<Record>.size + Int(record().length)
        count -= 1
        sent = 0
        pending = 0
        // An empty ring starts at its beginning: short queues stay in few cache lines.
        if count == 0 {
            head = 0
            tail = 0
        }
    }

    private func record() -> Record { record(at: head) }

    private func record(at position: Int) -> Record {
        var record = Record(length: 0, destination: 0, source: 0, tag: 0, cancelled: 0)
        withUnsafeMutableBytes(of: &record) { read(position, into: $0) }
        return record
    }

    private mutating func write(_ record: Record) { withUnsafeBytes(of: record) { write($0) } }

    private mutating func set(_ record: Record, at position: Int) {
        let end = tail
        tail = position
        write(record)
        tail = end
    }

    private func read(_ position: Int, into target: UnsafeMutableRawBufferPointer) {
        guard let base = target.baseAddress else { return }
        let start = position & mask
        let first = min(target.count, capacity - start)
        base.copyMemory(from: storage + start, byteCount: first)
        if first < target.count { (base + first).copyMemory(from: storage, byteCount: target.count - first) }
    }

    private mutating func write(_ source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress else { return }
        let start = tail & mask
        let first = min(source.count, capacity - start)
        (storage + start).copyMemory(from: base, byteCount: first)
        if first < source.count { storage.copyMemory(from: base + first, byteCount: source.count - first) }
        tail += source.count
    }

    private mutating func grow(_ size: Int) {
        guard tail - head + size > capacity else { return }
        var larger = capacity
        while tail - head + size > larger { larger *= 2 }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        let used = tail - head
        read(head, into: UnsafeMutableRawBufferPointer(start: copy, count: used))
        storage.deallocate()
        storage = copy
        capacity = larger
        head = 0
        tail = used
    }
}
