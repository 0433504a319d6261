// SPDX-License-Identifier: Apache-2.0

/// What a message's first byte says: the protocol in bits 6 to 0, and in bit 7 whether an integrity check ends the
/// message (DSP0236 §8.1, DSP0239).
public struct MessageType: RawRepresentable, Hashable, Sendable {
    /// The byte as it stands in the message.
    public let rawValue: UInt8

    /// Any byte is a message type.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Any byte is a message type.
    public init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// MCTP control messages.
    public static let control = MessageType(0x00)
    /// Platform Level Data Model.
    public static let pldm = MessageType(0x01)
    /// Vendor defined, by PCI vendor id.
    public static let vendorPCI = MessageType(0x7E)
    /// Vendor defined, by IANA enterprise number.
    public static let vendorIANA = MessageType(0x7F)

    /// IC: the last bytes of the message are a checksum of it, as the protocol defines.
    public var hasIntegrityCheck: Bool { rawValue & 0x80 != 0 }
    /// The protocol, 0 to 0x7F.
    public var number: UInt8 { rawValue & 0x7F }
}

/// A set of message type numbers, 0 to 0x7F.
public struct MessageTypeSet: Equatable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// The empty set.
    public init() {}

    /// Whether the type's number is a member; its integrity check bit does not matter.
    public func contains(_ type: MessageType) -> Bool {
        (type.number < 64 ? low >> UInt64(type.number) : high >> UInt64(type.number - 64)) & 1 != 0
    }

    /// Adds the type's number.
    public mutating func insert(_ type: MessageType) {
        if type.number < 64 { low |= 1 << UInt64(type.number) } else { high |= 1 << UInt64(type.number - 64) }
    }

    /// How many members there are.
    public var count: Int { low.nonzeroBitCount + high.nonzeroBitCount }
}
