// SPDX-License-Identifier: Apache-2.0
//
// One loop waits for keys, signals, the daemon's answers and the time of the next question, and draws what is known after each. The
// daemon may go and come back at any time.
import CLinux
import Common
import JSON
import LinuxIO

/// `top`: the channels, live.
final class TopCommand {
    private let socket: String
    private let interval: UInt64
    private var table = TopTable()

    // What the daemon said.
    private var status: JSONValue?
    private var rows: [ChannelRates] = []
    private var counts: [ChannelCounts] = []
    private var countedAt: UInt64 = 0
    private var process: UInt64 = 0

    // What it is asked.
    private var connection: Connection?
    private var askedAt: UInt64?
    private var dump: Connection?
    private var tail: MessageTail?
    private var nextAt: UInt64 = 0

    // What the screen shows.
    private var selected = ""
    private var first = 0
    private var note: String?
    private var isOver = false
    /// An answer that takes longer is not to be expected, in nanoseconds.
    private static let patience: UInt64 = 3_000_000_000

    init(_ arguments: Arguments, _ socket: String) throws(Failure) {
        self.socket = socket
        let text = arguments.value("--interval") ?? "1s"
        do throws(Quantity.Fault) { interval = try Quantity.parse(duration: text) } catch {
            throw Failure(.usage, "--interval \(text): not a time such as 500ms or 2s")
        }
        if interval < 100_000_000 || interval > 3_600_000_000_000 {
            throw Failure(.usage, "--interval \(text): not from 100ms to 1h")
        }
        if let word = arguments.value("--sort") {
            guard let order = TopOrder.allCases.first(where: { $0.word.is(word) }) else {
                let words = TopOrder.allCases.map { $0.word }
                throw unknown("--sort \(word): not one of \(words.joined(separator: ", "))", word, among: words)
            }
            table.order = order
        }
    }

    // MARK: Text

    /// Once, as text: what happened in an interval.
    func once() throws(Failure) {
        for turn in 0..<2 {
            if turn > 0 { Clock.sleep(interval) }
            take(try Connection(socket).request([JSONMember("command", .string("status"))]))
        }
        let columns = 120
        try Output.print([table.heading(columns)] + table.sorted(rows).map { table.line($0, columns) })
    }

    private func take(_ status: JSONValue) {
        let now = Clock.monotonic
        let channels = (status["channels"]?.elements ?? []).map { ChannelCounts($0) }
        // What another process counted says nothing of this one.
        let process = status["process"]?.uint64 ?? 0
        if process != self.process { counts = [] }
        self.process = process
        let before = counts
        rows = channels.enumerated().map { index, channel in
            let likely = index < before.count && before[index].name.is(channel.name) ? before[index] : nil
            return ChannelRates(channel, since: likely ?? before.first { $0.name.is(channel.name) }, now - countedAt)
        }
        (self.status, counts, countedAt) = (status, channels, now)
    }

    // MARK: The loop

    func run(on screen: Screen) throws(Failure) {
        let signals: FileDescriptor
        do throws(SystemError) {
            signals = try Signals.descriptor(of: [SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP])
        } catch { throw Failure(.failure, error.description) }
        screen.open()
        defer { screen.close() }
        while !isOver {
            if Clock.monotonic >= nextAt { ask() }
            screen.draw(picture(screen.size))
            wait(signals.raw, screen)
        }
    }

    private func ask() {
        nextAt = Clock.monotonic + interval
        if let askedAt {
            if Clock.monotonic - askedAt > Self.patience { lose("kcsmuxd does not answer") }
            return
        }
        do throws(Failure) {
            if connection == nil { connection = try Connection(socket) }
            try connection?.send([JSONMember("command", .string("status"))])
            askedAt = Clock.monotonic
        } catch { lose(error.text) }
    }

    private func lose(_ reason: String) {
        (connection, askedAt, tail, dump) = (nil, nil, nil, nil)
        (status, counts, rows) = (nil, [], [])
        note = "waiting for kcsmuxd: \(Text.safe(reason))"
    }

    private func wait(_ signals: Int32, _ screen: Screen) {
        let sources = [
            0, signals, connection?.descriptor ?? -1, dump?.descriptor ?? -1, tail?.connection.descriptor ?? -1,
        ]
        var requests = sources.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard Poll.wait(&requests, until: nextAt) > 0 else { return }
        if requests[1].revents != 0 { signal(signals, screen) }
        if requests[2].revents != 0 { answer() }
        if requests[3].revents != 0 { dumped() }
        if requests[4].revents != 0 { follow() }
        if requests[0].revents != 0 { keys(screen) }
    }

    private func signal(_ signals: Int32, _ screen: Screen) {
        while let number = Signals.take(signals) {
            switch number {
            case SIGWINCH: break
            case SIGTSTP: screen.suspend()
            default: isOver = true
            }
        }
    }

    private func answer() {
        do throws(Failure) {
            guard let status = try connection?.advance() else { return }
            if self.status == nil { note = nil }
            askedAt = nil
            take(status)
        } catch { lose(error.text) }
    }

    private func dumped() {
        do throws(Failure) {
            guard let result = try dump?.advance() else { return }
            note = "dumped to \(Text.safe(result["path"]?.text ?? "?"))"
        } catch { note = Text.safe(error.text) }
        dump = nil
    }

    private func follow() {
        do throws(Failure) { try tail?.advance() } catch {
            note = Text.safe(error.text)
            tail = nil
        }
    }

    // MARK: Keys

    private func keys(_ screen: Screen) {
        var bytes = [UInt8](repeating: 0, count: 64)
        guard case .success(let count) = bytes.withUnsafeMutableBytes({ Syscalls.read(0, into: $0) }), count > 0 else {
            // The terminal is gone.
            isOver = true
            return
        }
        var rest = bytes[..<count]
        while let byte = rest.popFirst() {
            // Arrows are ESC [ A or ESC O A; an ESC alone leaves.
            var key = byte
            if key == 0x1B, let next = rest.first, next == UInt8(ascii: "[") || next == UInt8(ascii: "O") {
                rest.removeFirst()
                key =
                    rest.popFirst().map {
                        $0 == UInt8(ascii: "A") ? UInt8(ascii: "k") : $0 == UInt8(ascii: "B") ? UInt8(ascii: "j") : 0
                    } ?? 0
            }
            press(key, screen)
        }
    }

    private func press(_ key: UInt8, _ screen: Screen) {
        if tail != nil {
            if [0x1B, UInt8(ascii: "q"), UInt8(ascii: "f"), 0x0A, 0x0D].contains(key) { tail = nil }
            return
        }
        if status != nil { note = nil }
        let orders: [(key: UInt8, order: TopOrder)] = [
            (UInt8(ascii: "n"), .name), (UInt8(ascii: "t"), .state), (UInt8(ascii: "b"), .bytes),
            (UInt8(ascii: "m"), .messages), (UInt8(ascii: "e"), .errors), (UInt8(ascii: "l"), .latency),
            (UInt8(ascii: "o"), .stalls), (UInt8(ascii: "x"), .restarts),
        ]
        if let order = orders.first(where: { $0.key == key })?.order { table.order = order }
        switch key {
        case UInt8(ascii: "q"): isOver = true
        case UInt8(ascii: "s"): table.order = TopOrder(rawValue: (table.order.rawValue + 1) % orders.count) ?? .name
        case UInt8(ascii: "r"): table.isReversed.toggle()
        case UInt8(ascii: "j"): select(1)
        case UInt8(ascii: "k"): select(-1)
        case UInt8(ascii: "f"), 0x0A, 0x0D:
            guard !selected.isEmpty else { break }
            do throws(Failure) { tail = try MessageTail(selected, socket, columns: screen.size.columns) } catch {
                note = Text.safe(error.text)
            }
        case UInt8(ascii: "d"): dumpSelected()
        default: break
        }
    }

    private func select(_ step: Int) {
        let sorted = table.sorted(rows)
        guard !sorted.isEmpty else { return }
        let place = sorted.firstIndex { $0.now.name.is(selected) } ?? (step > 0 ? -1 : sorted.count)
        selected = sorted[min(max(place + step, 0), sorted.count - 1)].now.name
    }

    private func dumpSelected() {
        guard !selected.isEmpty, dump == nil else { return }
        do throws(Failure) {
            let connection = try Connection(socket)
            try connection.send([
                JSONMember("command", .string("capture-dump")), JSONMember("channel", .string(selected)),
            ])
            dump = connection
            note = "dumping \(selected)"
        } catch { note = Text.safe(error.text) }
    }

    // MARK: The picture

    private func picture(_ size: (columns: Int, rows: Int)) -> [String] {
        let heading = Text.cut(status.map { StatusView.heading($0) } ?? "kcsctl top", size.columns)
        let last = Text.cut(
            note
                ?? (tail == nil
                    ? "q quit  s sort  r reverse  j/k select  f follow  d dump; sorted by \(table.order.word)"
                    : "q back"),
            size.columns)
        let room = size.rows - 4
        var lines = [heading, ""]
        if let tail {
            lines.append(Terminal.mark(Text.cut("Messages of \(tail.channel)", size.columns), .reverse))
            lines += tail.lines.suffix(room)
        } else {
            lines.append(Terminal.mark(Text.left(" " + table.heading(size.columns - 1), size.columns), .reverse))
            lines += channels(size.columns, room)
        }
        while lines.count < size.rows - 1 { lines.append("") }
        return lines + [note == nil ? last : Terminal.mark(last, .yellow)]
    }

    private func channels(_ columns: Int, _ room: Int) -> [String] {
        let sorted = table.sorted(rows)
        if !sorted.contains(where: { $0.now.name.is(selected) }) { selected = sorted.first?.now.name ?? "" }
        let place = sorted.firstIndex { $0.now.name.is(selected) } ?? 0
        // What is selected is in view.
        first = max(0, min(first, sorted.count - room, place))
        if place >= first + room { first = place - room + 1 }
        return sorted[first...].prefix(room).map { row in
            let isSelected = row.now.name.is(selected)
            let line = (isSelected ? ">" : " ") + table.line(row, columns - 1)
            let isWell = row.now.state.is("running") || row.now.state.is("stopped")
            if !isWell { return Terminal.mark(line, .red) }
            return (row.errors ?? 0) > 0 ? Terminal.mark(line, .yellow) : isSelected ? Terminal.mark(line, .bold) : line
        }
    }
}
