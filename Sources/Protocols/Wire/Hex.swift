// SPDX-License-Identifier: Apache-2.0

/// Bytes as hexadecimal text and back.
public enum Hex {
    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// Two capital digits for each byte, with `separator` between bytes.
    public static func text(_ bytes: UnsafeRawBufferPointer, separator: String = " ") -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * (2 + separator.utf8.count))
        for (index, byte) in bytes.enumerated() {
            if index > 0 { text.append(contentsOf: separator.utf8) }
            text.append(digit(byte >> 4))
            text.append(digit(byte & 0xF))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two capital digits for each byte, with `separator` between bytes.
    public static func text(_ bytes: [UInt8], separator: String = " ") -> String {
        bytes.withUnsafeBytes { text($0, separator: separator) }
    }

    /// A byte as two capital digits.
    public static func text(_ byte: UInt8) -> String {
        String(decoding: [digit(byte >> 4), digit(byte & 0xF)], as: UTF8.self)
    }

    /// The bytes that pairs of digits stand for. Between bytes, but not inside one, there may be spaces, hyphens and
    /// colons. Anything else, and an odd number of digits, is nil.
    public static func bytes(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            if let value = value(character) {
                if let first = high {
                    result.append(first << 4 | value)
                    high = nil
                } else {
                    high = value
                }
            } else {
                let separators: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: ":")]
                guard high == nil, separators.contains(character) else { return nil }
            }
        }
        return high == nil ? result : nil
    }
}
