// SPDX-License-Identifier: Apache-2.0

/// CRC-32 as of IEEE 802.3 and zlib: polynomial 0x04C11DB7, reflected, initial value and final inversion 0xFFFFFFFF. Its
/// check value, over the digits 1 to 9, is 0xCBF43926.
public enum CRC32 {
    /// The checksum of `bytes`; with the result for what came before as `continuing`, of both together.
    public static func checksum(_ bytes: Span<UInt8>, continuing previous: UInt32 = 0) -> UInt32 {
        var crc = ~previous
        let table = tables.span
        var index = 0
        // Eight bytes a step, each through a table of its own, so that the look-ups do not wait for each other.
        while bytes.count - index >= 8 {
            let low = word(bytes, index) ^ crc
            let high = word(bytes, index + 4)
            crc = table[0x700 + Int(low & 0xFF)] ^ table[0x600 + Int(low >> 8 & 0xFF)]
            crc ^= table[0x500 + Int(low >> 16 & 0xFF)] ^ table[0x400 + Int(low >> 24)]
            crc ^= table[0x300 + Int(high & 0xFF)] ^ table[0x200 + Int(high >> 8 & 0xFF)]
            crc ^= table[0x100 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
            index += 8
        }
        while index < bytes.count {
            crc = table[Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ crc >> 8
            index += 1
        }
        return ~crc
    }

    private static func word(_ bytes: Span<UInt8>, _ index: Int) -> UInt32 {
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
            | UInt32(bytes[index + 3]) << 24
    }
}

// Eight tables of 256 words, one after the other.
private let tables: [UInt32] = {
    var tables: [UInt32] = []
    tables.reserveCapacity(8 * 256)
    for index in 0..<256 {
        var crc = UInt32(index)
        for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        tables.append(crc)
    }
    for index in 256..<8 * 256 {
        let previous = tables[index - 256]
        tables.append(tables[Int(previous & 0xFF)] ^ previous >> 8)
    }
    return tables
}()
