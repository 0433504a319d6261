// SPDX-License-Identifier: Apache-2.0
import Common
import DriverModel
import KCS

/// Words of a command line that stand for numbers. What is wrong is said in a sentence that names the word and the rule.
public enum CommandWord {
    /// A word that is none of what was expected.
    public struct Malformed: Error, Equatable, CustomStringConvertible {
        /// The sentence.
        public let description: String
    }

    /// A byte: `0x44`, or decimal.
    public static func byte(_ text: String) throws(Malformed) -> UInt8 {
        guard let value = integer(text), value <= 255 else {
            throw Malformed(description: "'\(text)' is not a byte: 0 to 255, or 0x00 to 0xff")
        }
        return UInt8(value)
    }

    /// Nanoseconds: `500us`, `10ms`, `30s`, `2m`, `1h`, or `0`.
    public static func duration(_ text: String) throws(Malformed) -> UInt64 {
        if text == "0" { return 0 }
        if let value = try? Quantity.parse(duration: text) { return value }
        throw Malformed(description: "'\(text)' is not a duration, such as 500us, 10ms, 30s, 2m or 1h")
    }

    /// The lag of OBE in nanoseconds: a duration, 0 for none; `never` is all ones.
    public static func lag(_ text: String) throws(Malformed) -> UInt64 {
        if text == "never" { return .max }
        do {
            return try duration(text)
        } catch { throw Malformed(description: error.description + ", nor 'never'") }
    }

    /// Bytes: `64KiB`, `1MiB`, or a plain number; at most `limit`.
    public static func size(_ text: String, limit: Int) throws(Malformed) -> Int {
        guard let value = (try? Quantity.parse(size: text)) ?? integer(text) else {
            throw Malformed(description: "'\(text)' is not a size, such as 4096, 64KiB or 1MiB")
        }
        guard value <= UInt64(limit) else { throw Malformed(description: "'\(text)' is more than \(limit) bytes") }
        return Int(value)
    }

    /// A driver's name.
    public static func driver(_ text: String) throws(Malformed) -> Driver {
        if let driver = Driver(name: text) { return driver }
        let names = Driver.allCases.map(\.name).joined(separator: ", ")
        throw Malformed(description: "'\(text)' is not a driver: one of \(names)")
    }

    /// A host's temperament.
    public static func temperament(_ text: String) throws(Malformed) -> HostTemperament {
        switch text {
        case "linux": return .linux
        case "freeipmi": return .freeipmi
        case "edk2": return .edk2
        case "manageability": return .manageability
        default:
            throw Malformed(
                description: "'\(text)' is not a temperament: one of linux, freeipmi, edk2, manageability")
        }
    }

    /// Decimal, or hexadecimal after `0x`. Neither signs nor separators.
    private static func integer(_ text: String) -> UInt64? {
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            let digits = text.dropFirst(2)
            return digits.allSatisfy(\.isHexDigit) ? UInt64(digits, radix: 16) : nil
        }
        return text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt64(text) : nil
    }
}
