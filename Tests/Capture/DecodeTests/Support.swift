// SPDX-License-Identifier: Apache-2.0
import Capture
import Decode

/// What a timeline says so far, as people see it: a string for each record or note.
func texts(_ timeline: inout Timeline) -> [String] {
    var view = TimelineText()
    var texts: [String] = []
    while let item = timeline.next() {
        switch item {
        case .record(let record): texts.append(view.text(record, width: timeline.nameWidth))
        case .note(let text, _): texts.append(text)
        }
    }
    return texts
}

/// The requests of a timeline, a line each, without the heading and the time.
func exchanges(_ timeline: inout Timeline, columns: Int? = nil) -> [String] {
    var table = ExchangeTable(columns: columns)
    var found: [Exchange] = []
    while let item = timeline.next() { if case .record(let record) = item { found += record.exchanges } }
    found += timeline.unanswered
    return found.map { exchange in
        String(table.text(exchange, width: timeline.nameWidth).split(separator: "\n").last!.dropFirst(17))
    }
}

/// A recorder whose records' times are those after 2023-11-14 22:13:20.
func recorder(_ channel: String = "ipmi", events: Int = 1024) -> Recorder {
    let recorder = Recorder(RecorderIdentity(channel: channel, description: "a test"), events: events)
    recorder.wallOffset(1_700_000_000_000_000_000, at: 0)
    return recorder
}

func message(_ recorder: Recorder, _ direction: Direction, _ bytes: [UInt8], at time: UInt64) {
    bytes.withUnsafeBytes { recorder.message(direction, link: .ipmi, $0, at: time) }
}
