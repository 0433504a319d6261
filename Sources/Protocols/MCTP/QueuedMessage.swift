// SPDX-License-Identifier: Apache-2.0

/// What a ring of messages knows of each: it stands in front of the message's bytes.
struct QueuedMessage {
    // The widest first, so that there are no gaps.
    /// When it was queued.
    let queued: UInt64
    /// Bytes of the message.
    let length: UInt32
    /// Bytes that the link took.
    var sent: UInt32 = 0
    let destination: EID
    let source: EID
    let tag: MessageTag
    /// Of its next packet.
    var sequence: UInt8 = 0
    /// It is passed over when it comes to the front.
    var isCancelled = false

    /// Bytes that it needs in the ring beside the message.
    static let overhead = UInt32(MemoryLayout<QueuedMessage>.stride)
    var whole: UInt32 { Self.overhead + length }

    init(destination: EID, source: EID, tag: MessageTag, queued: UInt64, length: UInt32) {
        self.destination = destination
        self.source = source
        self.tag = tag
        self.queued = queued
        self.length = length
    }

    /// Bytes of payload of the next packet.
    func payload(unit: Int) -> Int { min(unit, Int(length - sent)) }

    /// Whether packets of the two could be taken for packets of one message.
    func isConfused(with other: QueuedMessage) -> Bool {
        destination == other.destination && source == other.source && tag == other.tag
    }

    /// It begins with its first packet again.
    mutating func rewind() {
        sent = 0
        sequence = 0
    }
}
