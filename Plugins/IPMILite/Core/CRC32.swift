// SPDX-License-Identifier: Apache-2.0
import Common

/// CRC-32 as in IEEE 802.3: reflected, polynomial 04C11DB7, start and final exclusive-or FFFFFFFF.
enum CRC32 {
    /// Over `bytes[range]`.
    static func of(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for index in range {
            crc ^= UInt32(bytes[index])
            // Two table steps of four bits: 64 bytes of table instead of 1 KiB, fast enough for records.
            crc = crc >> 4 ^ table[Int(crc & 15)]
            crc = crc >> 4 ^ table[Int(crc & 15)]
        }
        return crc ^ 0xFFFF_FFFF
    }

    private static let table: [UInt32] = [
        0x0000_0000, 0x1DB7_1064, 0x3B6E_20C8, 0x26D9_30AC, 0x76DC_4190, 0x6B6B_51F4, 0x4DB2_6158, 0x5005_713C,
        0xEDB8_8320, 0xF00F_9344, 0xD6D6_A3E8, 0xCB61_B38C, 0x9B64_C2B0, 0x86D3_D2D4, 0xA00A_E278, 0xBDBD_F21C,
    ]
}
