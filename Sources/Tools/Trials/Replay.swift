// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// What the host CPU got in the field beside what it gets now.
public struct Replay {
    /// An answer, and what it belongs to.
    struct Entry: Equatable {
        let answer: Answer
        /// The step of the script behind which it came.
        let step: Int
        let time: UInt64
    }

    /// Where then and now part.
    public struct Divergence {
        /// The step of the script.
        public let step: Int
        /// Nanoseconds since 1970.
        public let time: UInt64
        let then: Answer?
        let now: Answer?
    }

    /// Answers that were compared, and equal.
    public private(set) var equal = 0
    /// Requests that another handler of the channel had answered.
    public private(set) var others = 0
    /// Requests of which the capture holds no answer.
    public private(set) var unknown = 0
    /// The first difference; nil when there is none.
    public private(set) var divergence: Divergence?
    /// Why the plugin did not come to the end, or nil.
    public let death: String?

    private let script: FieldScript
    /// Of each step, what the plugin did now: lines of a record.
    private var now: [[String]]

    /// Compares a script with the record that a plugin made of its transcript.
    public init(_ script: FieldScript, _ outcome: TrialProgram.Outcome) {
        self.script = script
        death = outcome.death
        now = []
        for line in outcome.lines {
            if line.hasPrefix("> ") { now.append([]) } else if !now.isEmpty { now[now.count - 1].append(line) }
        }
        divergence = script.channel.isMessages ? compareRequests() : compareRegisters()
        if divergence == nil, death != nil {
            let last = max(0, now.count - 1)
            let step = script.steps[last]
            divergence = Divergence(step: last, time: step.time, then: step.answers.first?.answer, now: nil)
        }
    }

    private mutating func compareRequests() -> Divergence? {
        let places = script.steps.indices.filter { script.steps[$0].request != nil }
        for (number, place) in places.enumerated() where place < now.count {
            let step = script.steps[place]
            let end = number + 1 < places.count ? places[number + 1] : now.count
            let answers = now[place..<min(end, now.count)].joined()
            let found = answers.lazy.compactMap { Answer($0, request: step.request) }.first
            let isDead = death != nil && end >= now.count
            guard let then = step.answers.first?.answer else {
                if isDead { return nil }
                unknown += 1
                continue
            }
            if found == then {
                equal += 1
            } else if found == nil && isDead {
                return nil
            } else if script.channel.isShared && answers.contains("< declined") {
                others += 1
            } else {
                return Divergence(step: place, time: step.answers.first?.time ?? step.time, then: then, now: found)
            }
        }
        return nil
    }

    private mutating func compareRegisters() -> Divergence? {
        var (then, found): ([Entry], [Entry]) = ([], [])
        for (index, step) in script.steps.enumerated() {
            then += step.answers.map { Entry(answer: $0.answer, step: index, time: $0.time) }
            guard index < now.count else { continue }
            found += now[index].compactMap { Answer($0, request: nil) }.map { answer in
                Entry(answer: answer, step: index, time: step.time)
            }
        }
        for index in 0..<max(then.count, found.count) {
            let (left, right) = (index < then.count ? then[index] : nil, index < found.count ? found[index] : nil)
            if let left, let right, left.answer == right.answer {
                equal += 1
                continue
            }
            if right == nil && death != nil { return nil }
            guard let place = [left?.step, right?.step].compactMap({ $0 }).min() else { return nil }
            return Divergence(
                step: place, time: left?.time ?? right?.time ?? 0, then: left?.answer, now: right?.answer)
        }
        return nil
    }

    // MARK: In words

    /// The difference in the manner of `diff -u`: `-` is what the host CPU got then, `+` what it gets now.
    public func lines(capture: String, plugin: String) -> [String] {
        guard let divergence else { return [] }
        var lines = ["--- \(capture)", "+++ \(plugin)"]
        let since = UTCTime.seconds(divergence.time - min(divergence.time, script.begin))
        lines.append("@@ \(UTCTime.text(divergence.time)) UTC, \(since) s from the start @@")
        let before = script.steps[..<divergence.step].indices.filter { !script.steps[$0].isWait }.suffix(3)
        for index in before { lines += context(index) }
        let step = script.steps[divergence.step]
        lines.append(" > \(step.text)")
        let words = meaning(step, divergence)
        lines += words.request.map { "     | \($0)" }
        if let then = divergence.then {
            lines.append("-< \(then.line)")
            lines += words.then.map { "     | \($0)" }
        } else if death == nil {
            lines.append("-  nothing")
        }
        if let now = divergence.now {
            lines.append("+< \(now.line)")
            lines += words.now.map { "     | \($0)" }
        } else {
            lines.append("+  \(death ?? "nothing")")
        }
        return lines
    }

    private func context(_ index: Int) -> [String] {
        let step = script.steps[index]
        return [" > \(step.text)"] + step.answers.prefix(4).map { " < \($0.answer.line)" }
    }

    private func meaning(_ step: FieldScript.Step, _ divergence: Divergence) -> (
        request: [String], then: [String], now: [String]
    ) {
        guard let request = step.request else { return ([], [], []) }
        func reply(_ answer: Answer?) -> [UInt8]? { if case .reply(let bytes)? = answer { bytes } else { nil } }
        let (asked, then) = FrameText.lines(request: request, answer: reply(divergence.then))
        return (asked, then, FrameText.lines(request: request, answer: reply(divergence.now)).answer)
    }

    /// The capture as a transcript that a plugin keeps if it answers as the one in the field did. What a capture does not
    /// hold, such as log lines, is as the plugin of today has it.
    public func transcript(head: String) -> String {
        var text = head
        var owed: [Answer] = []
        var request: [UInt8]?
        func settle() {
            for answer in owed { text += "< \(answer.line)\n" }
            owed = []
        }
        for (index, step) in script.steps.enumerated() {
            if !step.isWait {
                if step.request != nil || !script.channel.isMessages { settle() }
                if step.request != nil { request = step.request }
                owed += step.answers.map { $0.answer }
            }
            text += "> \(step.text)\n"
            for line in index < now.count ? now[index] : [] {
                guard let answer = Answer(line, request: request) else {
                    text += line + "\n"
                    continue
                }
                // One of which the field knows nothing is believed.
                let then = owed.isEmpty ? answer : owed.removeFirst()
                text += then == answer ? line + "\n" : "< \(then.line)\n"
            }
        }
        settle()
        return text
    }
}
