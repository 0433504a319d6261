// SPDX-License-Identifier: Apache-2.0

/// A place in a text: line and column, both from 1, the column in characters.
public struct Mark: Equatable, Comparable, Hashable, Sendable {
    /// The line, from 1.
    public let line: Int32
    /// The character in the line, from 1.
    public let column: Int32

    /// A place; both counts from 1.
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
