// SPDX-License-Identifier: Apache-2.0

/// Limits a rate: `burst` at once, then `perMinute`.
struct TokenBucket {
    private let interval: UInt64
    private let burst: UInt64
    // Nanoseconds of credit, never more than burst · interval.
    private var credit: UInt64
    private var updated: UInt64 = 0

    init(_ limit: WriteLimit) {
        interval = limit.perMinute == 0 ? 0 : 60_000_000_000 / UInt64(limit.perMinute)
        burst = UInt64(max(limit.burst, 1))
        credit = interval * burst
    }

    /// Takes one; false if there is none.
    mutating func take(now: UInt64) -> Bool {
        guard interval > 0 else { return true }
        if now > updated {
            let full = interval * burst
            let passed = min(now - updated, full)
            credit = min(full, credit + passed)
            updated = now
        }
        guard credit >= interval else { return false }
        credit -= interval
        return true
    }
}
