// SPDX-License-Identifier: Apache-2.0

/// One line of the table: a figure, and where there is one, what it is compared with and how far it may go.
struct Row {
    let name: String
    let value: Double
    let unit: String
    /// The C loop's figure, or the first of a series, taken in the same run.
    var reference: Double?
    /// The most that their ratio, or where there is no reference `value`, may be.
    var limit: Double?
    /// The most that `value` may be.
    var most: Double?

    var ratio: Double? { reference.flatMap { $0 > 0 ? value / $0 : nil } }

    /// Nil where nothing is asked of it.
    var isWithin: Bool? {
        if let most { return value <= most }
        guard let limit else { return nil }
        return (reference == nil ? value : ratio ?? .infinity) <= limit
    }
}

/// The table, of 80 columns, for people or, with `json`, for programs: an array of objects.
struct Report {
    private(set) var rows: [Row] = []
    private(set) var skipped: [(name: String, reason: String)] = []
    private var notes: [(title: String, lines: [String])] = []

    /// `limit` is on the ratio where there is a reference, else on the value; `most` on the value always.
    mutating func add(
        _ name: String, _ value: Double, _ unit: String, against reference: Double? = nil, limit: Double? = nil,
        most: Double? = nil
    ) { rows.append(Row(name: name, value: value, unit: unit, reference: reference, limit: limit, most: most)) }

    mutating func skip(_ name: String, _ reason: String) { skipped.append((name, reason)) }

    /// What people read below the table.
    mutating func note(_ title: String, _ lines: [String]) { notes.append((title, lines)) }

    func text() -> String {
        var text = Self.line(["measured", "value", "unit", "against", "ratio", "limit", ""])
        for row in rows {
            text += Self.line([
                row.name, Self.number(row.value), row.unit, row.reference.map(Self.number) ?? "",
                row.ratio.map(Self.number) ?? "", (row.most ?? row.limit).map(Self.number) ?? "",
                row.isWithin.map { $0 ? "ok" : "over" } ?? "",
            ])
        }
        for (name, reason) in skipped { text += "not measured: \(name): \(reason)".prefix(80) + "\n" }
        for (title, lines) in notes {
            text += "\n\(title)\n"
            for line in lines { text += "  " + line.prefix(78) + "\n" }
        }
        return text
    }

    private static let widths = [38, 8, 4, 8, 6, 6, 4]

    private static func line(_ cells: [String]) -> String {
        var line = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
            line += (column == 0 || column == 2 || column == 6 ? cell + padding : padding + cell) + " "
        }
        while line.last == " " { line.removeLast() }
        return line + "\n"
    }

    func json() -> String {
        let objects = rows.map { row in
            var members = [
                "\"name\":\"\(row.name)\"", "\"value\":\(Self.number(row.value))", "\"unit\":\"\(row.unit)\"",
            ]
            if let reference = row.reference { members.append("\"against\":\(Self.number(reference))") }
            if let ratio = row.ratio { members.append("\"ratio\":\(Self.number(ratio))") }
            if let limit = row.most ?? row.limit { members.append("\"limit\":\(Self.number(limit))") }
            if let isWithin = row.isWithin { members.append("\"ok\":\(isWithin)") }
            return "{\(members.joined(separator: ","))}"
        }
        let notes = skipped.map { "{\"name\":\"\($0.name)\",\"skipped\":\"\($0.reason)\"}" }
        return "[\n\((objects + notes).joined(separator: ",\n"))\n]\n"
    }

    /// Two digits behind the point at most.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let hundredths = Int(value * 100 + (value < 0 ? -0.5 : 0.5))
        let (whole, rest) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
        let sign = hundredths < 0 ? "-" : ""
        if rest == 0 { return "\(sign)\(whole)" }
        let digits = rest % 10 == 0 ? "\(rest / 10)" : rest < 10 ? "0\(rest)" : "\(rest)"
        return "\(sign)\(whole).\(digits)"
    }
}
