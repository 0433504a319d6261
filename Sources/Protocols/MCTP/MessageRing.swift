// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: one ring of bytes, whose positions are counters that are masked when used.

/// Messages in order, in one ring of bytes that grows. The first one is never a cancelled one.
struct MessageRing: ~Copyable {
    private var storage: UnsafeMutableRawPointer
    private var capacity: UInt32
    // Positions have 32 bits everywhere and wrap. The capacity is a power of two, and so divides 2^32.
    private var head: UInt32
    private var tail: UInt32
    /// Messages that wait, the one under way included.
    private(set) var count = 0

    /// `capacity`: bytes at first, a power of two. `position`: where the positions begin to count, which only a test has a
    /// reason to choose.
    init(capacity: UInt32, position: UInt32 = 0) {
        precondition(capacity.nonzeroBitCount == 1, "positions are masked")
        self.capacity = capacity
        storage = .allocate(byteCount: Int(capacity), alignment: 8)
        head = position
        tail = position
    }

    deinit { storage.deallocate() }

    /// Bytes that messages take, what stands in front of each included.
    var used: UInt32 { tail &- head }

    /// The message that is due; nil if there is none.
    var first: QueuedMessage? { count == 0 ? nil : message(at: head) }

    /// Adds a message behind all others.
    mutating func append(_ message: QueuedMessage, _ body: UnsafeRawBufferPointer) {
        reserve(message.whole)
        set(message, at: tail)
        write(body, at: tail &+ QueuedMessage.overhead)
        tail &+= message.whole
        count += 1
    }

    /// Fills `target` with bytes of the first message, from the first that was not sent.
    func readFirst(_ message: QueuedMessage, into target: UnsafeMutableRawBufferPointer) {
        read(head &+ QueuedMessage.overhead &+ message.sent, into: target)
    }

    /// The first message's next `bytes` bytes were taken. True if those were its last, and it is gone.
    mutating func advance(_ bytes: UInt32) -> Bool {
        guard var message = first else { return false }
        message.sent += bytes
        message.sequence = (message.sequence + 1) & 3
        guard message.sent >= message.length else {
            set(message, at: head)
            return false
        }
        count -= 1
        head &+= message.whole
        skipCancelled()
        return true
    }

    /// All messages begin with their first packet.
    mutating func rewind() {
        forEach { message, _ in message.rewind() }
    }

    /// Takes out every message that fits, which is told with whether it is the first; answers how many did.
    mutating func cancel(where fits: (QueuedMessage, _ isFirst: Bool) -> Bool) -> Int {
        let before = count
        let first = head
        var left = count
        forEach { message, position in
            guard !message.isCancelled, fits(message, position == first) else { return }
            message.isCancelled = true
            left -= 1
        }
        count = left
        skipCancelled()
        return before - count
    }

    /// Whether the message that stands at `position` is due.
    func isFirst(_ position: UInt32) -> Bool { position == head }

    /// Where the first message that fits stands.
    func position(where fits: (QueuedMessage) -> Bool) -> UInt32? {
        var position = head
        while position != tail {
            let message = message(at: position)
            if !message.isCancelled, fits(message) { return position }
            position &+= message.whole
        }
        return nil
    }

    /// Puts a message of this ring in front of all others.
    mutating func bringForward(_ position: UInt32) {
        guard position != head else { return }
        let offset = position &- head
        let message = message(at: position)
        reserve(message.whole)
        // Growing moves everything, and keeps distances.
        let old = head &+ offset
        let new = head &- message.whole
        for index in 0..<message.whole { set(byte: byte(at: old &+ index), at: new &+ index) }
        var gone = message
        gone.isCancelled = true
        set(gone, at: old)
        head = new
    }

    /// Puts a message of another ring, where it stands at `position`, in front of all others, and takes it out there.
    mutating func bringForward(from other: inout MessageRing, _ position: UInt32) {
        let message = other.message(at: position)
        reserve(message.whole)
        head &-= message.whole
        count += 1
        let start = Int(head & (capacity - 1))
        let whole = Int(message.whole)
        let piece = min(whole, Int(capacity) - start)
        other.read(position, into: UnsafeMutableRawBufferPointer(start: storage + start, count: piece))
        other.read(
            position &+ UInt32(piece), into: UnsafeMutableRawBufferPointer(start: storage, count: whole - piece))
        var gone = message
        gone.isCancelled = true
        other.set(gone, at: position)
        other.count -= 1
        other.skipCancelled()
    }

    // MARK: Inside

    private mutating func skipCancelled() {
        while head != tail {
            let message = message(at: head)
            guard message.isCancelled else { return }
            head &+= message.whole
        }
        // An empty ring starts at its beginning: short queues stay in few cache lines.
        head = 0
        tail = 0
    }

    private func forEach(_ change: (inout QueuedMessage, _ position: UInt32) -> Void) {
        var position = head
        while position != tail {
            var message = message(at: position)
            change(&message, position)
            set(message, at: position)
            position &+= message.whole
        }
    }

    private func message(at position: UInt32) -> QueuedMessage {
        var message = QueuedMessage(destination: .null, source: .null, tag: MessageTag(bits: 0), queued: 0, length: 0)
        withUnsafeMutableBytes(of: &message) { read(position, into: $0) }
        return message
    }

    private func set(_ message: QueuedMessage, at position: UInt32) {
        withUnsafeBytes(of: message) { write($0, at: position) }
    }

    private func byte(at position: UInt32) -> UInt8 {
        (storage + Int(position & (capacity - 1))).load(as: UInt8.self)
    }

    private func set(byte: UInt8, at position: UInt32) {
        (storage + Int(position & (capacity - 1))).storeBytes(of: byte, as: UInt8.self)
    }

    private func read(_ position: UInt32, into target: UnsafeMutableRawBufferPointer) {
        guard let base = target.baseAddress, target.count > 0 else { return }
        let start = Int(position & (capacity - 1))
        let piece = min(target.count, Int(capacity) - start)
        base.copyMemory(from: storage + start, byteCount: piece)
        if piece < target.count { (base + piece).copyMemory(from: storage, byteCount: target.count - piece) }
    }

    private func write(_ source: UnsafeRawBufferPointer, at position: UInt32) {
        guard let base = source.baseAddress else { return }
        let start = Int(position & (capacity - 1))
        let piece = min(source.count, Int(capacity) - start)
        (storage + start).copyMemory(from: base, byteCount: piece)
        if piece < source.count { storage.copyMemory(from: base + piece, byteCount: source.count - piece) }
    }

    private mutating func reserve(_ size: UInt32) {
        let used = used
        guard used + size > capacity else { return }
        var larger = capacity
        while used + size > larger { larger *= 2 }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: Int(larger), alignment: 8)
        read(head, into: UnsafeMutableRawBufferPointer(start: copy, count: Int(used)))
        storage.deallocate()
        storage = copy
        capacity = larger
        head = 0
        tail = used
    }
}
