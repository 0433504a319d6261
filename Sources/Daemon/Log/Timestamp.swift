// SPDX-License-Identifier: Apache-2.0

/// Times of the day as text, UTC.
public enum Timestamp {
    /// "2026-11-22T18:16:18.123Z" of nanoseconds since 1970.
    public static func text(_ nanoseconds: UInt64) -> String {
        let parts = Parts(nanoseconds)
        let milliseconds = nanoseconds / 1_000_000 % 1000
        return "\(parts.year)-\(two(parts.month))-\(two(parts.day))T\(two(parts.hour)):\(two(parts.minute)):"
            + "\(two(parts.second)).\(milliseconds < 100 ? "0" : "")\(two(milliseconds))Z"
    }

    /// "20261122T181618Z", for names of files.
    public static func compact(_ nanoseconds: UInt64) -> String {
        let parts = Parts(nanoseconds)
        return
            "\(parts.year)\(two(parts.month))\(two(parts.day))T\(two(parts.hour))\(two(parts.minute))\(two(parts.second))Z"
    }

    private static func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private struct Parts {
        let year, month, day, hour, minute, second: UInt64

        /// Days to a date by 400-year cycles that begin on a 1st of March, so that a leap day is a year's last.
        init(_ nanoseconds: UInt64) {
            let seconds = nanoseconds / 1_000_000_000
            second = seconds % 60
            minute = seconds / 60 % 60
            hour = seconds / 3600 % 24
            let days = seconds / 86400 + 719_468
            let cycle = days / 146_097
            let dayOfCycle = days % 146_097
            let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146_096) / 365
            let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
            let marchMonth = (5 * dayOfYear + 2) / 153
            day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
            month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
            year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        }
    }
}
