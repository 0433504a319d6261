// SPDX-License-Identifier: Apache-2.0

/// A whole number of units, such as `30s` or `64KiB`: how durations and sizes are written.
public enum Quantity {
    /// A unit's name and worth.
    public typealias Unit = (name: String, worth: UInt64)

    /// Units of time, in nanoseconds, largest first.
    public static let durations: [Unit] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
        ("ns", 1),
    ]
    /// Units of memory, in bytes, largest first.
    public static let sizes: [Unit] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)]

    /// A time span in its largest exact unit: `90s`, `2m`, `500us`.
    public static func duration(_ nanoseconds: UInt64) -> String {
        nanoseconds == 0 ? "0s" : text(nanoseconds, durations)
    }

    /// A number of bytes in its largest exact unit: `64KiB`, `1000B`.
    public static func size(_ bytes: UInt64) -> String { bytes == 0 ? "0" : text(bytes, sizes) }

    private static func text(_ value: UInt64, _ units: [Unit]) -> String {
        for unit in units where value % unit.worth == 0 { return "\(value / unit.worth)\(unit.name)" }
        return "\(value)"
    }
}
