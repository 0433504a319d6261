// SPDX-License-Identifier: Apache-2.0
import Decode
import JSON
import LinuxIO

/// The last messages of one channel, as they come.
struct MessageTail {
    let channel: String
    let connection: Connection
    private var isAnswered = false
    private var timeline = Timeline(["live"])
    private var table: ExchangeTable
    private(set) var lines: [String] = []
    private static let kept = 200

    init(_ channel: String, _ socket: String, columns: Int) throws(Failure) {
        self.channel = channel
        table = ExchangeTable(columns: columns)
        connection = try Connection(socket)
        try connection.send([
            JSONMember("command", .string("capture-follow")), JSONMember("channel", .string(channel)),
            JSONMember("from", .string("oldest")),
        ])
    }

    /// Takes what has come; there is something.
    mutating func advance() throws(Failure) {
        if !isAnswered {
            guard try connection.advance() != nil else { return }
            isAnswered = true
            // A capture may have come with it.
            guard connection.hasBytes else { return }
        }
        guard let bytes = try connection.bytes() else {
            throw Failure(.io, "channel \(channel) is not recorded any more")
        }
        timeline.push(bytes[...], to: 0)
        while let item = timeline.next() {
            guard case .record(let record) = item else { continue }
            for exchange in record.exchanges {
                let text = table.text(exchange, width: timeline.nameWidth).lines
                lines += exchange.isError ? text.map { Terminal.mark($0, .red) } : text
            }
        }
        if lines.count > Self.kept { lines.removeFirst(lines.count - Self.kept) }
    }
}
