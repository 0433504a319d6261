// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite struct ByteReaderTests {
    @Test func readsBothByteOrders() {
        let bytes: [UInt8] = Array(1...28)
        var reader = ByteReader(bytes.span)
        #expect(reader.readUInt16BigEndian() == 0x0102)
        #expect(reader.readUInt16LittleEndian() == 0x0403)
        #expect(reader.readUInt32BigEndian() == 0x0506_0708)
        #expect(reader.readUInt32LittleEndian() == 0x0C0B_0A09)
        #expect(reader.readUInt64BigEndian() == 0x0D0E_0F10_1112_1314)
        #expect(reader.readUInt64LittleEndian() == 0x1C1B_1A19_1817_1615)
        let everything = reader.isAtEnd
        #expect(everything)
    }

    @Test func aReadBeyondTheEndIsNilAndMovesNothing() {
        let bytes: [UInt8] = [1, 2, 3]
        var reader = ByteReader(bytes.span)
        #expect(reader.readUInt32BigEndian() == nil)
        #expect(reader.readUInt64LittleEndian() == nil)
        let tooMany = reader.readBytes(4) != nil
        let negative = reader.readBytes(-1) != nil
        #expect(!tooMany && !negative)
        let skippedTooMuch = reader.skip(Int.max)
        #expect(!skippedTooMuch)
        let moved = reader.offset
        #expect(moved == 0)
        let skippedOne = reader.skip(1)
        #expect(skippedOne)
        #expect(reader.readUInt16BigEndian() == 0x0203)
        #expect(reader.readUInt8() == nil)
        let rest = reader.readRest().count
        #expect(rest == 0)
    }

    @Test func anEmptyBufferHasNothingToRead() {
        let bytes: [UInt8] = []
        var reader = ByteReader(bytes.span)
        #expect(reader.readUInt8() == nil)
        let rest = reader.readRest().count
        let none = reader.readBytes(0)?.count
        #expect(rest == 0 && none == 0)
    }
}

@Suite struct ByteWriterTests {
    @Test func writesBothByteOrders() {
        var writer = ByteWriter(capacity: 30)
        writer.writeUInt16BigEndian(0x0102)
        writer.writeUInt16LittleEndian(0x0403)
        writer.writeUInt32BigEndian(0x0506_0708)
        writer.writeUInt32LittleEndian(0x0C0B_0A09)
        writer.writeUInt64BigEndian(0x0D0E_0F10_1112_1314)
        writer.writeUInt64LittleEndian(0x1C1B_1A19_1817_1615)
        writer.writeUInt8(29)
        writer.writeBytes([30])
        #expect(!writer.overflowed)
        #expect(writer.remaining == 0)
        #expect(writer.bytes == Array(1...30))
    }

    @Test func whatDoesNotFitIsNotWrittenAndRemembered() {
        var writer = ByteWriter(capacity: 2)
        writer.writeUInt8(1)
        writer.writeUInt16BigEndian(0x0203)
        #expect(writer.overflowed)
        writer.writeUInt8(4)
        writer.writeRepeated(5, count: 1)
        #expect(writer.bytes == [1])
    }

    @Test func nothingFitsAnywhere() {
        var writer = ByteWriter(capacity: 0)
        writer.writeBytes([])
        #expect(!writer.overflowed)
        writer.writeUInt8(0)
        #expect(writer.overflowed)
    }
}

@Suite struct ChecksumTests {
    let digits: [UInt8] = Array("123456789".utf8)

    @Test func crc8HasItsCheckValue() {
        #expect(CRC8.checksum(digits.span) == 0xF4)
        #expect(CRC8.checksum([UInt8]().span) == 0)
    }

    @Test func crc32HasItsCheckValue() {
        #expect(CRC32.checksum(digits.span) == 0xCBF4_3926)
        #expect(CRC32.checksum([UInt8]().span) == 0)
    }

    @Test func crc32OfTwoPartsIsThatOfTheWhole() {
        let bytes = (0..<100).map { UInt8($0 * 7 & 0xFF) }
        let whole = CRC32.checksum(bytes.span)
        for cut in 0...100 {
            let first = CRC32.checksum(bytes.span.extracting(..<cut))
            #expect(CRC32.checksum(bytes.span.extracting(cut...), continuing: first) == whole)
        }
    }

    @Test func crc32IsTheBitwiseDefinitionAtEveryLengthAndAlignment() {
        let bytes = (0..<80).map { UInt8(($0 * 31 + 5) & 0xFF) }
        for start in 0..<9 {
            for end in start..<bytes.count {
                var crc: UInt32 = 0xFFFF_FFFF
                for byte in bytes[start..<end] {
                    crc ^= UInt32(byte)
                    for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
                }
                #expect(CRC32.checksum(bytes.span.extracting(start..<end)) == ~crc)
            }
        }
    }
}
