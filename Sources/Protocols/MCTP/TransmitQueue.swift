// SPDX-License-Identifier: Apache-2.0
import Wire

/// Messages that wait for the link, in order and up to a bound of memory, and some that overtake the others.
///
/// The first one is cut into packets as the link takes them, with the unit that the link has at that moment. A packet
/// that was built is kept until `commit`, so that a link that was initialised again starts the message anew.
struct TransmitQueue {
    /// What `next` built, and where it came from.
    private struct Pending {
        let bytes: Int
        let overtakes: Bool
    }

    private let bound: Int
    private var ordinary: OutgoingMessages
    private var overtaking: OutgoingMessages
    private var pending: Pending?

    /// Holds messages that cost up to `bound` bytes, `OutgoingMessage.overhead` for each included. `position`: see
    /// `OutgoingMessages`.
    init(bound: Int, position: UInt32 = 0) {
        self.bound = bound
        ordinary = OutgoingMessages(position: position)
        overtaking = OutgoingMessages(position: position)
    }

    /// Messages that wait, the one under way included.
    var count: Int { ordinary.count + overtaking.count }

    /// Bytes of a message that can certainly be added.
    var room: Int { max(0, bound - ordinary.cost - overtaking.cost - OutgoingMessage.overhead) }

    /// Adds a message of at least one byte; false if the bound is reached.
    mutating func append(
        _ body: Span<UInt8>, destination: EID, source: EID, tag: MessageTag, now: UInt64
    ) -> Bool {
        guard body.count > 0, body.count <= room else { return false }
        ordinary.append(
            OutgoingMessage(
                destination: destination, source: source, tag: tag, body: [UInt8](copying: body), queued: now))
        return true
    }

    /// Whether the next packet is one of those that overtake. Not in the middle of a message whose packets it would be
    /// taken for.
    private var overtakes: Bool {
        guard let urgent = overtaking.first else { return false }
        guard let underWay = ordinary.first, underWay.sent > 0 else { return true }
        return !urgent.isConfused(with: underWay)
    }

    /// Bytes of the next packet with at most `unit` bytes of payload; 0 if nothing waits.
    func nextSize(unit: Int) -> Int {
        guard let message = overtakes ? overtaking.first : ordinary.first else { return 0 }
        return PacketHeader.size + min(unit, message.body.count - message.sent)
    }

    /// Makes `packet` the next one, and answers its length; 0 if nothing waits. The same packet comes again until `commit`.
    mutating func next(unit: Int, into packet: inout [UInt8]) -> Int {
        let overtakes = overtakes
        guard let message = overtakes ? overtaking.first : ordinary.first else { return 0 }
        let end = min(message.sent + unit, message.body.count)
        pending = Pending(bytes: end - message.sent, overtakes: overtakes)
        packet.removeAll(keepingCapacity: true)
        PacketHeader(
            destination: message.destination, source: message.source, som: message.sent == 0,
            eom: end == message.body.count, sequence: message.sequence, tag: message.tag
        ).append(to: &packet)
        packet.append(copying: message.body.span.extracting(message.sent..<end))
        return packet.count
    }

    /// The link took the packet that `next` built. True if that was the last one of its message.
    mutating func commit() -> Bool {
        guard let pending else { return false }
        self.pending = nil
        return pending.overtakes ? overtaking.advance(pending.bytes) : ordinary.advance(pending.bytes)
    }

    /// The other side forgot everything: the message under way begins again. Answers are cancelled, since whoever asked
    /// is gone; answers how many were.
    mutating func restart() -> Int {
        pending = nil
        let cancelled = cancelAnswers(queuedBefore: .max)
        ordinary.rewind()
        overtaking.rewind()
        return cancelled
    }

    /// Cancels answers that were queued before a time; answers how many were.
    mutating func cancelAnswers(queuedBefore time: UInt64) -> Int {
        let isOld = { (message: OutgoingMessage) in !message.tag.isOwner && message.queued < time }
        return overtaking.removeAll(where: isOld) + ordinary.removeAll(where: isOld)
    }

    /// Puts the answer with that destination and tag in front of everything else; false if there is none.
    mutating func bringForward(destination: EID, tag: MessageTag) -> Bool {
        let isWanted = { (message: OutgoingMessage) in
            !message.tag.isOwner && message.tag == tag && message.destination == destination
        }
        guard let answer = overtaking.take(where: isWanted) ?? ordinary.take(where: isWanted) else { return false }
        overtaking.prepend(answer)
        pending = nil
        return true
    }
}
