// SPDX-License-Identifier: Apache-2.0
import Wire

/// The framing of MCTP over KCS (DSP0254): one packet a KCS transfer, in the same form in both directions.
///
/// NetFn and LUN of the group extension, the defining body 0x01, a count N, N bytes of packet, and a CRC-8 over the packet.
/// IPMI uses the same first byte for other groups: only a message that fits in every respect is taken for a packet.
public enum DSP0254 {
    /// The first byte: NetFn 0x2C, LUN 0.
    public static let networkFunction: UInt8 = 0xB0
    /// The second byte: DMTF pre-OS working group.
    public static let definingBody: UInt8 = 0x01
    /// Bytes of a transfer that are not the packet.
    public static let overhead = 4
    /// The longest packet, header included: its length is one byte.
    public static let longestPacket = 0xFF

    /// What ends a transfer that has no packet to answer with: the header of an empty one. A host finds no packet in it, and is
    /// in IDLE at its end; nothing else follows, for edk2 reads what the header says, and then no more.
    public static let noPacket: [UInt8] = [networkFunction, definingBody, 0]

    /// Where the packet lies in a message; nil if the message is none of this binding's.
    public static func packet(in message: UnsafeRawBufferPointer) -> Range<Int>? {
        guard message.count >= overhead + PacketHeader.size, message[0] == networkFunction,
            message[1] == definingBody, message.count == Int(message[2]) + overhead,
            message[3] & 0xF == PacketHeader.version
        else { return nil }
        let packet = 3..<message.count - 1
        guard CRC8.checksum(UnsafeRawBufferPointer(rebasing: message[packet])) == message[message.count - 1] else {
            return nil
        }
        return packet
    }

    /// Puts the frame around a packet that lies at offset 3 of `message`; answers the length of the whole.
    public static func frame(packet count: Int, in message: UnsafeMutableRawBufferPointer) -> Int {
        precondition(count >= PacketHeader.size && count <= longestPacket && message.count >= count + overhead)
        message[0] = networkFunction
        message[1] = definingBody
        message[2] = UInt8(count)
        message[3 + count] = CRC8.checksum(UnsafeRawBufferPointer(rebasing: message[3..<3 + count]))
        return count + overhead
    }
}
