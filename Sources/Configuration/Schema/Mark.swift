// SPDX-License-Identifier: Apache-2.0

/// A position in a text: line and column, both from 1, the column in characters. Several texts that are read together are
/// told apart by a number, 0 for the first of them.
public struct Mark: Equatable, Comparable, Hashable, Sendable {
    /// Source, line and column in 16, 24 and 24 bits: one comparison tells which comes first, and a mark is small.
    private let packed: UInt64

    private static let most: UInt64 = 0xFF_FFFF

    /// A position; both counts from 1.
    public init(line: Int32, column: Int32, source: Int = 0) {
        packed =
            UInt64(UInt16(clamping: source)) << 48 | min(UInt64(clamping: line), Mark.most) << 24
            | min(UInt64(clamping: column), Mark.most)
    }

    /// The line, from 1.
    public var line: Int32 { Int32(truncatingIfNeeded: packed >> 24 & Mark.most) }
    /// The character in the line, from 1.
    public var column: Int32 { Int32(truncatingIfNeeded: packed & Mark.most) }
    /// Which of the texts.
    public var source: Int { Int(packed >> 48) }

    /// The same line and column in another of the texts.
    public func placed(in source: Int) -> Mark { Mark(line: line, column: column, source: source) }

    /// The first character of a text.
    public static let start = Mark(line: 1, column: 1)

    /// Earlier in the text, or in an earlier text?
    public static func < (left: Mark, right: Mark) -> Bool { left.packed < right.packed }
}

/// Where a value comes from. All origins are equal: values that hold one are compared by what they say, wherever it was
/// written, and the compiler can write the comparison.
public struct Origin: Equatable, Sendable {
    /// Where the value stands; for a default, the mapping that lacks it.
    public let mark: Mark
    /// Written in the file, rather than a default.
    public let isGiven: Bool

    /// An origin.
    public init(_ mark: Mark, isGiven: Bool = true) {
        self.mark = mark
        self.isGiven = isGiven
    }

    /// No difference that counts.
    public static func == (left: Origin, right: Origin) -> Bool { true }
}
