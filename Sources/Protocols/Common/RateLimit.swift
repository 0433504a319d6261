// SPDX-License-Identifier: Apache-2.0

/// Lets so many events through at once and one an interval later, and counts the others. A value; times are monotonic
/// nanoseconds.
public struct RateLimit: Sendable {
    private let interval: UInt64
    private let fullCredit: UInt64
    // Nanoseconds that were earned and not spent; an event costs an interval.
    private var credit: UInt64
    private var updated: UInt64 = 0
    /// Events that were held back since the last that was let through.
    public private(set) var suppressed: UInt64 = 0

    /// `burst` events at once, then one each `interval` nanoseconds. An interval of 0 is no limit.
    public init(burst: UInt64 = 1, interval: UInt64) {
        self.interval = interval
        let (product, overflow) = interval.multipliedReportingOverflow(by: max(burst, 1))
        fullCredit = overflow ? .max : product
        credit = fullCredit
    }

    /// May an event happen now? If so, the number of those that were held back since the last one.
    public mutating func admit(_ now: UInt64) -> UInt64? {
        earn(until: now)
        guard credit >= interval else {
            suppressed += 1
            return nil
        }
        credit -= interval
        return forget()
    }

    /// Would so many events be let through now?
    public mutating func allows(_ count: UInt64, _ now: UInt64) -> Bool {
        earn(until: now)
        let (cost, overflow) = interval.multipliedReportingOverflow(by: count)
        return !overflow && cost <= credit
    }

    /// When one more event would be let through, if any was held back.
    public var deadline: UInt64? {
        suppressed == 0 ? nil : updated + (credit >= interval ? 0 : interval - credit)
    }

    /// The number of events that were held back, to be made up for now even if the limit does not allow it yet; 0 costs
    /// nothing.
    public mutating func flush(_ now: UInt64) -> UInt64 {
        guard suppressed > 0 else { return 0 }
        earn(until: now)
        credit -= min(credit, interval)
        return forget()
    }

    private mutating func earn(until now: UInt64) {
        guard now > updated else { return }
        let passed = now - updated
        credit = passed >= fullCredit - credit ? fullCredit : credit + passed
        updated = now
    }

    private mutating func forget() -> UInt64 {
        defer { suppressed = 0 }
        return suppressed
    }
}
