// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import Decode
import JSON
import LinuxIO

/// `decode`: reads captures in pieces, and prints what they tell before it waits for the next one.
struct DecodeCommand {
    private let arguments: Arguments
    private let isJSON: Bool
    private let isMessages: Bool
    private var text: TimelineText
    private var table: ExchangeTable
    private var output: [UInt8] = []

    private static let piece = 64 << 10

    init(_ arguments: Arguments) {
        self.arguments = arguments
        isJSON = arguments.has("--json")
        isMessages = arguments.has("--messages")
        text = TimelineText(Terminal.columns.map { .terminal(columns: $0, colours: Terminal.hasColours) } ?? .full)
        table = ExchangeTable(columns: Terminal.columns)
    }

    /// Decodes files, `-` for standard input.
    mutating func run(_ paths: [String]) throws(Failure) {
        if paths.isEmpty { throw Failure(.usage, "decode needs FILE") }
        var filter = TimelineFilter()
        filter.channel = arguments.value("--channel")
        filter.from = try time("--since")
        filter.to = try time("--until")
        filter.errorsOnly = arguments.has("--errors")
        let link = try link()
        var timeline = Timeline(paths, filter: filter)
        if let link {
            try write(&timeline, try Inputs(paths), link)
        } else {
            try show(&timeline, try Inputs(paths))
        }
        try judge(timeline, paths)
    }

    private func time(_ option: String) throws(Failure) -> UInt64? {
        guard let text = arguments.value(option) else { return nil }
        guard let time = UTCTime.parse(text) else {
            throw Failure(
                .usage, "\(option) \(text): not a time such as 2026-11-22T17:52:46.5 (UTC), or seconds since 1970")
        }
        return time
    }

    private func link() throws(Failure) -> LinkType? {
        guard let word = arguments.value("--link") else {
            if arguments.value("--output") != nil { throw Failure(.usage, "-o needs --link register|ipmi|mctp") }
            return nil
        }
        if arguments.value("--output") == nil {
            throw Failure(.usage, "--link needs -o FILE, or -o - for standard output")
        }
        if isMessages { throw Failure(.usage, "--messages is text, and --link writes none") }
        for known in LinkWriter.words where known.word.is(word) { return known.link }
        throw unknown("--link \(word): not one of register, ipmi, mctp", word, among: LinkWriter.words.map { $0.word })
    }

    // MARK: Text

    private mutating func show(_ timeline: inout Timeline, _ inputs: Inputs) throws(Failure) {
        repeat {
            while let item = timeline.next() {
                add(item, timeline.nameWidth)
                if output.count >= Self.piece { try flush() }
            }
            // Whoever watches sees all that is known before more is waited for.
            try flush()
        } while try inputs.read(into: &timeline)
        let unanswered = timeline.unanswered
        for exchange in unanswered {
            if isMessages {
                add(exchange, timeline.nameWidth)
            } else if !isJSON {
                line(text.text(note: "# \(exchange.channel): no response to \(exchange.name)"))
            }
        }
        if isJSON {
            let end: JSONValue = [
                "shown": .integer(timeline.shown), "errors": .integer(timeline.errors),
                "unanswered": .array(unanswered.map { $0.json }),
            ]
            line(["end": end])
        }
        try flush()
    }

    private mutating func add(_ item: Timeline.Item, _ width: Int) {
        switch item {
        case .note(let text, let json): if isJSON { line(json) } else { line(self.text.text(note: text)) }
        case .record(let record):
            if isMessages {
                for exchange in record.exchanges { add(exchange, width) }
            } else if isJSON {
                line(record.json)
            } else {
                line(text.text(record, width: width))
            }
        }
    }

    private mutating func add(_ exchange: Exchange, _ width: Int) {
        if arguments.has("--errors") && !exchange.isError { return }
        if isJSON { return line(exchange.json) }
        let text = table.text(exchange, width: width)
        line(exchange.isError ? Terminal.mark(text, .red) : text)
    }

    private mutating func line(_ text: String) {
        output.append(contentsOf: text.utf8)
        output.append(0x0A)
    }

    private mutating func line(_ json: JSONValue) { output.append(contentsOf: json.line) }

    private mutating func flush() throws(Failure) {
        if output.isEmpty { return }
        try Output.write(output, to: 1)
        output.removeAll(keepingCapacity: true)
    }

    // MARK: pcapng of one link type

    private func write(_ timeline: inout Timeline, _ inputs: Inputs, _ link: LinkType) throws(Failure) {
        let path = arguments.value("--output") ?? "-"
        if path.is("-") {
            return try write(&timeline, inputs, link) { bytes throws(Failure) in try Output.write(bytes, to: 1) }
        }
        let file = try NewFile(path)
        do throws(Failure) {
            try write(&timeline, inputs, link) { bytes throws(Failure) in try file.write(bytes) }
            try file.finish()
        } catch {
            file.abandon()
            throw error
        }
    }

    private func write(
        _ timeline: inout Timeline, _ inputs: Inputs, _ link: LinkType, _ take: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var writer = LinkWriter(link)
        repeat {
            while let item = timeline.next() {
                writer.describe(timeline.interfaces)
                if case .record(let record) = item { writer.add(record) }
            }
            let bytes = writer.take()
            if !bytes.isEmpty { try take(bytes) }
        } while try inputs.read(into: &timeline)
        writer.describe(timeline.interfaces)
        try take(writer.take())
    }

    // MARK: The end

    /// What was wrong with the files, one line each; all that could be read of them was shown.
    private func judge(_ timeline: Timeline, _ paths: [String]) throws(Failure) {
        var failure: Failure?
        for (index, path) in paths.enumerated() {
            guard let fault = timeline.fault(of: index) else { continue }
            if let failure { Output.say(failure.text) }
            failure = Failure(.data, "\(path.is("-") ? "standard input" : path): \(fault)")
        }
        if let failure { throw failure }
    }
}

/// The files that are read.
private struct Inputs {
    private let paths: [String]
    private let descriptors: [Int32]
    private let piece = 64 << 10

    init(_ paths: [String]) throws(Failure) {
        self.paths = paths
        var descriptors: [Int32] = []
        for path in paths {
            if path.is("-") {
                if descriptors.contains(0) { throw Failure(.usage, "standard input can be read only once") }
                descriptors.append(0)
                continue
            }
            do throws(SystemError) {
                // Open until the process ends.
                descriptors.append(try Syscalls.open(path, O_RDONLY).release())
            } catch { throw Failure(.noInput, error.description) }
        }
        self.descriptors = descriptors
    }

    /// Gives a timeline the next piece of the file that it wants; false where it wants none.
    func read(into timeline: inout Timeline) throws(Failure) -> Bool {
        guard let file = timeline.wanted else { return false }
        var bytes = [UInt8](repeating: 0, count: piece)
        switch bytes.withUnsafeMutableBytes({ Syscalls.read(descriptors[file], into: $0) }) {
        case .success(0): timeline.finish(file)
        case .success(let count): timeline.push(bytes[..<count], to: file)
        case .failure(let errno): throw Failure(.noInput, "\(paths[file]): \(errno.description)")
        }
        return true
    }
}
