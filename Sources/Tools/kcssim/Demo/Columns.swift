// SPDX-License-Identifier: Apache-2.0

/// Text for a terminal of 80 columns.
enum Columns {
    /// Filled up with spaces.
    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Broken into lines between words, each `indent` columns from the left. Spaces in a row count as one.
    static func wrapped(_ text: String, indent: Int) -> [String] {
        let margin = left("", indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty && indent + line.count + 1 + word.count > 80 {
                lines.append(margin + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [margin + line]
    }
}
