// SPDX-License-Identifier: Apache-2.0

/// Lets so many lines through at once and so many a second later, and counts the others.
struct RateLimit {
    private let burst: UInt64
    private let interval: UInt64
    private var tokens: UInt64
    private var last: UInt64 = 0
    private(set) var suppressed: UInt64 = 0

    /// `burst` lines at once, then one each `interval` nanoseconds.
    init(burst: UInt64, interval: UInt64) {
        self.burst = burst
        self.interval = interval
        tokens = burst
    }

    /// May a line be written now? If so, the number that was held back since the last one.
    mutating func admit(_ now: UInt64) -> UInt64? {
        if last == 0 { last = now }
        let earned = (now - last) / interval
        if earned > 0 {
            tokens = min(burst, tokens + earned)
            last += earned * interval
        }
        guard tokens > 0 else {
            suppressed += 1
            return nil
        }
        tokens -= 1
        defer { suppressed = 0 }
        return suppressed
    }
}

/// " (17 like it were not shown)", or nothing.
func suppressedNote(_ count: UInt64) -> String { count == 0 ? "" : " (\(count) like it were not shown)" }
