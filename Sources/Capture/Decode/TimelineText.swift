// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// A timeline as text: a line a record, and below it what the record means.
public struct TimelineText {
    /// For whom it is.
    public enum Form: Sendable {
        /// One line each, however long, with the whole date in each.
        case full
        /// Lines of at most so many columns, broken between words; the date stands where it changes. What went wrong has a colour
        /// where there are some.
        case terminal(columns: Int, colours: Bool)
    }

    private let form: Form
    private var lastTime: UInt64?
    private var lastDate = ""

    /// Text that begins.
    public init(_ form: Form = .full) { self.form = form }

    /// A record's lines, without an end of line behind the last. `width` is that of channels' names.
    public mutating func text(_ record: Record, width: Int) -> String {
        let time = record.packet.time
        let delta = lastTime.map { time >= $0 ? time - $0 : 0 } ?? 0
        lastTime = time
        let (stamp, since) = (UTCTime.text(time), UTCTime.seconds(delta))
        let name = Column.left(record.channel, width)
        let arrow = arrow(record.packet.direction)
        guard case .terminal(let columns, let colours) = form else {
            var text = "\(stamp)  +\(since)  \(name)  \(arrow)  \(record.entry.summary)"
            for meaning in record.entry.meaning { text += "\n" + Column.left("", 30) + "| " + meaning }
            return text
        }
        // "2026-11-22 17:52:46.123456789", of which microseconds are enough for the eye.
        let (date, clock) = (Self.part(stamp, 0, dropping: 19), Self.part(stamp, 11, dropping: 3))
        var lines: [String] = []
        if !date.utf8.elementsEqual(lastDate.utf8) {
            lastDate = date
            lines.append("# \(date), UTC")
        }
        let head = "\(clock) +\(Self.part(since, 0, dropping: 3)) \(name) \(arrow) "
        var body = Column.broken(record.entry.summary, lead: head, indent: "                  ", columns)
        for meaning in record.entry.meaning {
            body += Column.broken(meaning, lead: "                | ", indent: "                  ", columns)
        }
        if colours && record.entry.isError { body = body.map { "\u{1B}[31m\($0)\u{1B}[0m" } }
        return (lines + body).joined(separator: "\n")
    }

    /// Something about the capture itself.
    public func text(note: String) -> String {
        guard case .terminal(let columns, let colours) = form else { return note }
        let lines = Column.broken(note, lead: "", indent: "# ", columns)
        return lines.map { colours ? "\u{1B}[33m\($0)\u{1B}[0m" : $0 }.joined(separator: "\n")
    }

    /// Of text in ASCII, what begins at a place and ends so many characters before the end.
    private static func part(_ text: String, _ first: Int, dropping last: Int) -> String {
        String(decoding: Array(text.utf8.dropFirst(first).dropLast(last)), as: UTF8.self)
    }

    private func arrow(_ direction: Direction) -> String {
        switch direction {
        case .none: "        "
        case .fromHost: "host>BMC"
        case .toHost: "BMC>host"
        }
    }
}
