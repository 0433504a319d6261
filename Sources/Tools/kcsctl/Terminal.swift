// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// What standard output is to look like: where a person looks, lines fit a terminal and what went wrong has a colour; a pipe or a
/// file gets text as it is.
enum Terminal {
    /// At most so many columns; nil where nobody looks.
    static let columns: Int? = Descriptors.isTerminal(1) ? 80 : nil

    /// $NO_COLOR and a terminal that knows no colours are respected (no-color.org).
    static let hasColours =
        columns != nil && (CurrentProcess.environment("NO_COLOR") ?? "").isEmpty
        && !(CurrentProcess.environment("TERM") ?? "dumb").utf8.elementsEqual("dumb".utf8)

    /// The number of a colour in the terminal's own palette.
    enum Colour: Int {
        case red = 31
        case yellow = 33
        case bold = 1
        case reverse = 7
    }

    /// The text in a colour.
    static func mark(_ text: String, _ colour: Colour) -> String {
        hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
