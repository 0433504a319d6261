// SPDX-License-Identifier: Apache-2.0

/// The position of an open device file: read and write use it, and never move it.
public struct DriverFile: Hashable, Sendable {
    /// Where lseek(2) starts from.
    public enum Origin: Sendable {
        /// SEEK_SET
        case start
        /// SEEK_CUR
        case current
        /// SEEK_END, and every other value
        case other
    }

    /// Where read(2) and write(2) take place.
    public private(set) var position: Int64 = 0

    /// A file just opened.
    public init() {}

    /// lseek(2): the new position, or nil for `EINVAL`. The device has no end to seek from.
    public mutating func seek(_ offset: Int64, from origin: Origin) -> Int64? {
        let base: Int64
        switch origin {
        case .start: base = 0
        case .current: base = position
        case .other: return nil
        }
        let (target, overflow) = base.addingReportingOverflow(offset)
        guard !overflow, target >= 0 else { return nil }
        position = target
        return target
    }
}
