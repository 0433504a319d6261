// SPDX-License-Identifier: Apache-2.0

/// Why a packet, or the part of a message that was there, was thrown away.
public enum DropReason: Int, CaseIterable, Sendable {
    /// Not a packet: too short, another header version, or a first packet without a message type.
    case malformed
    /// To another endpoint, or from an address that nobody can have or that is our own.
    case notForUs
    /// A later packet without the first one.
    case noContext
    /// A packet is missing, or came twice.
    case sequenceGap
    /// A packet inside the message is not as long as the first, or the last is longer.
    case sizeMismatch
    /// A new first packet while the message was incomplete.
    case restarted
    /// The next packet did not come in time.
    case timedOut
    /// The message is longer than one sender may make it.
    case overLimit
    /// Its room was needed: the oldest incomplete message gives way.
    case evicted
    /// The binding's checksum was wrong.
    case corrupt
    /// The link was initialised again.
    case linkReset
    /// The transmit queue was at its bound.
    case queueFull
    /// A request that the host did not take in time.
    case expired

    /// As a figure's name in the status display.
    public var name: StaticString {
        switch self {
        case .malformed: "drop_malformed"
        case .notForUs: "drop_not_for_us"
        case .noContext: "drop_no_context"
        case .sequenceGap: "drop_sequence_gap"
        case .sizeMismatch: "drop_size_mismatch"
        case .restarted: "drop_restarted"
        case .timedOut: "drop_timed_out"
        case .overLimit: "drop_over_limit"
        case .evicted: "drop_evicted"
        case .corrupt: "drop_corrupt"
        case .linkReset: "drop_link_reset"
        case .queueFull: "drop_queue_full"
        case .expired: "drop_expired"
        }
    }
}

/// What went through an endpoint since it was made.
public struct Counters: Sendable {
    /// Packets that came in, dropped ones too.
    public internal(set) var packetsIn: UInt64 = 0
    /// Packets that the link took.
    public internal(set) var packetsOut: UInt64 = 0
    /// Whole messages that came in.
    public internal(set) var messagesIn: UInt64 = 0
    /// Messages whose last packet the link took.
    public internal(set) var messagesOut: UInt64 = 0
    private var drops = InlineArray<13, UInt64>(repeating: 0)

    /// No traffic yet.
    public init() {}

    /// How often that happened.
    public subscript(reason: DropReason) -> UInt64 { drops[reason.rawValue] }

    /// Everything that was dropped.
    public var dropped: UInt64 {
        var sum: UInt64 = 0
        for index in drops.indices { sum += drops[index] }
        return sum
    }

    /// A packet came that was passed on as it is; the last one of a message counts it.
    public mutating func packetCame(isLast: Bool) {
        packetsIn += 1
        if isLast { messagesIn += 1 }
    }

    /// The link took a packet that was passed on as it is.
    public mutating func packetLeft(isLast: Bool) {
        packetsOut += 1
        if isLast { messagesOut += 1 }
    }

    mutating func count(_ reason: DropReason) { drops[reason.rawValue] += 1 }
}
