// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import Simulator

/// Looks for what a plugin must not do: throws runs at it in processes of their own, and shrinks the one that finds something.
public final class Fuzzer {
    /// A run as it was written down.
    struct Written {
        let number: Int
        var options: String?
        var lines: [String] = []

        var run: Shrinker.Run {
            Shrinker.Run(options: options, steps: lines.filter { $0.hasPrefix("> ") }.map { String($0.dropFirst(2)) })
        }
    }

    /// What was found.
    public struct Result {
        /// What it is.
        public let finding: Finding
        /// In which run.
        public let run: Int
        /// How many steps that had.
        public let steps: Int
        /// How many are left.
        public let left: Int
        /// How many runs that took.
        public let attempts: Int
        /// It shows in a process of its own.
        public let isCertain: Bool
        /// For `kcssim plugin`.
        public let transcript: String
    }

    /// Runs so far.
    public private(set) var runs = 0
    /// Steps so far.
    public private(set) var steps = 0

    private let trial: TrialProgram
    private let plan: FuzzPlan
    /// What its processes are told, beside `--worker`.
    private let arguments: [String]
    private var history: [Written] = []
    private var current: Written?
    private var marks: [Growth] = []
    /// Suspicions of a leak that were wrong, in this process.
    private var alarms = 0

    /// Runs that one process does before the next takes over.
    private static let batch = 1500
    /// Runs before the last one that a process may need to show a finding.
    private static let memory = 24

    /// A search; `arguments` are for `kcssim fuzz PLUGIN`.
    public init(_ trial: TrialProgram, _ plan: FuzzPlan, arguments: [String]) {
        (self.trial, self.plan, self.arguments) = (trial, plan, arguments)
    }

    /// Looks until something is found, that many runs were made, or the monotonic clock is at `deadline`.
    public func search(
        runs limit: Int?, deadline: UInt64, progress: @escaping (Int, Int) -> Void
    ) throws(HostFailure) -> Result? {
        var reported = Clock.monotonic
        while Clock.monotonic < deadline {
            let count = min(Self.batch, (limit ?? .max) - runs)
            guard count > 0 else { break }
            let first = runs
            (history, current, marks, alarms) = ([], nil, [], 0)
            var judge = FindingJudge()
            var found: Finding?
            var suspects: [Written] = []
            let outcome = try trial.run(
                ["fuzz", trial.plugin, "--worker", "\(first)", "--runs", "\(count)", "--seed", "\(plan.seed)"]
                    + arguments
            ) { [self] line in
                found = take(line, &judge)
                if found == nil && line.hasPrefix("used ") && isGrowing() {
                    suspects = self.suspects()
                    return false
                }
                let now = Clock.monotonic
                if now - reported > 5_000_000_000 {
                    reported = now
                    progress(runs, steps)
                }
                return found == nil && now < deadline
            }
            let isOver = found == nil && suspects.isEmpty && Clock.monotonic >= deadline
            if isOver { break }
            if found == nil && suspects.isEmpty { found = try end(outcome) }
            if let found, let current { return try shrink(found, current) }
            if let leak = try leak(among: suspects) { return leak }
        }
        return nil
    }

    /// Nil when the process did all its runs.
    private func end(_ outcome: TrialProgram.Outcome) throws(HostFailure) -> Finding? {
        if let finding = FindingJudge.look(at: outcome) { return finding }
        guard outcome.ending != .exited(0) else { return nil }
        let text = outcome.errors.hasPrefix("Error: ") ? String(outcome.errors.dropFirst(7)) : outcome.errors
        throw HostFailure(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }

    private func take(_ line: String, _ judge: inout FindingJudge) -> Finding? {
        if line.hasPrefix("run ") {
            if let current {
                history.append(current)
                if history.count > 120 { history.removeFirst() }
            }
            current = Written(number: Int(line.dropFirst(4)) ?? runs)
            runs += 1
            judge = FindingJudge()
        } else if line.hasPrefix("options ") {
            current?.options = String(line.dropFirst(8))
        } else if line.hasPrefix("used ") {
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            if numbers.count == 3 {
                marks.append(Growth(heap: numbers[0], descriptors: numbers[1], threads: numbers[2]))
            }
        } else {
            if line.hasPrefix("> ") { steps += 1 }
            current?.lines.append(line)
            return judge.look(at: line)
        }
        return nil
    }

    // MARK: Leaks

    /// Has the process grown in each of its last three hundreds of runs? The first three hundred do not count: kcsmuxd's side
    /// keeps what it had of the last 256 lives. Descriptors and threads are not among that.
    private func isGrowing() -> Bool {
        func windows(_ size: Int) -> [(Growth, Growth)] {
            let places = stride(from: marks.count - 1 - 3 * size, to: marks.count, by: size).map { marks[$0] }
            return Array(zip(places, places.dropFirst()))
        }
        guard alarms < 2, marks.count % 50 == 1 else { return false }
        let isOpen =
            marks.count > 151
            && windows(50).allSatisfy {
                $1.descriptors > $0.descriptors || $1.threads > $0.threads
            }
        let isFull = marks.count > 600 && windows(100).allSatisfy { $1.heap - $0.heap > 100 * 16 }
        guard isOpen || isFull else { return false }
        alarms += 1
        return true
    }

    /// Those of the last hundred runs that grew most.
    private func suspects() -> [Written] {
        var grown: [(run: Written, score: Int)] = []
        let count = min(history.count, marks.count - 1, 100)
        for back in 0..<count {
            let (before, after) = (marks[marks.count - 2 - back], marks[marks.count - 1 - back])
            // The run whose mark was the last is the current one.
            let run = back == 0 ? current : history[history.count - back]
            let score =
                after.heap - before.heap + (after.descriptors - before.descriptors) * 100_000
                + (after.threads - before.threads) * 100_000
            if let run { grown.append((run, score)) }
        }
        // Those with fewer steps first, of equal ones.
        return grown.sorted { ($0.score, -$0.run.lines.count) > ($1.score, -$1.run.lines.count) }.prefix(8).map {
            $0.run
        }
    }

    private func leak(among suspects: [Written]) throws(HostFailure) -> Result? {
        for suspect in suspects where !suspect.run.steps.isEmpty {
            let outcome = try trial.play(suspect.run.transcript, ["--repeat", "16"])
            if let finding = FindingJudge.look(at: outcome) { return try shrink(finding, suspect) }
        }
        return nil
    }

    // MARK: Shrinking

    private func shrink(_ finding: Finding, _ written: Written) throws(HostFailure) -> Result {
        let isLeak = finding.key.hasPrefix("leak:")
        let trial = self.trial
        func play(_ run: Shrinker.Run) throws(HostFailure) -> TrialProgram.Outcome {
            try trial.play(run.transcript, isLeak ? ["--repeat", "16"] : [])
        }
        func shows(_ run: Shrinker.Run) throws(HostFailure) -> Bool {
            let outcome = try play(run)
            var judge = FindingJudge()
            return outcome.lines.contains { judge.look(at: $0)?.key == finding.key }
                || FindingJudge.look(at: outcome)?.key == finding.key
        }
        var run = written.run
        var isCertain = try shows(run)
        if !isCertain {
            // What the process went through before may have part in it.
            let before = history.suffix(Self.memory).filter { $0.options == written.options }.map {
                $0.run.steps + ["stop"]
            }
            let longer = Shrinker.Run(options: run.options, steps: before.flatMap { $0 } + run.steps)
            isCertain = try shows(longer)
            if isCertain { run = longer }
        }
        var shrinker = Shrinker(key: finding.key, deadline: Clock.monotonic + 60_000_000_000, shows: shows)
        let best = isCertain ? try shrinker.shrink(run) : run
        let left = best.steps.count
        return Result(
            finding: finding, run: written.number, steps: run.steps.count, left: left, attempts: shrinker.attempts,
            isCertain: isCertain, transcript: Self.transcript(best, try play(best), finding, written.number, plan.seed))
    }

    /// The steps, and what the plugin does at each as far as it is right: a transcript that it does not keep.
    private static func transcript(
        _ run: Shrinker.Run, _ outcome: TrialProgram.Outcome, _ finding: Finding, _ number: Int, _ seed: UInt64
    ) -> String {
        var text = "# Seed \(seed), run \(number): \(finding.text)\n"
        if finding.key.hasPrefix("leak:") { text += "# Shown by kcssim plugin --repeat 16.\n" }
        if let options = run.options { text += "options: \(options)\n\n" }
        var judge = FindingJudge()
        for line in outcome.lines where judge.look(at: line) == nil { text += line + "\n" }
        // What came to no end is not in the record.
        let done = outcome.lines.filter { $0.hasPrefix("> ") }.count
        for step in run.steps.dropFirst(done) { text += "> \(step)\n" }
        return text
    }
}
