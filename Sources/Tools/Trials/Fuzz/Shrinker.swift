// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import Simulator

/// A run that shows a finding, made as short as it can be and still shows it.
struct Shrinker {
    /// Options, if any, and steps without `> `.
    struct Run: Equatable {
        var options: String?
        var steps: [String]

        var transcript: String {
            (options.map { "options: \($0)\n\n" } ?? "") + steps.map { "> \($0)\n" }.joined()
        }
    }

    let key: String
    /// Does a run show it?
    let shows: (Run) throws(HostFailure) -> Bool
    /// Nanoseconds of the monotonic clock after which what there is must do.
    let deadline: UInt64

    /// How many runs it took.
    private(set) var attempts = 0

    init(key: String, deadline: UInt64, shows: @escaping (Run) throws(HostFailure) -> Bool) {
        (self.key, self.deadline, self.shows) = (key, deadline, shows)
    }

    private mutating func holds(_ run: Run) throws(HostFailure) -> Bool {
        guard Clock.monotonic < deadline, !run.steps.isEmpty else { return false }
        attempts += 1
        return try shows(run)
    }

    mutating func shrink(_ run: Run) throws(HostFailure) -> Run {
        var best = run
        if best.options != nil {
            var other = best
            other.options = nil
            if try holds(other) { best = other }
        }
        while true {
            let before = best
            best = try withoutSteps(best)
            best = try withSimplerSteps(best)
            if best == before || Clock.monotonic >= deadline { return best }
        }
    }

    /// Leaves out halves, quarters and so on, down to single steps.
    private mutating func withoutSteps(_ run: Run) throws(HostFailure) -> Run {
        var best = run
        var size = max(1, best.steps.count / 2)
        while true {
            var start = 0
            while start < best.steps.count {
                var other = best
                other.steps.removeSubrange(start..<min(start + size, best.steps.count))
                if try holds(other) { best = other } else { start += size }
            }
            if size == 1 { return best }
            size = max(1, size / 2)
        }
    }

    private mutating func withSimplerSteps(_ run: Run) throws(HostFailure) -> Run {
        var best = run
        for index in best.steps.indices {
            for simpler in Self.simpler(best.steps[index]) {
                var other = best
                other.steps[index] = simpler
                if try holds(other) {
                    best = other
                    break
                }
            }
            best = try withZeros(best, index)
        }
        return best
    }

    /// Bytes that do not matter are 0.
    private mutating func withZeros(_ run: Run, _ index: Int) throws(HostFailure) -> Run {
        var best = run
        var words = best.steps[index].split(separator: " ").map { String($0) }
        guard ["data", "command", "request"].contains(words[0]), words.count <= 100 else { return best }
        for place in (words[0] == "request" ? 3 : 1)..<max(words.count, words[0] == "request" ? 3 : 1)
        where words[place] != "0x00" {
            let old = words[place]
            words[place] = "0x00"
            var other = best
            other.steps[index] = words.joined(separator: " ")
            if try holds(other) { best = other } else { words[place] = old }
        }
        return best
    }

    /// Shorter forms of a step, the shortest first.
    static func simpler(_ step: String) -> [String] {
        let words = step.split(separator: " ")
        func first(_ count: Int) -> String { words.prefix(count).joined(separator: " ") }
        switch words.first {
        case "data", "command", "request":
            let least = words.first == "request" ? 3 : 2
            var forms: [String] = []
            var count = least
            while count < words.count {
                forms.append(first(count))
                count = count + max(1, (words.count - count) / 2)
            }
            if words.first != "request", words.count > 2 {
                forms.append("\(words[0]) " + words.suffix(1).joined())
                forms.append("\(words[0]) " + words.dropFirst(1 + words.count / 2).joined(separator: " "))
                forms.append("\(words[0]) " + words.dropFirst(2).joined(separator: " "))
            }
            return forms
        case "start" where words.count > 1: return ["start"]
        case "stop" where words.count > 1: return ["stop"]
        default: return []
        }
    }
}
