// SPDX-License-Identifier: Apache-2.0

/// The four bytes in front of every packet (DSP0236 §8.1): version, destination, source, and SOM, EOM, sequence, TO and
/// tag in one byte. There is no value of this type that a packet could not carry.
public struct PacketHeader: Equatable, Sendable {
    /// Bytes in a packet.
    public static let size = 4
    /// The header version that this is; its upper four bits are reserved and not looked at.
    public static let version: UInt8 = 1
    /// The payload that every endpoint takes: the baseline transmission unit.
    public static let baselineUnit = 64

    /// Where the packet goes.
    public var destination: EID
    /// Where it comes from.
    public var source: EID
    private var flags: UInt8

    /// `sequence` counts modulo 4.
    public init(destination: EID, source: EID, som: Bool, eom: Bool, sequence: UInt8, tag: MessageTag) {
        self.destination = destination
        self.source = source
        flags = (som ? 0x80 : 0) | (eom ? 0x40 : 0) | (sequence & 3) << 4 | tag.bits
    }

    /// Reads a packet's first bytes: nil if there are fewer than four, or they are of another version.
    public init?(_ packet: UnsafeRawBufferPointer) {
        guard packet.count >= Self.size, packet[0] & 0xF == Self.version else { return nil }
        destination = EID(packet[1])
        source = EID(packet[2])
        flags = packet[3]
    }

    /// The message's first packet.
    public var som: Bool { flags & 0x80 != 0 }
    /// The message's last packet.
    public var eom: Bool { flags & 0x40 != 0 }
    /// 0 to 3, one more in each packet of a message.
    public var sequence: UInt8 { flags >> 4 & 3 }
    /// Tag and owner.
    public var tag: MessageTag { MessageTag(bits: flags) }

    /// Writes the four bytes to `packet`, which has room for them.
    public func write(to packet: UnsafeMutableRawBufferPointer) {
        packet[0] = Self.version
        packet[1] = destination.rawValue
        packet[2] = source.rawValue
        packet[3] = flags
    }

    /// (source, destination, tag, TO): what the packets of one message have in common.
    var terminusKey: UInt32 {
        UInt32(source.rawValue) << 16 | UInt32(destination.rawValue) << 8 | UInt32(flags & 0xF)
    }
}
