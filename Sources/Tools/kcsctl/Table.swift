// SPDX-License-Identifier: Apache-2.0

/// Text in columns, as wide as their widest cell, two blanks between them.
struct Table {
    private var rows: [[String]]
    /// Columns of numbers, which end below each other.
    private let right: [Int]

    /// A table with a heading.
    init(_ heading: [String], right: [Int] = []) {
        rows = [heading]
        self.right = right
    }

    /// Adds a row of as many cells as the heading has.
    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// The lines. On a terminal they fit it: what is widest is shortened.
    var lines: [String] {
        var widths = [Int](repeating: 0, count: rows[0].count)
        for row in rows {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], Text.width(cell)) }
        }
        if let columns = Terminal.columns { fit(&widths, columns - 2 * (widths.count - 1)) }
        return rows.map { row in
            var line = ""
            for (column, whole) in row.enumerated() {
                let cell = Text.cut(whole, widths[column])
                let gap = String(repeating: " ", count: widths[column] - Text.width(cell))
                if right.contains(column) {
                    line += gap + cell
                } else {
                    line += column + 1 < row.count ? cell + gap : cell
                }
                if column + 1 < row.count { line += "  " }
            }
            return line
        }
    }
}

extension Table {
    /// No column gets narrower than its heading, or than a few letters.
    private func fit(_ widths: inout [Int], _ columns: Int) {
        func spare(_ column: Int) -> Int {
            right.contains(column) ? 0 : widths[column] - max(Text.width(rows[0][column]), 10)
        }
        while widths.reduce(0, +) > columns {
            guard let widest = widths.indices.max(by: { spare($0) < spare($1) }), spare(widest) > 0 else { return }
            widths[widest] -= 1
        }
    }
}

/// Text for a terminal.
enum Text {
    /// At most so many columns: the middle goes, as the end of a path says most.
    static func cut(_ text: String, _ columns: Int) -> String {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count > columns, columns > 1 else { return text }
        let head = (columns - 1) / 3
        var short = ""
        short.unicodeScalars.append(contentsOf: scalars[..<head])
        short += "…"
        short.unicodeScalars.append(contentsOf: scalars[(scalars.count - (columns - 1 - head))...])
        return short
    }

    /// Columns that a text takes, wide characters apart.
    static func width(_ text: String) -> Int { text.unicodeScalars.count }

    /// Text of a daemon's or a plugin's making, with what could steer a terminal made visible.
    static func safe(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0) {
                safe += "?"
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    /// "2d 3h", "4h 5m", "6m 7s", "8s".
    static func span(_ seconds: UInt64) -> String {
        let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        return minutes > 0 ? "\(minutes)m \(seconds % 60)s" : "\(seconds)s"
    }

    /// Text padded with blanks to a width.
    static func left(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }
}
