// SPDX-License-Identifier: Apache-2.0
//
// Captures that come in pieces, that are cut, and that are damaged.
import Capture
import Testing

@Suite struct DamageTests {
    private let whole = Sample.pcapng()

    /// Where each block begins.
    private func blocks() -> [Int] {
        var starts: [Int] = []
        var offset = 0
        while offset < whole.count {
            starts.append(offset)
            offset += Int(whole[offset + 4]) | Int(whole[offset + 5]) << 8
        }
        return starts
    }

    private func items(_ reader: inout PcapngReader) -> [PcapngReader.Item] {
        var items: [PcapngReader.Item] = []
        while let item = reader.next() { items.append(item) }
        return items
    }

    private func packets(_ items: [PcapngReader.Item]) -> [PcapngReader.Packet] {
        items.compactMap { item in
            if case .packet(let packet) = item { return packet }
            return nil
        }
    }

    @Test func aFileInPiecesGivesWhatItGivesAsAWhole() throws {
        var reader = try #require(PcapngReader(whole))
        let expected = items(&reader)
        for size in [1, 3, 64, 1000] {
            var reader = PcapngReader()
            var found: [PcapngReader.Item] = []
            for start in stride(from: 0, to: whole.count, by: size) {
                reader.push(whole[start..<min(start + size, whole.count)])
                found += items(&reader)
            }
            // Before anybody says that this was the end.
            #expect(found == expected)
            reader.finish()
            #expect(items(&reader).isEmpty && reader.isWhole)
        }
    }

    @Test func readingGoesOnBehindABlockWhoseLengthIsWrong() throws {
        let all = packets(
            try {
                var reader = try #require(PcapngReader(whole)); return items(&reader)
            }())
        for (index, start) in blocks().enumerated().dropFirst(1) {
            for (byte, value) in [(4, UInt8(0xFF)), (4, 0), (6, 0x40), (7, 0x7F)] {
                // Of a file's last block nothing behind it tells that it is not just cut.
                if start == blocks().last && byte == 6 { continue }
                var file = whole
                file[start + byte] = value
                var reader = try #require(PcapngReader(file))
                let found = packets(items(&reader))
                #expect(reader.damage?.offset == UInt64(start), "block \(index), byte \(byte)")
                #expect(reader.cut == nil)
                #expect(found.count >= all.count - 1, "block \(index), byte \(byte)")
            }
        }
    }

    @Test func bytesThatAreMissingOrTooManyCostTheBlocksThatTheyHit() throws {
        let start = blocks()[10]
        for count in 1..<24 {
            var missing = whole
            missing.removeSubrange(start + 6..<start + 6 + count)
            var more = whole
            more.insert(contentsOf: [UInt8](repeating: 6, count: count), at: start + 6)
            for file in [missing, more] {
                var reader = try #require(PcapngReader(file))
                #expect(packets(items(&reader)).count == 17, "\(count)")
                #expect(!reader.isWhole)
            }
        }
    }

    @Test func damageInTheMiddleIsToldBeforeTheEndHasCome() throws {
        let start = blocks()[10]
        var file = whole
        file[start + 5] = 0xFF
        var reader = PcapngReader()
        reader.push(file)
        let found = items(&reader)
        // A length of 65 KiB may still come; one beyond 16 MiB may not.
        #expect(packets(found).count < 18)
        file[start + 7] = 0xFF
        reader = PcapngReader()
        reader.push(file)
        #expect(packets(items(&reader)).count == 17)
    }

    @Test func whatOnlyLooksLikeABlockIsNotWaitedFor() throws {
        let start = blocks()[10]
        for kind in [UInt8(1), 5, 6] {
            // A kind, and a length of which the end never comes.
            let lure: [UInt8] = [kind, 0, 0, 0, 0, 0, 0x40, 0, 0xFF, 0, 0xFF, 0]
            var file = whole
            file.replaceSubrange(start + 4..<start + 4, with: [1, 2, 3] + lure)
            var reader = PcapngReader()
            reader.push(file)
            #expect(packets(items(&reader)).count == 17, "\(kind)")
        }
    }

    @Test func theEndOfACutFileIsNoDamageAndItsPlaceIsTold() throws {
        for start in blocks().dropFirst() {
            for count in [start + 1, start + 11, start + 20] {
                var reader = try #require(PcapngReader(Array(whole[..<count])))
                _ = items(&reader)
                #expect(reader.cut == UInt64(start))
                #expect(reader.damage == nil)
            }
        }
    }

    @Test func everyFormOfACaptureComesInPieces() {
        let recorder = Sample.ipmi()
        var reader = CaptureReader()
        for byte in CaptureDump.pcapng([recorder.snapshot()]) { reader.push([byte]) }
        var packets = 0
        while let item = reader.next() { if case .packet = item { packets += 1 } }
        #expect(packets == 13)
        reader.finish()
        #expect(reader.damage == nil && reader.cut == nil && !reader.isRefused)
        var other = CaptureReader()
        other.push(Array("hello, world, this is text".utf8)[...])
        #expect(other.isRefused)
    }
}
