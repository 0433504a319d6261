// SPDX-License-Identifier: Apache-2.0

/// One end of an MCTP link: what its packets mean, whatever the binding that carries them.
///
/// Packets come in by `receive`, which answers whole messages; messages go out by `send` and leave as packets by
/// `nextPacket` when the link has a credit for one. Time is an argument, in monotonic nanoseconds. Nothing is allocated
/// per packet or message once the buffers have reached their size.
public final class Terminus {
    private struct State: ~Copyable {
        var eid: EID
        var counters = Counters()
        var reassembler: Reassembler
        var queue: TransmitQueue
        var tags = TagAllocator()
    }

    // Behind a pointer, for which the compiler adds no checks of exclusive access: half of the work for a small packet.
    private let state: UnsafeMutablePointer<State>

    /// `queueBound`: bytes of messages that may wait for the link.
    public init(eid: EID, limits: ReassemblyLimits = ReassemblyLimits(), queueBound: Int = 2 << 20) {
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(eid: eid, reassembler: Reassembler(limits), queue: TransmitQueue(bound: queueBound)))
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// This endpoint's own address.
    public var eid: EID { state.pointee.eid }
    /// What went through.
    public var counters: Counters { state.pointee.counters }

    /// Messages sent from now on come from `eid`, and packets to it are ours.
    public func setEID(_ eid: EID) { state.pointee.eid = eid }

    /// Takes a packet, header first, in memory of this process that nobody else changes. A message in the answer is
    /// valid until the next call of this method; it may lie in `packet`.
    public func receive(_ packet: UnsafeMutableRawBufferPointer, now: UInt64) -> Reception {
        state.pointee.counters.packetsIn += 1
        guard let header = PacketHeader(UnsafeRawBufferPointer(packet)) else { return drop(.malformed) }
        let forUs = header.destination == eid || header.destination == .null || header.destination == .broadcast
        guard forUs, header.source != .broadcast, header.source != eid else { return drop(.notForUs) }
        let reception = state.pointee.reassembler.receive(packet, header, now: now, &state.pointee.counters)
        if case .message(let message) = reception {
            state.pointee.counters.messagesIn += 1
            if !message.tag.isOwner { _ = state.pointee.tags.release(message.tag, of: message.source, now: now) }
        }
        return reception
    }

    /// A packet came whose checksum was wrong. Its message cannot be completed any more, so that what was there of it
    /// goes too; which one that was is only known from the packet itself, and a wrong guess costs one message.
    public func receivedCorrupt(_ packet: UnsafeRawBufferPointer) {
        state.pointee.counters.packetsIn += 1
        state.pointee.counters.count(.corrupt)
        if let header = PacketHeader(packet) { state.pointee.reassembler.abandon(header) }
    }

    /// Bytes of message that can certainly be queued.
    public var room: Int { state.pointee.queue.room }
    /// Messages that wait for the link or are under way.
    public var queued: Int { state.pointee.queue.count }
    /// Messages that have begun to come in.
    public var incomplete: Int { state.pointee.reassembler.incomplete }
    /// Bytes of memory that reassembly holds.
    public var reassemblyMemory: Int { state.pointee.reassembler.memory }

    /// Queues a message of our own, for which a tag is chosen. `body` begins with the message type. Nil, counted, if the
    /// queue is at its bound.
    public func send(request body: UnsafeRawBufferPointer, to destination: EID, now: UInt64) -> MessageTag? {
        guard body.count <= state.pointee.queue.room else {
            state.pointee.counters.count(.queueFull)
            return nil
        }
        let tag = state.pointee.tags.allocate(for: destination, now: now)
        return send(body, to: destination, tag: tag, now: now) ? tag : nil
    }

    /// Queues a message of our own whose tag is chosen already; false, counted, if the queue is at its bound.
    public func send(request body: UnsafeRawBufferPointer, to destination: EID, tag: MessageTag, now: UInt64) -> Bool {
        state.pointee.tags.occupy(tag, for: destination, now: now)
        return send(body, to: destination, tag: tag, now: now)
    }

    /// Queues a message with the tag given: for an answer, `message.tag.answer`. False, counted, if the queue is at its
    /// bound. What `overtakes` goes out before everything else.
    public func send(
        _ body: UnsafeRawBufferPointer, to destination: EID, tag: MessageTag, from source: EID? = nil,
        overtakes: Bool = false, now: UInt64
    ) -> Bool {
        let queued = state.pointee.queue.append(
            body, destination: destination, source: source ?? eid, tag: tag, overtakes: overtakes, now: now)
        if !queued { state.pointee.counters.count(.queueFull) }
        return queued
    }

    /// Bytes of the packet that `nextPacket` would build; 0 if nothing waits.
    public func nextPacketSize(unit: Int) -> Int { state.pointee.queue.nextSize(unit: unit) }

    /// Builds the next packet, with at most `unit` bytes after its header, in `packet`, which has room for it. Answers
    /// its length, or 0 if nothing waits. The same packet comes again until `packetTaken`.
    public func nextPacket(unit: Int, into packet: UnsafeMutableRawBufferPointer) -> Int {
        state.pointee.queue.next(unit: unit, into: packet)
    }

    /// The link has the packet that `nextPacket` built: the next one is another.
    public func packetTaken() {
        state.pointee.counters.packetsOut += 1
        if state.pointee.queue.commit() { state.pointee.counters.messagesOut += 1 }
    }

    /// The link could not take the packet that `nextPacket` built.
    public func packetRefused() { state.pointee.queue.withdraw() }

    /// Puts the answer to a request from `destination` in front of everything that waits. `tag` is the answer's. False if
    /// that answer is not there.
    public func bringForward(to destination: EID, tag: MessageTag) -> Bool {
        state.pointee.queue.bringForward(destination: destination, tag: tag)
    }

    /// Drops answers that were queued before a time: who asked does not wait for them any more.
    public func dropAnswers(queuedBefore time: UInt64) {
        for _ in 0..<state.pointee.queue.cancelAnswers(queuedBefore: time) { state.pointee.counters.count(.timedOut) }
    }

    /// Drops answers with that destination and tag: who asked has used the tag for something else.
    public func dropAnswers(to destination: EID, tag: MessageTag) {
        for _ in 0..<state.pointee.queue.cancelAnswers(destination: destination, tag: tag) {
            state.pointee.counters.count(.timedOut)
        }
    }

    /// Drops requests that were queued before a time and are not under way: what they ask for is not wanted any more.
    public func dropRequests(queuedBefore time: UInt64) {
        for _ in 0..<state.pointee.queue.cancelRequests(queuedBefore: time) { state.pointee.counters.count(.expired) }
    }

    /// Drops everything that waits for the link, or is under way.
    public func dropQueued() {
        for _ in 0..<state.pointee.queue.removeAll() { state.pointee.counters.count(.linkReset) }
    }

    /// The other side began anew. What it had sent of messages is gone; our message under way starts again from its
    /// first packet; answers that it no longer waits for are dropped.
    public func linkReset() {
        state.pointee.reassembler.removeAll(&state.pointee.counters)
        for _ in 0..<state.pointee.queue.restart() { state.pointee.counters.count(.linkReset) }
        state.pointee.tags.removeAll()
    }

    /// Drops messages whose next packet did not come in time; answers when to call again, or nil if none is incomplete.
    public func expire(now: UInt64) -> UInt64? { state.pointee.reassembler.expire(now: now, &state.pointee.counters) }

    private func drop(_ reason: DropReason) -> Reception {
        state.pointee.counters.count(reason)
        return .dropped(reason)
    }
}
