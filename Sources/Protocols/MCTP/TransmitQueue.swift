// SPDX-License-Identifier: Apache-2.0

/// Messages that wait for the link, in order, in one ring of bytes that grows up to a bound.
///
/// The first one is cut into packets as the link takes them, with the unit that the link has at that moment. A packet
/// that was built is kept until `commit`, so that a link that was initialised again starts the message anew.
struct TransmitQueue: ~Copyable {
    /// What stands in front of each message in the ring.
    private struct Record {
        var queued: UInt64
        var length: UInt32
        var sent: UInt32 = 0
        var destination: EID
        var source: EID
        var tag: MessageTag
        var sequence: UInt8 = 0
        var cancelled = false

        static let size = MemoryLayout<Record>.stride
        var whole: Int { Self.size + Int(length) }
        var isAnswer: Bool { !tag.isOwner && !cancelled }
    }

    private static let initial = 16 << 10
    private let bound: Int
    private var storage: UnsafeMutableRawPointer
    // A power of two, so that positions are counters that are masked when used.
    private var capacity: Int
    private var mask: Int { capacity - 1 }
    private var head = 0
    private var tail = 0
    private var pending = 0
    /// Messages in the ring: the one under way, and cancelled ones that did not reach the front yet, included.
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

    /// Bytes of a message that can certainly be added.
    var room: Int { max(0, bound - (tail - head) - Record.size) }

    /// Adds a message of at least one byte; false if the bound is reached.
    mutating func append(
        _ body: UnsafeRawBufferPointer, destination: EID, source: EID, tag: MessageTag, now: UInt64
    ) -> Bool {
        guard body.count > 0, body.count <= room else { return false }
        reserve(Record.size + body.count)
        let record = Record(
            queued: now, length: UInt32(body.count), destination: destination, source: source, tag: tag)
        set(record, at: tail)
        write(body, at: tail + Record.size)
        tail += record.whole
        count += 1
        return true
    }

    /// Bytes of the next packet with at most `unit` bytes of payload; 0 if nothing waits.
    mutating func nextSize(unit: Int) -> Int {
        while count > 0 {
            let record = record(at: head)
            if !record.cancelled { return PacketHeader.size + min(unit, Int(record.length - record.sent)) }
            pop(record)
        }
        return 0
    }

    /// Builds the next packet in `packet`, which has room for it, and answers its length; 0 if nothing waits. The same
    /// packet comes again until `commit`.
    mutating func next(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        let size = nextSize(unit: unit)
        guard size > 0 else { return 0 }
        let record = record(at: head)
        pending = size - PacketHeader.size
        PacketHeader(
            destination: record.destination, source: record.source, som: record.sent == 0,
            eom: Int(record.sent) + pending == Int(record.length), sequence: record.sequence, tag: record.tag
        ).write(to: packet)
        read(
            head + Record.size + Int(record.sent),
            into: UnsafeMutableRawBufferPointer(rebasing: packet[PacketHeader.size..<size]))
        return size
    }

    /// The link took the packet that `next` built. True if that was the last one of its message.
    mutating func commit() -> Bool {
        precondition(count > 0, "commit follows next")
        var record = record(at: head)
        record.sent += UInt32(pending)
        record.sequence = (record.sequence + 1) & 3
        pending = 0
        guard record.sent == record.length else {
            set(record, at: head)
            return false
        }
        pop(record)
        return true
    }

    /// The other side forgot everything: the message under way begins again. Answers are cancelled, since whoever asked
    /// is gone; answers how many were.
    mutating func restart() -> Int {
        pending = 0
        var cancelled = 0
        forEach { record in
            record.sent = 0
            record.sequence = 0
            if record.isAnswer {
                record.cancelled = true
                cancelled += 1
            }
        }
        return cancelled
    }

    /// Cancels answers that were queued before a time; answers how many were.
    mutating func cancelAnswers(queuedBefore time: UInt64) -> Int {
        var cancelled = 0
        forEach { record in
            if record.isAnswer, record.queued < time {
                record.cancelled = true
                cancelled += 1
            }
        }
        return cancelled
    }

    /// Puts the answer with that destination and tag in front of everything else; false if there is none.
    mutating func bringForward(destination: EID, tag: MessageTag) -> Bool {
        var position = head
        while position < tail {
            var record = record(at: position)
            if record.isAnswer, record.tag == tag, record.destination == destination {
                guard position != head else { return true }
                reserve(record.whole)
                // Growing moved everything down to the ring's beginning, or nothing: look for it again.
                position = find(destination, tag)!
                copy(from: position, to: head - record.whole, record.whole)
                record.cancelled = true
                set(record, at: position)
                head -= record.whole
                count += 1
                pending = 0
                return true
            }
            position += record.whole
        }
        return false
    }

    private func find(_ destination: EID, _ tag: MessageTag) -> Int? {
        var position = head
        while position < tail {
            let record = record(at: position)
            if record.isAnswer, record.tag == tag, record.destination == destination { return position }
            position += record.whole
        }
        return nil
    }

    private mutating func forEach(_ change: (inout Record) -> Void) {
        var position = head
        while position < tail {
            var record = record(at: position)
            change(&record)
            set(record, at: position)
            position += record.whole
        }
    }

    private mutating func pop(_ record: Record) {
        head += record.whole
        count -= 1
        // An empty ring starts at its beginning: short queues stay in few cache lines.
        if count == 0 {
            head = 0
            tail = 0
        }
    }

    private func record(at position: Int) -> Record {
        var record = Record(queued: 0, length: 0, destination: .null, source: .null, tag: MessageTag(bits: 0))
        withUnsafeMutableBytes(of: &record) { read(position, into: $0) }
        return record
    }

    private func set(_ record: Record, at position: Int) { withUnsafeBytes(of: record) { write($0, at: position) } }

    private func read(_ position: Int, into target: UnsafeMutableRawBufferPointer) {
        guard let base = target.baseAddress else { return }
        let start = position & mask
        let first = min(target.count, capacity - start)
        base.copyMemory(from: storage + start, byteCount: first)
        if first < target.count { (base + first).copyMemory(from: storage, byteCount: target.count - first) }
    }

    private func write(_ source: UnsafeRawBufferPointer, at position: Int) {
        guard let base = source.baseAddress else { return }
        let start = position & mask
        let first = min(source.count, capacity - start)
        (storage + start).copyMemory(from: base, byteCount: first)
        if first < source.count { storage.copyMemory(from: base + first, byteCount: source.count - first) }
    }

    private func copy(from source: Int, to target: Int, _ count: Int) {
        for index in 0..<count {
            let byte = (storage + ((source + index) & mask)).load(as: UInt8.self)
            (storage + ((target + index) & mask)).storeBytes(of: byte, as: UInt8.self)
        }
    }

    private mutating func reserve(_ size: Int) {
        let used = tail - head
        guard used + size > capacity else { return }
        var larger = capacity
        while used + size > larger { larger *= 2 }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        read(head, into: UnsafeMutableRawBufferPointer(start: copy, count: used))
        storage.deallocate()
        storage = copy
        capacity = larger
        head = 0
        tail = used
    }
}
