// SPDX-License-Identifier: Apache-2.0

/// Bytes as hexadecimal text and back.
public enum Hex {
    /// A byte as two capital digits, `4F`.
    public static func byte(_ value: UInt8) -> String {
        String(decoding: [digit(value >> 4), digit(value & 15)], as: UTF8.self)
    }

    /// A byte as a number in a sentence, `0x4f`.
    public static func number(_ value: UInt8) -> String { "0x" + lowercase(CollectionOfOne(value)) }

    /// Bytes as numbers in a sentence, `0x4f 0x01`.
    public static func numbers(_ values: some Sequence<UInt8>) -> String {
        var text = ""
        for value in values {
            if !text.isEmpty { text += " " }
            text += number(value)
        }
        return text
    }

    /// Two capital digits for each byte, with `separator` between bytes: `4F 01`.
    public static func bytes(_ values: some Sequence<UInt8>, separator: String = " ") -> String {
        var text: [UInt8] = []
        for value in values {
            if !text.isEmpty { text.append(contentsOf: separator.utf8) }
            text.append(digit(value >> 4))
            text.append(digit(value & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two small digits for each byte, with nothing between bytes: `4f01`, as tools write build identifiers.
    public static func lowercase(_ values: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for value in values {
            // The letters of ASCII differ in bit 5, which the digits have set.
            text.append(digit(value >> 4) | 0x20)
            text.append(digit(value & 15) | 0x20)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes that pairs of digits stand for. Between bytes, but not inside one, there may be spaces, hyphens and
    /// colons. Anything else, and an odd number of digits, is nil.
    public static func parse(_ text: String) -> [UInt8]? {
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

    /// The value of one digit, an ASCII character; nil for anything else.
    public static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
