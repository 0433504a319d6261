// SPDX-License-Identifier: Apache-2.0

/// Words of a transcript that stand for numbers, and numbers as a transcript shows them.
enum Words {
    /// `0x41`, or decimal.
    static func number(_ word: Substring) -> UInt64? {
        word.hasPrefix("0x") ? UInt64(word.dropFirst(2), radix: 16) : UInt64(word)
    }

    /// 0 to 255.
    static func byte(_ word: Substring) -> UInt8? { number(word).flatMap { UInt8(exactly: $0) } }
}
