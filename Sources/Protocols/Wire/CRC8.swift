// SPDX-License-Identifier: Apache-2.0

/// CRC-8 with the polynomial x^8 + x^2 + x + 1 (0x07), initial value 0, neither reflected nor inverted: the packet error
/// code of SMBus. Its check value, over the digits 1 to 9, is 0xF4.
public enum CRC8 {
    /// The checksum of `bytes`, going on from `initial`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, initial: UInt8 = 0) -> UInt8 {
        var crc = initial
        for byte in bytes { crc = table[Int(crc ^ byte)] }
        return crc
    }
}

// Filled once and never changed or freed: reading it needs no lock.
nonisolated(unsafe) private let table: UnsafePointer<UInt8> = {
    let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
    for index in 0..<256 {
        var crc = UInt8(index)
        for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
        (table + index).initialize(to: crc)
    }
    return UnsafePointer(table)
}()
