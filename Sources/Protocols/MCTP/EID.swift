// SPDX-License-Identifier: Apache-2.0

/// An endpoint's address on an MCTP network (DSP0236 §8.2).
public struct EID: RawRepresentable, Hashable, Sendable {
    /// The address as it stands in a packet.
    public let rawValue: UInt8

    /// Any byte is an EID; `isAssignable` tells those that an endpoint can own.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Any byte is an EID; `isAssignable` tells those that an endpoint can own.
    public init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// 0: whoever is at the other end of the link.
    public static let null = EID(0)
    /// 0xFF: everyone.
    public static let broadcast = EID(0xFF)

    /// 8 to 0xFE: neither null, nor reserved, nor broadcast.
    public var isAssignable: Bool { rawValue >= 8 && rawValue != 0xFF }
}

/// The message tag and its owner bit, always together: an answer carries its request's tag with the owner bit clear, so
/// that the same number in both directions means two different messages.
public struct MessageTag: Hashable, Sendable {
    /// TO in bit 3, the tag in bits 2 to 0, as in the packet header.
    let bits: UInt8

    init(bits: UInt8) { self.bits = bits & 0xF }

    /// `value` is 0 to 7; `owner` is TO: the sender of this message chose the tag.
    public init(_ value: UInt8, owner: Bool) {
        precondition(value < 8, "a message tag has three bits")
        bits = value | (owner ? 8 : 0)
    }

    /// 0 to 7.
    public var value: UInt8 { bits & 7 }
    /// TO: the sender of this message chose the tag.
    public var isOwner: Bool { bits & 8 != 0 }
    /// The same number with the other side's owner bit: what an answer to a message with this tag carries.
    public var answer: MessageTag { MessageTag(bits: bits ^ 8) }
}
