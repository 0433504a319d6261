// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import Testing
import Wire

@Suite struct PacketHeaderTests {
    @Test("every header reads as it was written", arguments: [UInt8(0), 8, 9, 0xFE, 0xFF])
    func everyHeaderRoundTrips(source: UInt8) {
        for destination in [UInt8(0), 8, 0xFF] {
            for flags in 0...UInt8.max {
                let bytes: [UInt8] = [1, destination, source, flags]
                let header = bytes.withUnsafeBytes { PacketHeader($0)! }
                #expect(header.destination.rawValue == destination && header.source.rawValue == source)
                #expect(header.som == (flags & 0x80 != 0) && header.eom == (flags & 0x40 != 0))
                #expect(header.sequence == flags >> 4 & 3)
                #expect(header.tag.value == flags & 7 && header.tag.isOwner == (flags & 8 != 0))
                let again = PacketHeader(
                    destination: header.destination, source: header.source, som: header.som, eom: header.eom,
                    sequence: header.sequence, tag: MessageTag(header.tag.value, owner: header.tag.isOwner))
                var written = [UInt8](repeating: 0, count: 4)
                written.withUnsafeMutableBytes { again.write(to: $0) }
                #expect(written == bytes)
            }
        }
    }

    @Test func anyVersionButOneAndAnythingShorterIsNoHeader() {
        for version in 0...UInt8.max {
            let bytes: [UInt8] = [version, 8, 9, 0xC8]
            let header = bytes.withUnsafeBytes { PacketHeader($0) }
            #expect((header != nil) == (version & 0xF == 1))
        }
        for count in 0..<4 { #expect([UInt8](repeating: 1, count: count).withUnsafeBytes { PacketHeader($0) } == nil) }
    }

    @Test func anAnswersTagHasTheOtherOwner() {
        #expect(MessageTag(5, owner: true).answer == MessageTag(5, owner: false))
        #expect(MessageTag(5, owner: false).answer.answer == MessageTag(5, owner: false))
    }

    @Test func assignableAddressesAreEightToFE() {
        #expect((0...UInt8.max).filter { EID($0).isAssignable } == Array(8...0xFE))
    }
}

@Suite struct DSP0254Tests {
    static let vectors: [[UInt8]] = [
        "B001070108 09C9008002 5F", "B0010B01 0908C1000002 00080004 06", "B00108010809C9008104FF7C",
        "B00119010908C1000104 0004 F1F0FF00F1F1FF00F1F2FF00F1F3F300 B1",
    ].map { Hex.parse($0)! }

    @Test("vectors of the framing are taken and made", arguments: vectors)
    func vectorsRoundTrip(message: [UInt8]) {
        let range = message.withUnsafeBytes { DSP0254.packet(in: $0) }
        #expect(range == 3..<message.count - 1)
        var built = [UInt8](repeating: 0, count: message.count)
        built.replaceSubrange(3..<message.count - 1, with: message[3..<message.count - 1])
        #expect(built.withUnsafeMutableBytes { DSP0254.frame(packet: message.count - 4, in: $0) } == message.count)
        #expect(built == message)
    }

    @Test func everySingleBitErrorIsRefused() {
        for vector in Self.vectors {
            for bit in 0..<vector.count * 8 {
                // The header's reserved bits are the packet's business; its checksum still covers them.
                var damaged = vector
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(damaged.withUnsafeBytes { DSP0254.packet(in: $0) } == nil)
            }
        }
    }

    @Test func ipmiGroupExtensionsAreNotTaken() {
        for text in ["B001", "B001DC", "B001DC01", "B00104DC010203 00", "B401DC", "B0", ""] {
            #expect(Hex.parse(text)!.withUnsafeBytes { DSP0254.packet(in: $0) } == nil)
        }
    }

    @Test func aByteMoreOrLessIsRefused() {
        for vector in Self.vectors {
            #expect((vector + [0]).withUnsafeBytes { DSP0254.packet(in: $0) } == nil)
            #expect(vector.dropLast().withUnsafeBytes { DSP0254.packet(in: $0) } == nil)
        }
    }
}
