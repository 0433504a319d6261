// SPDX-License-Identifier: Apache-2.0

/// How often something took how long: fixed buckets, two for each power of two of microseconds up to a minute, so that a quantile
/// is known to a quarter. To record costs a division by a constant and three additions.
public struct LatencyHistogram: Sendable {
    /// How many buckets there are; the last is for what took longer than `longest`.
    public static let bucketCount = 53
    /// The bound of the last bucket but one, in nanoseconds.
    public static let longest: UInt64 = (1 << 26) * 1000

    private var counts = InlineArray<53, UInt64>(repeating: 0)
    /// How many were recorded.
    public private(set) var count: UInt64 = 0
    /// What they took together, in nanoseconds.
    public private(set) var sum: UInt64 = 0

    /// Nothing is recorded.
    public init() {}

    /// Records a time span, in nanoseconds.
    public mutating func record(_ nanoseconds: UInt64) {
        count &+= 1
        sum &+= nanoseconds
        counts[Self.bucket(of: nanoseconds)] &+= 1
    }

    /// How many fell into a bucket.
    public subscript(bucket: Int) -> UInt64 { counts[bucket] }

    /// The bucket of a time span in nanoseconds.
    public static func bucket(of nanoseconds: UInt64) -> Int {
        // A bucket's bound belongs to it.
        let value = nanoseconds == 0 ? 0 : (nanoseconds - 1) / 1000
        guard value >= 2 else { return Int(value) }
        guard nanoseconds <= longest else { return bucketCount - 1 }
        let exponent = 63 - value.leadingZeroBitCount
        return exponent * 2 + Int(value >> UInt64(exponent - 1) & 1)
    }

    /// The longest time span of a bucket in nanoseconds; nil: there is none.
    public static func bound(of bucket: Int) -> UInt64? {
        guard bucket < bucketCount - 1 else { return nil }
        let next = UInt64(bucket + 1)
        return (next < 2 ? next : (2 + (next & 1)) << (next / 2 - 1)) * 1000
    }
}
