// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import LinuxIO

/// A file with a number in decimal, as hwmon has them, and its scale to thousandths of a unit.
public struct NumberFile: Sendable {
    /// Where it is.
    public let path: String
    /// What its number is multiplied by, and divided by, to be in the unit; both are positive.
    public let numerator: Int64, denominator: Int64

    /// A file.
    public init(path: String, numerator: Int64, denominator: Int64) {
        self.path = path
        self.numerator = numerator
        self.denominator = denominator
    }

    /// The file's number in thousandths of the unit; nil if it cannot be read or is no number. May last.
    public func read() -> Int64? {
        // A pipe that nobody writes into is no reason to wait.
        guard let file = try? Syscalls.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 65)
        guard let count = try? bytes.withUnsafeMutableBytes({ Syscalls.read(file.raw, into: $0) }).get(),
            count < bytes.count
        else { return nil }
        return FixedPoint.thousandths([UInt8](bytes[..<count]), numerator: numerator, denominator: denominator)
    }
}
