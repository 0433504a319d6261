// SPDX-License-Identifier: Apache-2.0

/// What the channels are sorted by.
enum TopOrder: Int, CaseIterable {
    case name, state, bytes, messages, errors, latency, stalls, restarts

    /// The word, of which the first letter is the key; stalls have o, as OBF, and restarts x.
    var word: String {
        switch self {
        case .name: return "name"
        case .state: return "state"
        case .bytes: return "bytes"
        case .messages: return "messages"
        case .errors: return "errors"
        case .latency: return "latency"
        case .stalls: return "stalls"
        case .restarts: return "restarts"
        }
    }

    /// How much of it a channel has; names and states have an order of their own.
    func weight(_ row: ChannelRates) -> UInt64 {
        switch self {
        case .name: return 0
        // What does not run is what one looks for.
        case .state: return row.now.state.is("running") ? 0 : row.now.state.is("stopped") ? 1 : 2
        case .bytes: return row.bytes
        case .messages: return row.messages ?? 0
        case .errors: return row.errors ?? 0
        case .latency: return row.slow ?? 0
        case .stalls: return row.now.stalls
        case .restarts: return row.now.restarts
        }
    }
}

/// The channels as lines.
struct TopTable {
    var order = TopOrder.name
    var isReversed = false

    /// In the order that was asked for: most first, and by name.
    func sorted(_ rows: [ChannelRates]) -> [ChannelRates] {
        var sorted = rows
        sorted.sort { left, right in
            let (first, second) = isReversed ? (right, left) : (left, right)
            let (one, other) = (order.weight(first), order.weight(second))
            if one != other { return one > other }
            return first.now.name.utf8.lexicographicallyPrecedes(second.now.name.utf8)
        }
        return sorted
    }

    /// The columns' names.
    func heading(_ columns: Int) -> String {
        line(["CHANNEL", "STATE", "BYTES/S", "MSG/S", "ERR%", "P50", "P99", "STALLS", "RESTARTS", "PLUGIN"], columns)
    }

    /// A channel.
    func line(_ row: ChannelRates, _ columns: Int) -> String {
        line(
            [
                row.now.name, row.now.state, Self.short(row.bytes), row.messages.map { Self.short($0) } ?? "-",
                row.errors.map { "\($0 / 10).\($0 % 10)" } ?? "-", Self.time(row.median), Self.time(row.slow),
                Self.short(row.now.stalls), Self.short(row.now.restarts), row.now.plugins,
            ], columns)
    }

    /// Cells beside each other; the name takes what is left of 80 columns, and a wider terminal shows the plugins too.
    private func line(_ cells: [String], _ columns: Int) -> String {
        let name = max(9, min(32, columns - 62))
        var line = Text.left(Text.cut(cells[0], name), name) + " " + Text.left(cells[1], 10)
        for (cell, width) in zip(cells[2..<9], [8, 7, 6, 7, 7, 7, 9]) { line += right(cell, width) }
        let rest = columns - Text.width(line) - 2
        if rest >= 10 { line += "  " + Text.cut(cells[9], rest) }
        return String(String.UnicodeScalarView(line.unicodeScalars.prefix(columns)))
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - Text.width(text))) + text
    }

    /// Five characters at most.
    static func short(_ value: UInt64) -> String {
        if value < 100_000 { return "\(value)" }
        if value < 100_000_000 { return "\(value / 1000)k" }
        return value < 100_000_000_000 ? "\(value / 1_000_000)M" : "\(value / 1_000_000_000)G"
    }

    /// "850us", "1.2ms", "15ms", "2.1s".
    static func time(_ nanoseconds: UInt64?) -> String {
        guard let nanoseconds else { return "-" }
        if nanoseconds < 1_000_000 { return "\((nanoseconds + 500) / 1000)us" }
        let (unit, name): (UInt64, String) = nanoseconds < 1_000_000_000 ? (1_000_000, "ms") : (1_000_000_000, "s")
        let tenths = nanoseconds * 10 / unit
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10)\(name)" : "\(tenths / 10)\(name)"
    }
}
