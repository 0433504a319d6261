// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import PluginHost
import PluginTrial
import Simulator

/// What is thrown at a plugin, and how: the same for all its processes.
public struct FuzzPlan: Sendable {
    /// All runs follow from it and from their number.
    public var seed: UInt64 = 1
    /// Options in YAML, in one line; nil to vary them, too.
    public var options: String?
    /// Runs to follow: steps without `> `.
    public var corpus: [[String]] = []

    /// A plan of its defaults.
    public init() {}
}

/// Runs of a plugin in this process, one after the other, each written down before it is done.
public final class FuzzWorker {
    private let plugin: LoadedPlugin
    private let plan: FuzzPlan
    private let grammar: FuzzGrammar
    private let folder: String
    private let monitor: CallMonitor
    private let say: (String) -> Void
    /// Runs that brought about something new, as far as one can tell from outside.
    private var pool: [[String]] = []
    private var seen: Set<String> = []

    /// Steps that a run has at most.
    private static let longest = 60

    /// `folder` is for the plugin's state, and emptied before each run; `say` gets lines.
    public init(
        _ plugin: LoadedPlugin, _ plan: FuzzPlan, folder: String, _ monitor: CallMonitor,
        say: @escaping (String) -> Void
    ) {
        (self.plugin, self.plan, self.folder, self.monitor, self.say) = (plugin, plan, folder, monitor, say)
        grammar = FuzzGrammar(plugin)
    }

    /// `run N`, `options YAML`, then the record; `used` sums up by how much the runs have made the process grow.
    public func run(_ numbers: Range<Int>, clean: () -> Void) throws(HostFailure) {
        var used = Growth(heap: 0, descriptors: 0, threads: 0)
        for number in numbers {
            say("run \(number)")
            clean()
            let before = Growth.now
            // What this side learns stays, and is nothing of the plugin's.
            if try !run(number) { used = used + (Growth.now - before) }
            say("used \(used.heap) \(used.descriptors) \(used.threads)")
        }
    }

    /// Did it bring about something new?
    private func run(_ number: Int) throws(HostFailure) -> Bool {
        var random = FuzzRandom(seed: plan.seed, run: number)
        let (trial, options) = try trial(&random)
        if let options { say("options \(options)") }
        return play(trial, random)
    }

    private func trial(_ random: inout FuzzRandom) throws(HostFailure) -> (Trial, String?) {
        var refusal = ""
        guard let head = try? Transcript(Array("> start".utf8), file: "fuzz") else {
            throw HostFailure("a transcript of one step is none")
        }
        for attempt in 0..<20 {
            var options = plan.options
            if options == nil && (attempt > 0 || random.chance(25)) {
                var generator = OptionGenerator(random: random)
                options = generator.options(grammar.options)
                random = generator.random
            }
            do throws(Trial.Refusal) {
                return (try Trial(plugin, head, options: options ?? "{}", stateFolder: folder, monitor), options)
            } catch { refusal = error.description }
            if plan.options != nil { break }
        }
        throw HostFailure("no options were found that the plugin takes; give some with --options:\n\(refusal)")
    }

    private func play(_ trial: Trial, _ random: FuzzRandom) -> Bool {
        var random = random
        let models = plan.corpus + pool
        let model = models.isEmpty || random.chance(45) ? [] : random.pick(models)
        let count = random.pick([4, 8, 16, 30, Self.longest])
        var generator = StepGenerator(grammar, random, following: model)
        var fresh: [String] = []
        let session = TrialSession(trial) { [say] line in
            say(line.text)
            fresh.append(line.text)
        }
        var steps: [String] = []
        var news = 0
        for _ in 0..<min(Self.longest, max(count, model.count + 4)) {
            let step = generator.next()
            if session.perform(step) != nil { continue }
            steps.append(step)
            let isNew = note(step, fresh)
            for line in fresh { generator.learn(line) }
            fresh = []
            if isNew {
                keep(steps)
                news += 1
            }
        }
        session.end()
        return news > 0
    }

    /// Was a step of this kind never before followed by lines of this kind?
    private func note(_ step: String, _ lines: [String]) -> Bool {
        let kind = step.split(separator: " ").prefix(3).joined(separator: " ")
        var isNew = false
        for line in lines where line.hasPrefix("<") {
            let words = line.split(separator: " ").prefix(line.hasPrefix("< reply") ? 5 : 4).joined(separator: " ")
            let shape = line.hasPrefix("< reply") ? words : words.filter { !$0.isNumber }
            if seen.count < 4096, seen.insert("\(kind)|\(shape)").inserted { isNew = true }
        }
        return isNew
    }

    private func keep(_ steps: [String]) {
        pool.append(steps)
        if pool.count > 64 { pool.removeFirst() }
    }
}
