// SPDX-License-Identifier: Apache-2.0

/// A whole number of units, such as `30s` or `64KiB`: how durations and sizes are written and read, in files, on command
/// lines and in messages.
public enum Quantity {
    /// Why a text is no quantity.
    public enum Fault: Error, Equatable {
        /// It does not begin with a digit.
        case noNumber
        /// A number without its unit.
        case noUnit
        /// A number with a fraction.
        case fraction
        /// What follows the number is no unit.
        case unknownUnit
        /// More than `Int64.max`.
        case tooLarge
    }

    private typealias Unit = (name: String, worth: UInt64)

    /// In nanoseconds, largest first.
    private static let durations: [Unit] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
        ("ns", 1),
    ]
    /// In bytes, largest first.
    private static let sizes: [Unit] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)]

    /// The units of durations, for messages. Nanoseconds are read, too, and not advertised: nobody needs them.
    public static let durationUnits = "us, ms, s, m and h"
    /// The units of sizes, for messages.
    public static let sizeUnits = "B, KiB, MiB and GiB"

    /// A time span in its largest exact unit: `90s`, `2m`, `500us`.
    public static func duration(_ nanoseconds: UInt64) -> String {
        nanoseconds == 0 ? "0s" : text(nanoseconds, durations)
    }

    /// A number of bytes in its largest exact unit: `64KiB`, `1000B`.
    public static func size(_ bytes: UInt64) -> String { bytes == 0 ? "0" : text(bytes, sizes) }

    /// The nanoseconds that a text such as `10ms` names: decimal digits and a unit.
    public static func parse(duration text: String) throws(Fault) -> UInt64 { try parse(text, durations) }

    /// The bytes that a text such as `64KiB` names: decimal digits and a unit.
    public static func parse(size text: String) throws(Fault) -> UInt64 { try parse(text, sizes) }

    private static func text(_ value: UInt64, _ units: [Unit]) -> String {
        for unit in units where value % unit.worth == 0 { return "\(value / unit.worth)\(unit.name)" }
        return "\(value)"
    }

    private static func parse(_ text: String, _ units: [Unit]) throws(Fault) -> UInt64 {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { ($0 &- UInt8(ascii: "0")) < 10 }
        let rest = bytes[digits.count...]
        guard !digits.isEmpty else { throw .noNumber }
        guard !rest.isEmpty else { throw .noUnit }
        guard rest.first != UInt8(ascii: ".") else { throw .fraction }
        for unit in units where rest.elementsEqual(unit.name.utf8) {
            guard let value = product(of: digits, unit.worth) else { throw .tooLarge }
            return value
        }
        throw .unknownUnit
    }

    /// At most `Int64.max`: ranges are signed, so half of the unsigned range is all that can be asked for.
    private static func product(of digits: ArraySlice<UInt8>, _ worth: UInt64) -> UInt64? {
        var count: UInt64 = 0
        for digit in digits {
            let (tens, overflow) = count.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            count = sum
        }
        let (value, overflow) = count.multipliedReportingOverflow(by: worth)
        return overflow || value > UInt64(Int64.max) ? nil : value
    }
}
