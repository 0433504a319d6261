// SPDX-License-Identifier: Apache-2.0

/// A message on its way out, and how far it got.
struct OutgoingMessage {
    let destination: EID
    let source: EID
    let tag: MessageTag
    /// The message, its type byte first.
    let body: [UInt8]
    /// When it was queued.
    let queued: UInt64
    /// Bytes of `body` that the link took.
    var sent = 0
    /// Of its next packet.
    var sequence: UInt8 = 0

    /// About what a message costs beside its bytes: this value, and the array's header.
    static let overhead = 96
    var cost: Int { Self.overhead + body.count }

    /// Whether packets of the two could be taken for packets of one.
    func isConfused(with other: OutgoingMessage) -> Bool {
        destination == other.destination && source == other.source && tag == other.tag
    }
}

/// Messages in order, in a ring that grows. Messages in its middle may be taken out, and leave a gap until it comes to the
/// front.
struct OutgoingMessages {
    private var slots: [OutgoingMessage?]
    // Positions have 32 bits everywhere and wrap: the number of slots is a power of two, so that it divides 2^32.
    private var head: UInt32
    private var tail: UInt32
    /// Messages in the ring.
    private(set) var count = 0
    /// What they cost together.
    private(set) var cost = 0

    /// `position`: where the positions begin to count, which only a test has a reason to choose.
    init(position: UInt32 = 0) {
        slots = Array(repeating: nil, count: 16)
        head = position
        tail = position
    }

    private func slot(_ position: UInt32) -> Int { Int(position & UInt32(slots.count - 1)) }

    /// The message that is due, if there is one.
    var first: OutgoingMessage? { count == 0 ? nil : slots[slot(head)] }

    mutating func append(_ message: OutgoingMessage) {
        grow()
        slots[slot(tail)] = message
        tail &+= 1
        added(message)
    }

    mutating func prepend(_ message: OutgoingMessage) {
        grow()
        head &-= 1
        slots[slot(head)] = message
        added(message)
    }

    /// The first message's next `count` bytes were taken. True if those were its last, and it is gone.
    mutating func advance(_ count: Int) -> Bool {
        let index = slot(head)
        guard let message = slots[index] else { return false }
        guard message.sent + count < message.body.count else {
            _ = remove(head)
            return true
        }
        slots[index]?.sent += count
        slots[index]?.sequence = (message.sequence + 1) & 3
        return false
    }

    /// All messages begin with their first packet.
    mutating func rewind() {
        for index in slots.indices where slots[index] != nil {
            slots[index]?.sent = 0
            slots[index]?.sequence = 0
        }
    }

    /// Takes out the first message that fits.
    mutating func take(where fits: (OutgoingMessage) -> Bool) -> OutgoingMessage? {
        var position = head
        while position != tail {
            if let message = slots[slot(position)], fits(message) { return remove(position) }
            position &+= 1
        }
        return nil
    }

    /// Takes out every message that fits; answers how many did.
    mutating func removeAll(where fits: (OutgoingMessage) -> Bool) -> Int {
        let before = count
        var position = head
        while position != tail {
            if let message = slots[slot(position)], fits(message) { _ = remove(position) }
            position &+= 1
        }
        return before - count
    }

    private mutating func added(_ message: OutgoingMessage) {
        count += 1
        cost += message.cost
    }

    private mutating func remove(_ position: UInt32) -> OutgoingMessage? {
        guard let message = slots[slot(position)] else { return nil }
        slots[slot(position)] = nil
        count -= 1
        cost -= message.cost
        while head != tail, slots[slot(head)] == nil { head &+= 1 }
        return message
    }

    /// Makes room for one more.
    private mutating func grow() {
        guard tail &- head == UInt32(slots.count) else { return }
        var larger = [OutgoingMessage?](repeating: nil, count: 2 * slots.count)
        for offset in 0..<UInt32(slots.count) {
            let position = head &+ offset
            larger[Int(position & UInt32(larger.count - 1))] = slots[slot(position)]
        }
        slots = larger
    }
}
