// SPDX-License-Identifier: Apache-2.0

/// CRC-8 with the polynomial x^8 + x^2 + x + 1 (0x07), initial value 0, neither reflected nor inverted: the packet error
/// code of SMBus. Its check value, over the digits 1 to 9, is 0xF4.
public enum CRC8 {
    /// The checksum of `bytes`, going on from `initial`.
    public static func checksum(_ bytes: Span<UInt8>, initial: UInt8 = 0) -> UInt8 {
        var crc = initial
        let table = table.span
        for index in bytes.indices { crc = table[Int(crc ^ bytes[index])] }
        return crc
    }
}

private let table: [UInt8] = (0..<256).map { index in
    var crc = UInt8(index)
    for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
    return crc
}
