// SPDX-License-Identifier: Apache-2.0

/// Messages that wait for the link: most in order and up to a bound of memory, and some that go before the others.
///
/// The first one is cut into packets as the link takes them, with the unit that the link has at that moment. A packet
/// that was built is kept until `commit`, so that a link that was initialised again starts the message anew.
struct TransmitQueue: ~Copyable {
    /// The packet that `next` built, until the link has it.
    private struct Pending {
        let bytes: UInt32
        let isUrgent: Bool
    }

    /// Bytes of memory that answers which overtake may take: they are short, and never wait for room behind others.
    private static let urgentBound: UInt32 = 64 << 10
    private static let initial: UInt32 = 16 << 10
    private let bound: UInt32
    private var ordinary: MessageRing
    private var urgent: MessageRing
    private var pending: Pending?

    /// Holds up to `bound` bytes, `QueuedMessage.overhead` for each message included, rounded up to a power of two.
    /// `position`: see `MessageRing`.
    init(bound: Int, position: UInt32 = 0) {
        var rounded = Self.initial
        while Int(rounded) < min(bound, 1 << 30) { rounded *= 2 }
        self.bound = rounded
        ordinary = MessageRing(capacity: Self.initial, position: position)
        urgent = MessageRing(capacity: 1 << 10, position: position)
    }

    /// Messages that wait, the one under way included.
    var count: Int { ordinary.count + urgent.count }

    /// Bytes of a message that can certainly be added.
    var room: Int { max(0, Int(bound) - Int(ordinary.used) - Int(QueuedMessage.overhead)) }

    /// Adds a message of at least one byte; false if the bound is reached.
    mutating func append(
        _ body: UnsafeRawBufferPointer, destination: EID, source: EID, tag: MessageTag, overtakes: Bool = false,
        now: UInt64
    ) -> Bool {
        guard body.count > 0, body.count <= Int(bound) else { return false }
        let message = QueuedMessage(
            destination: destination, source: source, tag: tag, queued: now, length: UInt32(body.count))
        if overtakes {
            guard urgent.used + message.whole <= Self.urgentBound else { return false }
            urgent.append(message, body)
        } else {
            guard body.count <= room else { return false }
            ordinary.append(message, body)
        }
        return true
    }

    /// Bytes of the next packet with at most `unit` bytes of payload; 0 if nothing waits.
    func nextSize(unit: Int) -> Int {
        guard let message = isUrgentNext ? urgent.first : ordinary.first else { return 0 }
        return PacketHeader.size + message.payload(unit: unit)
    }

    /// Builds the next packet in `packet`, which has room for it, and answers its length; 0 if nothing waits. The same
    /// packet comes again until `commit`.
    mutating func next(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        let isUrgent = isUrgentNext
        guard let message = isUrgent ? urgent.first : ordinary.first else { return 0 }
        let payload = message.payload(unit: unit)
        pending = Pending(bytes: UInt32(payload), isUrgent: isUrgent)
        PacketHeader(
            destination: message.destination, source: message.source, som: message.sent == 0,
            eom: Int(message.sent) + payload == Int(message.length), sequence: message.sequence, tag: message.tag
        ).write(to: packet)
        let size = PacketHeader.size + payload
        let target = UnsafeMutableRawBufferPointer(rebasing: packet[PacketHeader.size..<size])
        if isUrgent { urgent.readFirst(message, into: target) } else { ordinary.readFirst(message, into: target) }
        return size
    }

    /// The link took the packet that `next` built. True if that was the last one of its message.
    mutating func commit() -> Bool {
        guard let pending else { return false }
        self.pending = nil
        return pending.isUrgent ? urgent.advance(pending.bytes) : ordinary.advance(pending.bytes)
    }

    /// The link did not take the packet that `next` built.
    mutating func withdraw() { pending = nil }

    /// The other side forgot everything: the message under way begins again. Answers are cancelled, since whoever asked
    /// is gone; answers how many were.
    mutating func restart() -> Int {
        let cancelled = cancelAnswers(queuedBefore: .max)
        ordinary.rewind()
        urgent.rewind()
        pending = nil
        return cancelled
    }

    /// Cancels everything; answers how many messages there were.
    mutating func removeAll() -> Int {
        pending = nil
        return urgent.cancel { _, _ in true } + ordinary.cancel { _, _ in true }
    }

    /// Cancels requests that were queued before a time; answers how many were. One that is under way goes on: its end is the
    /// channel's.
    mutating func cancelRequests(queuedBefore time: UInt64) -> Int {
        let isWithLink = pending?.isUrgent == false
        return ordinary.cancel { message, isFirst in
            message.tag.isOwner && message.queued < time && message.sent == 0 && !(isFirst && isWithLink)
        }
    }

    /// Cancels answers that were queued before a time; answers how many were.
    mutating func cancelAnswers(queuedBefore time: UInt64) -> Int {
        pending = nil
        let isOld = { (message: QueuedMessage, _: Bool) in !message.tag.isOwner && message.queued < time }
        return urgent.cancel(where: isOld) + ordinary.cancel(where: isOld)
    }

    /// Cancels answers with that destination and tag; answers how many there were.
    mutating func cancelAnswers(destination: EID, tag: MessageTag) -> Int {
        pending = nil
        let isMeant = { (message: QueuedMessage, _: Bool) in
            !message.tag.isOwner && message.tag == tag && message.destination == destination
        }
        return urgent.cancel(where: isMeant) + ordinary.cancel(where: isMeant)
    }

    /// Puts the answer with that destination and tag in front of everything else; false if there is none.
    mutating func bringForward(destination: EID, tag: MessageTag) -> Bool {
        let isWanted = { (message: QueuedMessage) in
            !message.tag.isOwner && message.tag == tag && message.destination == destination
        }
        if let position = urgent.position(where: isWanted) {
            pending = nil
            urgent.bringForward(position)
            return true
        }
        guard let position = ordinary.position(where: isWanted) else { return false }
        pending = nil
        // Mostly it is all there is.
        if urgent.count > 0 || !ordinary.isFirst(position) { urgent.bringForward(from: &ordinary, position) }
        return true
    }

    /// Whether what overtakes is next. Not in the middle of a message whose packets its packets would be taken for.
    private var isUrgentNext: Bool {
        guard let first = urgent.first else { return false }
        guard let underWay = ordinary.first, underWay.sent > 0 else { return true }
        return !first.isConfused(with: underWay)
    }
}
