// SPDX-License-Identifier: Apache-2.0

/// What became of the power readings since the first. A value; times are monotonic nanoseconds.
public struct PowerStatistics: Equatable, Sendable {
    /// The latest reading in watts; nil while there is none.
    public private(set) var present: UInt16?
    /// The extremes of all readings.
    public private(set) var lowest: UInt16 = 0, highest: UInt16 = 0
    private var sum: UInt64 = 0
    private var count: UInt64 = 0
    private var since: UInt64 = 0

    /// None yet.
    public init() {}

    /// A reading in thousandths of a watt; nil if there is none at present. What the standard's 16 bits cannot say is their
    /// nearest value.
    public mutating func take(_ milliwatts: Int64?, now: UInt64) {
        guard let milliwatts else {
            present = nil
            return
        }
        let watts = UInt16(clamping: milliwatts / 1000 + (milliwatts % 1000 >= 500 ? 1 : 0))
        if count == 0 { (lowest, highest, since) = (watts, watts, now) }
        present = watts
        lowest = min(lowest, watts)
        highest = max(highest, watts)
        sum += UInt64(watts)
        count += 1
    }

    /// The mean of all readings, rounded.
    public var average: UInt16 { count == 0 ? 0 : UInt16(clamping: (sum + count / 2) / count) }

    /// How long readings have been taken, in milliseconds.
    public func period(now: UInt64) -> UInt32 {
        count == 0 || now < since ? 0 : UInt32(clamping: (now - since) / 1_000_000)
    }
}
