// SPDX-License-Identifier: Apache-2.0

/// Which file the next block of a capture goes to, and which files must go first. Decides only: the files are
/// somebody else's.
///
/// The bound is exact: at no moment do the files of a capture take more than `maximumSize * maximumFiles` bytes, those
/// of earlier runs included.
public struct RotationPolicy: Sendable {
    /// Bytes of a file, at most.
    public let maximumSize: Int
    /// Files, at most, the current one included.
    public let maximumFiles: Int

    /// A file of the capture.
    public struct File: Sendable, Equatable {
        /// Its number, which its name contains; they rise.
        public let number: UInt64
        /// Its bytes.
        public var size: Int

        /// A file that was found.
        public init(number: UInt64, size: Int) {
            self.number = number
            self.size = size
        }
    }

    /// What to do with a block.
    public enum Decision: Sendable, Equatable {
        /// Append it to the current file.
        case append
        /// Remove these files, open the next, put the preamble there, then append the block.
        case rotate(remove: [UInt64], open: UInt64)
        /// It never fits in a file together with the preamble.
        case drop
    }

    /// Files that are closed, oldest first.
    private var closed: [File]
    /// The file that is being written.
    public private(set) var current: File?
    private var nextNumber: UInt64

    /// A policy for a folder that already holds the files `found`, none of which is written again: its end may be torn.
    public init(maximumSize: Int, maximumFiles: Int, found: [File]) {
        precondition(maximumSize > 0 && maximumFiles > 0, "a capture has at least one file of at least one byte")
        self.maximumSize = maximumSize
        self.maximumFiles = maximumFiles
        closed = found.sorted { $0.number < $1.number }
        let last = closed.last?.number ?? 0
        nextNumber = last == UInt64.max ? 1 : last + 1
    }

    /// Where a block of `block` bytes goes, when each file begins with `preamble` bytes.
    public func decide(block: Int, preamble: Int) -> Decision {
        if block > maximumSize - preamble { return .drop }
        if let current, current.size + block <= maximumSize { return .append }
        var kept = closed
        if let current { kept.append(current) }
        var total = kept.reduce(0) { $0 + $1.size }
        let (bound, overflow) = maximumSize.multipliedReportingOverflow(by: maximumFiles)
        var removed: [UInt64] = []
        while let oldest = kept.first, kept.count >= maximumFiles || (!overflow && total > bound - maximumSize) {
            removed.append(oldest.number)
            total -= oldest.size
            kept.removeFirst()
        }
        return .rotate(remove: removed, open: nextNumber)
    }

    /// A file was removed, or is gone.
    public mutating func removed(_ number: UInt64) {
        closed.removeAll { $0.number == number }
        if current?.number == number { current = nil }
    }

    /// A new file was opened, the one before is closed.
    public mutating func opened(_ number: UInt64) {
        precondition(number >= nextNumber, "file numbers rise")
        if let current { closed.append(current) }
        current = File(number: number, size: 0)
        nextNumber = number == UInt64.max ? 1 : number + 1
    }

    /// Bytes were appended to the current file.
    public mutating func appended(_ bytes: Int) { current?.size += bytes }

    /// The current file can't be written any more.
    public mutating func closedCurrent() {
        if let current { closed.append(current) }
        current = nil
    }
}
