// SPDX-License-Identifier: Apache-2.0

/// A position in a text: line and column, both from 1, the column in characters.
public struct Mark: Equatable, Comparable, Hashable, Sendable {
    /// The line, from 1.
    public let line: Int32
    /// The character in the line, from 1.
    public let column: Int32

    /// A position; both counts from 1.
    public init(line: Int32, column: Int32) {
        self.line = line
        self.column = column
    }

    /// The first character of a text.
    public static let start = Mark(line: 1, column: 1)

    /// Earlier in the text?
    public static func < (left: Mark, right: Mark) -> Bool {
        left.line != right.line ? left.line < right.line : left.column < right.column
    }
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
