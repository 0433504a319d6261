// SPDX-License-Identifier: Apache-2.0

/// One end of an MCTP link: what its packets mean, whatever the binding that carries them.
///
/// Packets come in by `receive`, which answers whole messages; messages go out by `send` and leave as packets by
/// `nextPacket` when the link has a credit for one. Time is an argument, in monotonic nanoseconds. Nothing is allocated
/// per packet or message once the buffers have reached their size.
public final class Terminus {
    /// This endpoint's own address.
    public private(set) var eid: EID
    /// What went through.
    public private(set) var counters = Counters()
    private var reassembler: Reassembler
    private var queue: TransmitQueue
    private var tags = TagAllocator()

    /// `queueBound`: bytes of memory for messages that wait for the link.
    public init(eid: EID, limits: ReassemblyLimits = ReassemblyLimits(), queueBound: Int = 2 << 20) {
        self.eid = eid
        reassembler = Reassembler(limits)
        queue = TransmitQueue(bound: queueBound)
    }

    /// Messages sent from now on come from `eid`, and packets to it are ours.
    public func setEID(_ eid: EID) { self.eid = eid }

    /// Takes a packet, header first.
    public func receive(_ packet: Span<UInt8>, now: UInt64) -> Reception {
        counters.packetsIn += 1
        guard let header = PacketHeader(packet) else { return drop(.malformed) }
        let forUs = header.destination == eid || header.destination == .null || header.destination == .broadcast
        guard forUs, header.source != .broadcast else { return drop(.notForUs) }
        let reception = reassembler.receive(packet, header, now: now, &counters)
        if case .message(let message) = reception {
            counters.messagesIn += 1
            if !message.tag.isOwner { _ = tags.release(message.tag, of: message.source, now: now) }
        }
        return reception
    }

    /// A packet came whose checksum was wrong. Its message cannot be completed any more, so that what was there of it
    /// goes too; which one that was is only known from the packet itself, and a wrong guess costs one message.
    public func receivedCorrupt(_ packet: Span<UInt8>) {
        counters.packetsIn += 1
        counters.count(.corrupt)
        if let header = PacketHeader(packet) { reassembler.abandon(header) }
    }

    /// Bytes of message that can certainly be queued.
    public var room: Int { queue.room }
    /// Messages that wait for the link or are under way.
    public var queued: Int { queue.count }
    /// Messages that have begun to come in.
    public var incomplete: Int { reassembler.incomplete }
    /// Bytes of memory that reassembly holds.
    public var reassemblyMemory: Int { reassembler.memory }

    /// Queues a message of our own, for which a tag is chosen. `body` begins with the message type. Nil, counted, if the
    /// queue is at its bound.
    public func send(request body: Span<UInt8>, to destination: EID, now: UInt64) -> MessageTag? {
        guard body.count <= queue.room else {
            counters.count(.queueFull)
            return nil
        }
        let tag = tags.allocate(for: destination, now: now)
        return send(body, to: destination, tag: tag, now: now) ? tag : nil
    }

    /// Queues a message with the tag given: for an answer, `message.tag.answer`. False, counted, if the queue is at its
    /// bound.
    public func send(
        _ body: Span<UInt8>, to destination: EID, tag: MessageTag, from source: EID? = nil, now: UInt64
    ) -> Bool {
        let queued = queue.append(
            body, destination: destination, source: source ?? eid, tag: tag, now: now)
        if !queued { counters.count(.queueFull) }
        return queued
    }

    /// Bytes of the packet that `nextPacket` would build; 0 if nothing waits.
    public func nextPacketSize(unit: Int) -> Int { queue.nextSize(unit: unit) }

    /// Builds the next packet, with at most `unit` bytes after its header, in `packet`. Answers its length, or 0
    /// if nothing waits. The same packet comes again until `packetTaken`.
    public func nextPacket(unit: Int, into packet: inout [UInt8]) -> Int {
        queue.next(unit: unit, into: &packet)
    }

    /// The link has the packet that `nextPacket` built: the next one is another.
    public func packetTaken() {
        counters.packetsOut += 1
        if queue.commit() { counters.messagesOut += 1 }
    }

    /// Puts the answer to a request from `destination` in front of everything that waits. `tag` is the answer's. False if
    /// that answer is not there.
    public func bringForward(to destination: EID, tag: MessageTag) -> Bool {
        queue.bringForward(destination: destination, tag: tag)
    }

    /// Drops answers that were queued before a time: who asked does not wait for them any more.
    public func dropAnswers(queuedBefore time: UInt64) {
        for _ in 0..<queue.cancelAnswers(queuedBefore: time) { counters.count(.timedOut) }
    }

    /// The other side began anew. What it had sent of messages is gone; our message under way starts again from its
    /// first packet; answers that it no longer waits for are dropped.
    public func linkReset() {
        reassembler.removeAll(&counters)
        for _ in 0..<queue.restart() { counters.count(.linkReset) }
        tags.removeAll()
    }

    /// Drops messages whose next packet did not come in time; answers when to call again, or nil if none is incomplete.
    public func expire(now: UInt64) -> UInt64? { reassembler.expire(now: now, &counters) }

    private func drop(_ reason: DropReason) -> Reception {
        counters.count(reason)
        return .dropped(reason)
    }
}
