// SPDX-License-Identifier: Apache-2.0
import Common

/// Something that happens to a plugin.
enum Step {
    /// The instance is made, and its channel starts.
    case start(Reason, stale: UInt32)
    /// The channel stops.
    case stop(Reason)
    /// The channel is reset.
    case reset
    /// The host CPU writes bytes to a port.
    case write([UInt8], isCommand: Bool)
    /// The host CPU reads ODR.
    case read
    /// Does the host CPU read ODR by itself, as soon as there is a byte?
    case reading(Bool)
    /// The host CPU sends a whole request.
    case request([UInt8])
    /// The host CPU gives the request up.
    case abort
    /// Time passes.
    case wait(UInt64)
    /// A watched descriptor becomes ready.
    case poll
    /// The program that the plugin runs has ended.
    case ran(UInt32, Int32)
    /// The actions that the plugin runs have ended.
    case actions([UInt32])
    /// The capture that the plugin asked for is written.
    case dumped(UInt32)
    /// The plugin is asked for its figures.
    case stats

    enum Reason: UInt32 {
        case boot, reload, restart, crash, stop

        init?(_ word: Substring) {
            let names: [Substring] = ["boot", "reload", "restart", "crash", "stop"]
            guard let index = names.firstIndex(of: word) else { return nil }
            self.init(rawValue: UInt32(index))
        }
    }

    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// Is it the first of a life?
    var isStart: Bool {
        if case .start = self { return true }
        return false
    }

    private static let known = """
        start, stop, reset, data, command, read, reading on|off, request, abort, wait, poll, ran, actions, dumped, stats
        """

    init(_ text: Substring) throws(Fault) {
        let words = text.words
        guard let verb = words.first else { throw Fault("nothing happens; it knows \(Self.known)") }
        let rest = Array(words.dropFirst())
        switch (verb, rest.count) {
        case ("start", _): self = try Self.start(rest)
        case ("stop", 0...1):
            guard let reason = Reason(rest.first ?? "stop") else { throw Fault("'\(rest[0])' is no reason") }
            self = .stop(reason)
        case ("reset", 0): self = .reset
        case ("data", 1...): self = .write(try Self.bytes(rest), isCommand: false)
        case ("command", 1...): self = .write(try Self.bytes(rest), isCommand: true)
        case ("read", 0): self = .read
        case ("reading", 1) where rest[0] == "on" || rest[0] == "off": self = .reading(rest[0] == "on")
        case ("request", 2...1000): self = .request(try Self.bytes(rest))
        case ("request", _): throw Fault("a request is NetFn/LUN, command and data: 2 to 1000 bytes")
        case ("abort", 0): self = .abort
        case ("wait", 1):
            guard let time = try? Quantity.parse(duration: String(rest[0])) else {
                throw Fault("'\(rest[0])' is not a duration, such as 500us, 10ms or 30s")
            }
            self = .wait(time)
        case ("poll", 0): self = .poll
        case ("ran", 1...2): self = try Self.ran(rest)
        case ("actions", _): self = .actions(try rest.map { word throws(Fault) in try Self.outcome(word) })
        case ("dumped", 0...1): self = .dumped(try Self.outcome(rest.first ?? "ok"))
        case ("stats", 0): self = .stats
        default: throw Fault("'\(text)' is nothing that happens; it knows \(Self.known)")
        }
    }

    private static func start(_ words: [Substring]) throws(Fault) -> Step {
        var rest = words[...]
        var reason = Reason.boot
        if let word = rest.first, let given = Reason(word) {
            reason = given
            rest.removeFirst()
        }
        guard !rest.isEmpty else { return .start(reason, stale: 0) }
        guard rest.count == 2, rest.first == "stale", let count = Words.number(rest.last!), count <= 2 else {
            throw Fault("'start \(words.joined(separator: " "))' is not 'start [REASON] [stale 0|1|2]'")
        }
        return .start(reason, stale: UInt32(count))
    }

    private static func bytes(_ words: [Substring]) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in words {
            guard let byte = Words.byte(word) else { throw Fault("'\(word)' is not a byte: 0 to 255, or 0x00 to 0xff") }
            bytes.append(byte)
        }
        return bytes
    }

    private static func outcome(_ word: Substring) throws(Fault) -> UInt32 {
        let names: [Substring] = ["ok", "failed", "timed-out"]
        guard let index = names.firstIndex(of: word) else {
            throw Fault("'\(word)' is none of ok, failed, timed-out")
        }
        return UInt32(index)
    }

    private static func ran(_ words: [Substring]) throws(Fault) -> Step {
        switch (words[0], words.count) {
        case ("timed-out", 1): return .ran(2, -9)
        case ("signal", 2):
            if let number = Words.byte(words[1]) { return .ran(1, -Int32(number)) }
        case (_, 1):
            if let status = Words.byte(words[0]) { return .ran(status == 0 ? 0 : 1, Int32(status)) }
        default: break
        }
        throw Fault("'ran \(words.joined(separator: " "))' is not 'ran STATUS', 'ran signal NUMBER' or 'ran timed-out'")
    }
}
