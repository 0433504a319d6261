// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@Suite("Serial frames (DSP0253)") struct SerialFrameTests {
    private func encode(_ packet: [UInt8], seed: UInt16 = 0xFFFF) -> [UInt8] {
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: SerialFrame.longestFrame, alignment: 8)
        defer { frame.deallocate() }
        let count = packet.withUnsafeBytes { SerialFrame.encode($0, seed: FrameCheck(seed: seed), into: frame) }
        return Array(frame[..<count])
    }

    private func decode(_ bytes: [UInt8], _ decoder: inout SerialDecoder) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        for byte in bytes where decoder.add(byte) { packets.append(decoder.packet) }
        return packets
    }

    private func sum(_ bytes: [UInt8], seed: UInt16 = 0xFFFF) -> UInt16 {
        var check = FrameCheck(seed: seed)
        for byte in bytes { check.add(byte) }
        return check.value
    }

    /// The catalogue's check values of CRC-16/MCRF4XX (FFFFh) and CRC-16/KERMIT (0).
    @Test func theCheckSequenceIsTheOneOfTheCatalogue() {
        let digits = Array("123456789".utf8)
        #expect(sum(digits) == 0x6F91 && sum(digits, seed: 0) == 0x2189)
    }

    @Test func aFrameIsFlagRevisionLengthPacketCheckFlag() {
        let packet: [UInt8] = [1, 8, 9, 0xC8, 0, 0x80, 2]
        let check = sum([1, 7] + packet)
        #expect(encode(packet) == [0x7E, 1, 7] + packet + [UInt8(check >> 8), UInt8(check & 0xFF), 0x7E])
    }

    @Test func flagsAndEscapesInAPacketAreEscaped() {
        let packet: [UInt8] = [1, 0x7E, 0x7D, 0x5E]
        let frame = encode(packet)
        #expect(frame[3..<9] == [1, 0x7D, 0x5E, 0x7D, 0x5D, 0x5E])
        var decoder = SerialDecoder()
        #expect(decode(frame, &decoder) == [packet])
    }

    @Test func everyLengthComesBack() {
        var decoder = SerialDecoder()
        for length in 1...255 {
            let packet = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ length) }
            #expect(decode(encode(packet), &decoder) == [packet])
        }
        #expect(decoder.damaged == 0)
    }

    @Test func framesMayShareTheirFlag() {
        var decoder = SerialDecoder()
        let frame = encode([1, 2, 3, 4, 5])
        #expect(decode(frame + frame.dropFirst(), &decoder).count == 2)
    }

    @Test func afterADamagedFrameTheNextOneCounts() {
        let good = encode([1, 2, 3, 4, 5])
        for place in 1..<good.count - 1 {
            var decoder = SerialDecoder()
            var bad = good
            bad[place] ^= 0x10
            let packets = decode(bad + good + good, &decoder)
            #expect(packets.suffix(1) == [[1, 2, 3, 4, 5]], "byte \(place)")
            #expect(decoder.damaged >= 1 && packets.allSatisfy { $0 == [1, 2, 3, 4, 5] }, "byte \(place)")
        }
    }

    /// A check sequence may have any value, so that a cut in it costs the frame behind it, too.
    @Test func aFrameThatIsCutOffCostsOneMoreAtMost() {
        let good = encode([1, 2, 3, 4, 5])
        for count in 1..<good.count {
            var decoder = SerialDecoder()
            #expect(decode(Array(good[..<count]) + good + good, &decoder).last == [1, 2, 3, 4, 5], "\(count) bytes")
            let isInCheck = count >= good.count - 3
            #expect(isInCheck || decode(good, &decoder) == [[1, 2, 3, 4, 5]], "\(count) bytes")
        }
    }

    @Test func aLineThatBeginsItsCheckWithZeroIsAnsweredLikewise() {
        var decoder = SerialDecoder()
        #expect(decoder.seed == FrameCheck())
        #expect(decode(encode([1, 2, 3, 4], seed: 0), &decoder) == [[1, 2, 3, 4]])
        #expect(decoder.seed == FrameCheck(seed: 0))
        #expect(decode(encode([1, 2, 3, 4]), &decoder) == [[1, 2, 3, 4]])
        #expect(decoder.seed == FrameCheck())
    }
}
