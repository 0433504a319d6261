// SPDX-License-Identifier: Apache-2.0

/// CRC-32 as of IEEE 802.3 and zlib: polynomial 0x04C11DB7, reflected, initial value and final inversion 0xFFFFFFFF. Its
/// check value, over the digits 1 to 9, is 0xCBF43926.
public enum CRC32 {
    /// The checksum of `bytes`; with the result for what came before as `continuing`, of both together.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, continuing previous: UInt32 = 0) -> UInt32 {
        var crc = ~previous
        guard var position = bytes.baseAddress else { return previous }
        var left = bytes.count
        let table = tables
        // Eight bytes a step, each through a table of its own, so that the look-ups do not wait for each other.
        while left >= 8 {
            let low = UInt32(littleEndian: position.loadUnaligned(as: UInt32.self)) ^ crc
            let high = UInt32(littleEndian: position.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            crc = table[0x700 + Int(low & 0xFF)] ^ table[0x600 + Int(low >> 8 & 0xFF)]
            crc ^= table[0x500 + Int(low >> 16 & 0xFF)] ^ table[0x400 + Int(low >> 24)]
            crc ^= table[0x300 + Int(high & 0xFF)] ^ table[0x200 + Int(high >> 8 & 0xFF)]
            crc ^= table[0x100 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
            position += 8
            left -= 8
        }
        while left > 0 {
            crc = table[Int((crc ^ UInt32(position.load(as: UInt8.self))) & 0xFF)] ^ crc >> 8
            position += 1
            left -= 1
        }
        return ~crc
    }
}

// Eight tables of 256 words, one after the other; filled once and never changed or freed: reading them needs no lock.
nonisolated(unsafe) private let tables: UnsafePointer<UInt32> = {
    let tables = UnsafeMutablePointer<UInt32>.allocate(capacity: 8 * 256)
    for index in 0..<256 {
        var crc = UInt32(index)
        for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        (tables + index).initialize(to: crc)
    }
    for index in 256..<8 * 256 {
        let previous = tables[index - 256]
        (tables + index).initialize(to: tables[Int(previous & 0xFF)] ^ previous >> 8)
    }
    return UnsafePointer(tables)
}()
