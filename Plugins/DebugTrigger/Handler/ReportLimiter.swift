// SPDX-License-Identifier: Apache-2.0

/// Turns any number of like events into few lines: the first at once, then one for each interval in which there were
/// more, with their number. A value; time is an argument.
public struct ReportLimiter {
    /// Nanoseconds between two lines.
    public static let interval: UInt64 = 10_000_000_000

    /// Events that no line has reported yet.
    public private(set) var unreported: UInt64 = 0
    private var quietUntil: UInt64 = 0

    /// A limiter whose next event is reported at once.
    public init() {}

    /// Notes an event. Answers how many a line is to report now; 0: none, more may come before `deadline`.
    public mutating func note(now: UInt64) -> UInt64 {
        unreported += 1
        return now >= quietUntil ? report(now: now) : 0
    }

    /// When a line is owed for what was not reported; nil when nothing is.
    public var deadline: UInt64? { unreported == 0 ? nil : quietUntil }

    /// Answers how many events a line is to report at last; 0: none.
    public mutating func report(now: UInt64) -> UInt64 {
        let count = unreported
        guard count > 0 else { return 0 }
        unreported = 0
        quietUntil = now + Self.interval
        return count
    }
}
