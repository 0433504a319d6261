// SPDX-License-Identifier: Apache-2.0

/// Words of a transcript that stand for numbers, and numbers as a transcript shows them.
enum Words {
    /// `0x41`, or decimal.
    static func number(_ word: Substring) -> UInt64? {
        word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
    }

    /// 0 to 255.
    static func byte(_ word: Substring) -> UInt8? { number(word).flatMap { UInt8(exactly: $0) } }

    /// `500us`, `10ms`, `30s`, `2m`, `1h`, in nanoseconds.
    static func duration(_ word: Substring) -> UInt64? {
        let units: [(String, UInt64)] = [
            ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
            ("h", 3_600_000_000_000),
        ]
        for (unit, factor) in units where word.hasSuffix(unit) {
            guard let count = UInt64(word.dropLast(unit.count)) else { continue }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        return nil
    }

    /// "0x0f"
    static func hex(_ byte: UInt8) -> String {
        byte < 16 ? "0x0\(String(byte, radix: 16))" : "0x\(String(byte, radix: 16))"
    }

    /// "0x01 0x02"
    static func hex(_ bytes: some Sequence<UInt8>) -> String { bytes.map { hex($0) }.joined(separator: " ") }
}
