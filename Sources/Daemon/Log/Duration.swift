// SPDX-License-Identifier: Apache-2.0

/// Durations for people: rounded to what matters.
enum Duration {
    /// "1.2s", "35ms", "180us" of nanoseconds.
    static func text(_ nanoseconds: UInt64) -> String {
        if nanoseconds >= 10_000_000_000 { return "\(nanoseconds / 1_000_000_000)s" }
        if nanoseconds >= 1_000_000_000 {
            let tenths = nanoseconds / 100_000_000
            return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
        }
        if nanoseconds >= 1_000_000 { return "\(nanoseconds / 1_000_000)ms" }
        return "\(nanoseconds / 1000)us"
    }
}
