// SPDX-License-Identifier: Apache-2.0
import Common
import Simulator

/// A channel of a capture as steps of a transcript, with the host's timing.
public struct FieldScript {
    /// A step, and what the host CPU got behind it, in the field.
    public struct Step {
        /// Without `> `.
        public let text: String
        /// Nanoseconds since 1970.
        public let time: UInt64
        /// Is it the host's, or the channel's life, and not time that passes?
        public var isWait: Bool { text.hasPrefix("wait ") }
        /// The request's bytes.
        public let request: [UInt8]?
        /// What came before the next step that is not a wait.
        public internal(set) var answers: [(answer: Answer, time: UInt64)] = []
    }

    /// In their order; the first is a start.
    public private(set) var steps: [Step] = []
    /// Whose.
    public let channel: FieldCapture.Channel
    /// What is to be said about the capture.
    public private(set) var notes: [String] = []
    /// Its first event.
    public let begin: UInt64

    private var clock: UInt64
    private var isRunning = false

    /// The events of `channel` up to `until`; a failure when there are none that a plugin would notice.
    public init(_ channel: FieldCapture.Channel, until: UInt64? = nil) throws(HostFailure) {
        self.channel = channel
        let events = channel.events.filter { event in until.map { event.time <= $0 } ?? true }
        begin = events.first?.time ?? 0
        clock = begin
        if case .started = events.first?.body {
        } else if !events.isEmpty {
            notes.append("the capture begins in the middle of a life: the plugin starts without what came before")
            add("start", begin)
        }
        for event in events { add(event) }
        let hostSteps = steps.filter {
            $0.request != nil || $0.text.hasPrefix("data ") || $0.text.hasPrefix("command ")
        }
        guard !hostSteps.isEmpty else {
            throw HostFailure("channel \(channel.name): the host CPU does nothing in this capture")
        }
    }

    private mutating func add(_ event: FieldEvent) {
        switch event.body {
        case .started(let reason, let stale):
            if isRunning { add("stop", event.time) }
            let names = ["boot", "reload", "restart", "crash"]
            let word = Int(reason) < names.count ? names[Int(reason)] : "restart"
            add("start \(word)" + (stale > 0 ? " stale \(stale)" : ""), event.time)
        case .stopped: if isRunning { add("stop", event.time) }
        case .reset: if isRunning { add("reset", event.time) }
        case .byte(let value, let isCommand):
            add((isCommand ? "command " : "data ") + Hex.number(value), event.time)
        case .request(let bytes): add("request " + Hex.numbers(bytes), event.time, request: bytes)
        case .hostStalls: add("reading off", event.time)
        case .hostReads: add("reading on", event.time)
        case .answer(let answer):
            // What kcsmuxd itself writes around a handler's life is not the handler's.
            guard isRunning else { return }
            pass(to: event.time)
            let last = steps.lastIndex { !$0.isWait } ?? steps.count - 1
            steps[last].answers.append((answer, event.time))
        case .gap(let text): notes.append("\(text): what came of them is not known")
        }
    }

    private mutating func add(_ text: String, _ time: UInt64, request: [UInt8]? = nil) {
        pass(to: time)
        if text.hasPrefix("start") { isRunning = true }
        if text == "stop" { isRunning = false }
        steps.append(Step(text: text, time: time, request: request))
    }

    private mutating func pass(to time: UInt64) {
        // Clocks of a capture may go back.
        guard time > clock else { return }
        steps.append(Step(text: "wait \(Quantity.duration(time - clock))", time: time, request: nil))
        clock = time
    }

    /// A transcript of the steps alone.
    public func transcript(head: String) -> String {
        head + steps.map { "> \($0.text)\n" }.joined()
    }
}
