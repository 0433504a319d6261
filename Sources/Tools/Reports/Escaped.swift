// SPDX-License-Identifier: Apache-2.0

/// Text of a capture, whose host may be hostile, for places in a page where it can be nothing but text.
enum Escaped {
    /// For HTML, elements' contents and quoted attributes alike.
    static func html(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value): result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A string of JSON in which no HTML parser finds an end of its element, and no reader of script an end of line.
    static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "<", ">", "&", "'", "\u{2028}", "\u{2029}", "\u{7F}": result += unicode(scalar.value)
            case _ where scalar.value < 0x20: result += unicode(scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    static func json(_ list: [String]) -> String { "[" + list.map { json($0) }.joined(separator: ",") + "]" }

    private static func unicode(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    /// The bytes of numbers, least significant first, as base64.
    static func base64<Number: FixedWidthInteger>(_ numbers: [Number]) -> String {
        base64(
            numbers.flatMap { number in
                (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
            })
    }

    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count / 3 * 4 + 4)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let value =
                Int(bytes[index]) << 16 | (left > 1 ? Int(bytes[index + 1]) << 8 : 0)
                | (left > 2 ? Int(bytes[index + 2]) : 0)
            text.append(digits[value >> 18])
            text.append(digits[value >> 12 & 63])
            text.append(left > 1 ? digits[value >> 6 & 63] : UInt8(ascii: "="))
            text.append(left > 2 ? digits[value & 63] : UInt8(ascii: "="))
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}
