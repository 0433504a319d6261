// SPDX-License-Identifier: Apache-2.0
import Common

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
    public var text: String { Quantity.duration(nanoseconds) }

    /// Reads a whole number and a unit.
    public init(_ text: String) throws(Literal.Fault) {
        do throws(Quantity.Fault) { nanoseconds = try Quantity.parse(duration: text) } catch {
            throw Literal.Fault(error, Quantity.durationUnits)
        }
    }
}

extension Quantity {
    /// Reads a whole number and a unit, or a bare number of bytes; at most `Int64.max`.
    public static func size(_ text: String) throws(Literal.Fault) -> UInt64 {
        if let bytes = try? Literal.integer(text) {
            guard bytes >= 0 else { throw Literal.Fault(hint: "a size is not negative") }
            return UInt64(bytes)
        }
        do throws(Quantity.Fault) { return try parse(size: text) } catch {
            throw Literal.Fault(error, sizeUnits)
        }
    }
}

extension Literal.Fault {
    /// Why a text is no quantity in these units.
    init(_ fault: Quantity.Fault, _ units: String) {
        switch fault {
        case .noNumber: self.init(hint: "")
        case .noUnit: self.init(hint: "a unit is missing; the units are \(units)")
        case .fraction: self.init(hint: "whole numbers only; the units are \(units)")
        case .unknownUnit: self.init(hint: "the units are \(units)")
        case .tooLarge: self = Literal.tooLarge
        }
    }
}
