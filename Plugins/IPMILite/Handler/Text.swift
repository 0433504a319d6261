// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: literals are compared where they lie.
import Common
import IPMI
import IPMIController

/// A word to be compared byte by byte in a `switch`. Comparing Strings would bring in the code of Unicode's
/// normalisation.
struct Word {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    init(_ text: String) { bytes = [UInt8](text.utf8)[...] }

    static func ~= (pattern: StaticString, word: Word) -> Bool { word.isSame(pattern) }

    @inline(never)
    private func isSame(_ pattern: StaticString) -> Bool {
        guard pattern.utf8CodeUnitCount == bytes.count else { return false }
        // A literal has a start and a count.
        var place = pattern.utf8Start
        for byte in bytes {
            if byte != place.pointee { return false }
            place += 1
        }
        return true
    }
}

/// Readers of the text forms that options have. nil for anything that is not exactly such a form.
enum Text {
    /// `major.minor`, or major alone.
    static func version(_ text: String) -> (major: UInt8, minor: UInt8)? {
        let parts = Bytes.split(text, at: 0x2E)
        guard parts.count <= 2, let major = parts.first.flatMap(number), major <= 127 else { return nil }
        guard parts.count == 2 else { return (UInt8(major), 0) }
        guard let minor = number(parts[1]), minor <= 99 else { return nil }
        return (UInt8(major), UInt8(minor))
    }

    /// A UUID's text as the 16 bytes that are sent: the standard's order, least significant byte first.
    static func guid(_ text: String) -> [UInt8]? {
        var guid = [UInt8](repeating: 0, count: 16)
        var digits = 0
        for byte in [UInt8](text.utf8) where byte != 0x2D {
            guard let nibble = Hex.value(byte), digits < 32 else { return nil }
            // The first pair of digits is the last byte.
            guid[15 - digits / 2] = guid[15 - digits / 2] << 4 | nibble
            digits += 1
        }
        return digits == 32 ? guid : nil
    }

    /// `192.0.2.1`.
    static func quad(_ text: String) -> [UInt8]? {
        let parts = Bytes.split(text, at: 0x2E)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard let value = number(part), value <= 255 else { return nil }
            bytes.append(UInt8(value))
        }
        return bytes
    }

    /// `02:00:00:00:00:01`.
    static func mac(_ text: String) -> [UInt8]? {
        let parts = Bytes.split(text, at: 0x3A)
        guard parts.count == 6 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.count == 2, let high = part.first.flatMap(Hex.value), let low = part.last.flatMap(Hex.value)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    /// `60`, `1/s`, `60/min` or `3600/h`, as a number a minute.
    static func rate(_ text: String) -> UInt32? {
        let parts = Bytes.split(text, at: 0x2F)
        guard parts.count <= 2, let count = parts.first.flatMap(number), count <= 60_000 else { return nil }
        guard parts.count == 2 else { return count }
        switch Word(parts[1]) {
        case "s": return count * 60
        case "min", "m": return count
        // Not less than one a minute: 0 would mean no limit.
        case "h": return count == 0 ? 0 : max(count / 60, 1)
        default: return nil
        }
    }

    /// A decimal number from 0 to 255.
    static func byte(_ text: String) -> UInt8? {
        guard let value = number([UInt8](text.utf8)[...]), value <= 255 else { return nil }
        return UInt8(value)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.count <= 6 else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + UInt32(digit - 0x30)
        }
        return value
    }
}
