// SPDX-License-Identifier: Apache-2.0

/// A span of time, not negative. (Swift's own counts in 128 bits, for which a 32-bit BMC has no division.)
public struct Duration: Comparable, Sendable {
    /// Its length.
    public let nanoseconds: UInt64

    private init(_ count: UInt64, of unit: UInt64) { nanoseconds = count * unit }

    /// That many nanoseconds.
    public static func nanoseconds(_ count: UInt64) -> Duration { Duration(count, of: 1) }
    /// That many microseconds.
    public static func microseconds(_ count: UInt64) -> Duration { Duration(count, of: 1000) }
    /// That many milliseconds.
    public static func milliseconds(_ count: UInt64) -> Duration { Duration(count, of: 1_000_000) }
    /// That many seconds.
    public static func seconds(_ count: UInt64) -> Duration { Duration(count, of: 1_000_000_000) }
    /// That many minutes.
    public static func minutes(_ count: UInt64) -> Duration { .seconds(60 * count) }
    /// That many hours.
    public static func hours(_ count: UInt64) -> Duration { .minutes(60 * count) }
    /// No time at all.
    public static let zero = Duration(0, of: 1)

    /// Is one shorter than the other?
    public static func < (first: Duration, second: Duration) -> Bool { first.nanoseconds < second.nanoseconds }

    /// The time that much later than one of `Host.now`; the end of time if it is beyond.
    public static func + (time: UInt64, duration: Duration) -> UInt64 {
        let (sum, isBeyond) = time.addingReportingOverflow(duration.nanoseconds)
        return isBeyond ? .max : sum
    }
}
