// SPDX-License-Identifier: Apache-2.0

/// A duration or a time-out, in whole nanoseconds. 64 bits, 584 years, on every processor; the standard library's Duration
/// counts attoseconds in 128.
public struct TimeSpan: Equatable, Comparable, Hashable, Sendable {
    /// Its length.
    public let nanoseconds: UInt64

    /// A time span.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// No time.
    public static let zero = TimeSpan(nanoseconds: 0)
    /// So many microseconds.
    public static func microseconds(_ count: UInt64) -> TimeSpan { TimeSpan(nanoseconds: count * 1000) }
    /// So many milliseconds.
    public static func milliseconds(_ count: UInt64) -> TimeSpan { TimeSpan(nanoseconds: count * 1_000_000) }
    /// So many seconds.
    public static func seconds(_ count: UInt64) -> TimeSpan { TimeSpan(nanoseconds: count * 1_000_000_000) }
    /// So many hours.
    public static func hours(_ count: UInt64) -> TimeSpan { .seconds(count * 3600) }

    /// Shorter?
    public static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.nanoseconds < right.nanoseconds }

    /// As it is written in the file, in its largest exact unit: `90s`, `2m`, `500us`.
    public var text: String {
        nanoseconds == 0 ? "0s" : Quantity.text(nanoseconds, Quantity.durations)
    }

    /// Reads a whole number and a unit.
    public init(_ text: String) throws(Literal.Fault) {
        nanoseconds = try Quantity.read(text, Quantity.durations, "the units are us, ms, s, m and h")
    }
}

/// A whole number of units, such as `30s` or `64KiB`: how durations and sizes are written and read.
public enum Quantity {
    /// A unit's name and worth.
    typealias Unit = (name: String, worth: UInt64)

    /// Units of time, in nanoseconds, largest first.
    static let durations: [Unit] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
        ("ns", 1),
    ]
    /// Units of memory, in bytes, largest first.
    static let sizes: [Unit] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)]

    /// A number of bytes in its largest exact unit: `64KiB`, `1000B`.
    public static func size(_ bytes: UInt64) -> String { bytes == 0 ? "0" : text(bytes, sizes) }

    /// Reads a whole number and a unit, or a bare number of bytes; at most `Int64.max`.
    public static func size(_ text: String) throws(Literal.Fault) -> UInt64 {
        if let bytes = try? Literal.integer(text) {
            guard bytes >= 0 else { throw Literal.Fault(hint: "a size is not negative") }
            return UInt64(bytes)
        }
        return try read(text, sizes, "the units are B, KiB, MiB and GiB")
    }

    fileprivate static func text(_ value: UInt64, _ units: [Unit]) -> String {
        for unit in units where value % unit.worth == 0 { return "\(value / unit.worth)\(unit.name)" }
        return "\(value)"
    }

    fileprivate static func read(_ text: String, _ units: [Unit], _ names: String) throws(Literal.Fault) -> UInt64 {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { ($0 &- UInt8(ascii: "0")) < 10 }
        let rest = bytes[digits.count...]
        guard !digits.isEmpty else { throw Literal.Fault(hint: "") }
        guard !rest.isEmpty else { throw Literal.Fault(hint: "a unit is missing; \(names)") }
        guard rest.first != UInt8(ascii: ".") else { throw Literal.Fault(hint: "whole numbers only; \(names)") }
        for unit in units where rest.elementsEqual(unit.name.utf8) {
            guard let count = Literal.number(digits, radix: 10) else { throw Literal.tooLarge }
            let (value, overflow) = count.multipliedReportingOverflow(by: unit.worth)
            // Ranges are signed, so half of the unsigned range is all that can be asked for.
            guard !overflow, value <= UInt64(Int64.max) else { throw Literal.tooLarge }
            return value
        }
        throw Literal.Fault(hint: names)
    }
}
