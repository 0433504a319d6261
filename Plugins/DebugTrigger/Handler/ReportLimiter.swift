// SPDX-License-Identifier: Apache-2.0

/// Turns any number of like events into few lines: the first at once, then one for each interval in which there were
/// more, with their number. A value; time is an argument.
public struct ReportLimiter {
    /// Nanoseconds between two lines.
    public static let interval: UInt64 = 10_000_000_000

    /// Events that no line has told of yet.
    public private(set) var untold: UInt64 = 0
    private var quietUntil: UInt64 = 0

    /// A limiter whose next event is told at once.
    public init() {}

    /// Notes an event. Answers how many a line is to tell of now; 0: none, more may come before `deadline`.
    public mutating func note(now: UInt64) -> UInt64 {
        untold += 1
        return now >= quietUntil ? tell(now: now) : 0
    }

    /// When a line is owed for what was not told; nil when nothing is.
    public var deadline: UInt64? { untold == 0 ? nil : quietUntil }

    /// Answers how many events a line is to tell of at last; 0: none.
    public mutating func tell(now: UInt64) -> UInt64 {
        let count = untold
        guard count > 0 else { return 0 }
        untold = 0
        quietUntil = now + Self.interval
        return count
    }
}
