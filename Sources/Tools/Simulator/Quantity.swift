// SPDX-License-Identifier: Apache-2.0
import DriverModel
import KCS

/// Words of a command line that stand for numbers. What is wrong is said in a sentence that names the word and the rule.
public enum Quantity {
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
        let units: [(String, UInt64)] = [
            ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ]
        if text == "0" { return 0 }
        if let value = scaled(text, units) { return value }
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
        guard let value = scaled(text, [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]) ?? integer(text) else {
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
        default: throw Malformed(description: "'\(text)' is not a temperament: one of linux, freeipmi, edk2")
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

    private static func scaled(_ text: String, _ units: [(suffix: String, factor: UInt64)]) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let unit = units.first(where: { $0.suffix == text.dropFirst(digits.count) }),
            let number = UInt64(digits)
        else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        // The largest value means something else.
        return overflow || value == .max ? nil : value
    }

    /// Nanoseconds in the largest unit that divides them.
    public static func text(duration nanoseconds: UInt64) -> String {
        let units: [(String, UInt64)] = [
            ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
        ]
        if nanoseconds == 0 { return "0" }
        for (suffix, factor) in units where nanoseconds % factor == 0 { return "\(nanoseconds / factor)\(suffix)" }
        return "\(nanoseconds)ns"
    }

    /// A byte as hosts write it, `0x4f`.
    public static func text(byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
