// SPDX-License-Identifier: Apache-2.0

/// A line of a file and a caret below one of its characters, for a terminal.
struct Caret {
    /// The line, cut around the character when it is long, harmless to print.
    let source: String
    /// Blanks and the caret.
    let pointer: String

    private static let before = 90
    private static let after = 60

    /// `column` is the character, from 1; one behind the end is the place behind it.
    init(line: [Unicode.Scalar], column: Int) {
        let target = min(max(column - 1, 0), line.count)
        let first = line.count <= Caret.before + Caret.after ? 0 : max(0, target - Caret.before)
        let last = min(line.count, max(target, first) + Caret.after)
        let end = line.count <= Caret.before + Caret.after ? line.count : last
        var source = first > 0 ? "  ..." : "  "
        var pointer = first > 0 ? "     " : "  "
        for index in first..<end {
            let scalar = line[index]
            let isTab = scalar == "\t"
            let isUnsafe = !isTab && DisplayWidth.isUnsafe(scalar)
            source.unicodeScalars.append(isUnsafe ? "\u{FFFD}" : scalar)
            guard index < target else { continue }
            // The same tab in both lines ends at the same column, whatever the terminal's stops.
            pointer += isTab ? "\t" : String(repeating: " ", count: isUnsafe ? 1 : DisplayWidth.of(scalar))
        }
        if end < line.count { source += "..." }
        self.source = source
        self.pointer = pointer + "^"
    }
}
