// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@Suite struct ByteReaderTests {
    @Test func readsBothByteOrders() {
        let bytes: [UInt8] = Array(1...28)
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            #expect(reader.readUInt16BigEndian() == 0x0102)
            #expect(reader.readUInt16LittleEndian() == 0x0403)
            #expect(reader.readUInt32BigEndian() == 0x0506_0708)
            #expect(reader.readUInt32LittleEndian() == 0x0C0B_0A09)
            #expect(reader.readUInt64BigEndian() == 0x0D0E_0F10_1112_1314)
            #expect(reader.readUInt64LittleEndian() == 0x1C1B_1A19_1817_1615)
            #expect(reader.isAtEnd)
        }
    }

    @Test func aReadBeyondTheEndIsNilAndMovesNothing() {
        let bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            #expect(reader.readUInt32BigEndian() == nil)
            #expect(reader.readUInt64LittleEndian() == nil)
            #expect(reader.readBytes(4) == nil)
            #expect(reader.readBytes(-1) == nil)
            let skippedTooMuch = reader.skip(Int.max)
            #expect(!skippedTooMuch)
            #expect(reader.offset == 0)
            let skippedOne = reader.skip(1)
            #expect(skippedOne)
            #expect(reader.readUInt16BigEndian() == 0x0203)
            #expect(reader.readUInt8() == nil)
            #expect(reader.readRest().count == 0)
        }
    }

    @Test func anEmptyBufferHasNothingToRead() {
        var reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(reader.readUInt8() == nil)
        #expect(reader.readRest().count == 0)
        #expect(reader.readBytes(0)?.count == 0)
    }
}

@Suite struct ByteWriterTests {
    @Test func writesBothByteOrders() {
        var bytes = [UInt8](repeating: 0, count: 30)
        bytes.withUnsafeMutableBytes { raw in
            var writer = ByteWriter(raw)
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
            #expect(writer.written.elementsEqual(Array(1...30)))
        }
    }

    @Test func whatDoesNotFitIsNotWrittenAndRemembered() {
        var bytes: [UInt8] = [0xAA, 0xAA, 0xAA]
        bytes.withUnsafeMutableBytes { raw in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: raw[..<2]))
            writer.writeUInt8(1)
            writer.writeUInt16BigEndian(0x0203)
            #expect(writer.overflowed)
            writer.writeUInt8(4)
            writer.writeRepeated(5, count: 1)
            #expect(writer.count == 1)
        }
        #expect(bytes == [1, 0xAA, 0xAA])
    }

    @Test func nothingFitsAnywhere() {
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
        writer.writeBytes([])
        #expect(!writer.overflowed)
        writer.writeUInt8(0)
        #expect(writer.overflowed)
    }
}

@Suite struct ChecksumTests {
    let digits: [UInt8] = Array("123456789".utf8)

    @Test func crc8HasItsCheckValue() {
        #expect(digits.withUnsafeBytes { CRC8.checksum($0) } == 0xF4)
        #expect([UInt8]().withUnsafeBytes { CRC8.checksum($0) } == 0)
    }

    @Test func crc32HasItsCheckValue() {
        #expect(digits.withUnsafeBytes { CRC32.checksum($0) } == 0xCBF4_3926)
        #expect([UInt8]().withUnsafeBytes { CRC32.checksum($0) } == 0)
    }

    @Test func crc32OfTwoPartsIsThatOfTheWhole() {
        let bytes = (0..<100).map { UInt8($0 * 7 & 0xFF) }
        let whole = bytes.withUnsafeBytes { CRC32.checksum($0) }
        for cut in 0...100 {
            let first = bytes[..<cut].withUnsafeBytes { CRC32.checksum($0) }
            #expect(bytes[cut...].withUnsafeBytes { CRC32.checksum($0, continuing: first) } == whole)
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
                #expect(bytes[start..<end].withUnsafeBytes { CRC32.checksum($0) } == ~crc)
            }
        }
    }
}
