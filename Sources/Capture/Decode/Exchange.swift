// SPDX-License-Identifier: Apache-2.0
import Capture
import Common
import JSON

/// A request, and what became of it; or a message that is neither a request nor an answer.
public struct Exchange: Sendable {
    /// The channel.
    public internal(set) var channel = ""
    /// When the request was seen; of an answer without one, when that was. Nanoseconds since 1970.
    public let time: UInt64
    /// What was asked for.
    let title: String
    /// The same with its numbers.
    public let name: String
    /// What tells the request from others, as members of an object.
    let identity: [JSONMember]
    /// The bytes behind the request's header; nil where the request is not in the capture.
    var request: [UInt8]?
    /// The bytes behind the answer's completion code; nil where there was no answer.
    var answer: [UInt8]?
    /// The completion code and what it says.
    var code: (value: UInt8, name: String)?
    /// From request to answer, nanoseconds.
    var latency: UInt64?
    /// Is no answer expected?
    var isAlone = false
    /// Would somebody who looks for the fault want to see it?
    public internal(set) var isError = false

    /// What is expected to be answered.
    init(
        _ title: String, _ numbers: String, _ identity: [JSONMember], request: ArraySlice<UInt8>?, at time: UInt64
    ) {
        self.title = title
        name = numbers.isEmpty ? title : title + " (" + numbers + ")"
        self.identity = identity
        self.request = request.map { Array($0) }
        self.time = time
    }

    /// The answer has come, or will not come.
    func ended(_ answer: ArraySlice<UInt8>?, _ code: (value: UInt8, name: String)?, at time: UInt64?) -> Exchange {
        var ended = self
        ended.answer = answer.map { Array($0) }
        ended.code = code
        ended.isError = code.map { $0.value != 0 } ?? true
        // The same time says that both were recorded in one turn of a daemon of before, and nothing of how long it took.
        if let time, request != nil, time > self.time { ended.latency = time - self.time }
        return ended
    }

    /// From request to answer, nanoseconds; nil where one of them is not in the capture.
    public var elapsed: UInt64? { latency }

    /// Does the capture hold the request, but no answer?
    public var isUnanswered: Bool { answer == nil && !isAlone }
}

/// Exchanges as a table, a line each: what went wrong, and how long it took, at its left; the bytes, which may be cut, at
/// its right.
public struct ExchangeTable {
    private let columns: Int?
    private var day: UInt64?

    /// A table as wide as its lines, or of so many columns.
    public init(columns: Int? = nil) { self.columns = columns }

    /// The exchange's line, below a heading where the day is another than that of the line before. `width` is that of
    /// channels' names.
    public mutating func text(_ exchange: Exchange, width: Int) -> String {
        let time = Array(UTCTime.text(exchange.time).utf8)
        var lines = ""
        let day = exchange.time / 86_400_000_000_000
        if day != self.day {
            self.day = day
            lines =
                Column.left(String(decoding: time.prefix(10), as: UTF8.self), 15) + "  "
                + Column.left("CHANNEL", max(width, 7)) + "  CODE  LATENCY  REQUEST > ANSWER\n"
        }
        var line = String(decoding: time[11..<26], as: UTF8.self) + "  " + Column.left(exchange.channel, max(width, 7))
        line += "  " + Column.left(exchange.code.map { Hex.byte($0.value) } ?? "--", 4)
        let latency = exchange.latency.map { UTCTime.short($0) } ?? "--"
        line += "  " + Column.left("", 7 - latency.utf8.count) + latency + "  " + ExchangeTable.words(exchange)
        return lines + (columns.map { Column.cut(line, $0) } ?? line)
    }

    private static func words(_ exchange: Exchange) -> String {
        var words = exchange.name
        if let request = exchange.request {
            if !request.isEmpty { words += " " + Hex.excerpt(request[...]) }
        } else {
            words += " (not in this capture)"
        }
        if exchange.isAlone { return words }
        guard let answer = exchange.answer else { return words + " > no answer" }
        words += " >"
        if let code = exchange.code, code.value != 0 { words += " " + code.name + (answer.isEmpty ? "" : ",") }
        if !answer.isEmpty { words += " " + Hex.excerpt(answer[...]) }
        if answer.isEmpty, exchange.code?.value == 0 { words += " done" }
        return words
    }
}

extension Exchange {
    /// As an object, for programs.
    public var json: JSONValue {
        var members = [
            JSONMember("time", .string(UTCTime.standard(time))), JSONMember("channel", .string(channel)),
            JSONMember("name", .string(title)),
        ]
        members += identity
        if let request { members.append(JSONMember("request", .string(Hex.bytes(request)))) }
        if !isAlone { members.append(JSONMember("answered", .bool(answer != nil))) }
        if let answer { members.append(JSONMember("answer", .string(Hex.bytes(answer)))) }
        members += result
        members.append(JSONMember("error", .bool(isError)))
        return .object(members)
    }
}
