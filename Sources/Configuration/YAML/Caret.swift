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
    init(_ text: SourceText, line: Int32, column: Int32) {
        let part = text.part(ofLine: line, around: column, before: Caret.before, after: Caret.after)
        var source = part.isCutBefore ? "  ..." : "  "
        var pointer = part.isCutBefore ? "     " : "  "
        for (index, scalar) in part.characters.enumerated() {
            let isTab = scalar == "\t"
            let isUnsafe = !isTab && DisplayWidth.isUnsafe(scalar)
            source.unicodeScalars.append(isUnsafe ? "\u{FFFD}" : scalar)
            guard index < part.target else { continue }
            // The same tab in both lines ends at the same column, whatever the terminal's stops.
            pointer += isTab ? "\t" : String(repeating: " ", count: isUnsafe ? 1 : DisplayWidth.of(scalar))
        }
        self.source = part.isCutAfter ? source + "..." : source
        self.pointer = pointer + "^"
    }
}
