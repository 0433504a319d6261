// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: memory that stands for the window, and results in the form that the ABI gives them.
import CKCSPlugin
import DaemonConfiguration
import LinuxIO
import PluginHost
import Schema
import YAML

/// Plays a transcript to a plugin, which is loaded and called as kcsmuxd does it, and writes down what the plugin did.
public final class Rehearsal {
    private let plugin: LoadedPlugin
    private let transcript: Transcript
    private let options: Value
    private let stateFolder: String
    private let window: UnsafeMutableRawBufferPointer?
    private let guardian: Guardian
    private var stage: Stage?
    private var record: [Recorded] = []
    private var time: UInt64 = 1_000_000_000

    /// A line of what really happened.
    public struct Recorded: Equatable, Sendable {
        /// The line of the transcript that it belongs to.
        public let number: Int
        /// `> …` for what happened to the plugin, `< …` for what it did.
        public let text: String
    }

    /// Why there is no rehearsal.
    public struct Refusal: Error, CustomStringConvertible {
        /// One line, or several about options.
        public let description: String
    }

    /// `options` is YAML, in place of those in the transcript. A callback that takes longer than `patience` nanoseconds
    /// ends the program.
    public init(
        _ plugin: LoadedPlugin, _ transcript: Transcript, options: String? = nil, stateFolder: String, patience: UInt64
    ) throws(Refusal) {
        self.plugin = plugin
        self.transcript = transcript
        self.stateFolder = stateFolder
        self.options = try Self.options(plugin, transcript, options)
        let device = "a device of type \(transcript.device.rawValue)"
        let capabilities = Self.capabilities(transcript)
        if let failure = plugin.check(capabilities: capabilities, device: device) {
            throw Refusal(description: failure.description)
        }
        guard let guardian = Guardian(patience: patience) else { throw Refusal(description: "there is no thread left") }
        self.guardian = guardian
        window = transcript.window.map {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: $0, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return memory
        }
    }

    deinit { window?.deallocate() }

    private static func options(_ plugin: LoadedPlugin, _ transcript: Transcript, _ given: String?) throws(Refusal)
        -> Value
    {
        let text = given.map { Array($0.utf8) } ?? transcript.text
        let diagnostics = Diagnostics(file: given == nil ? transcript.file : "--options", text: text)
        var node = transcript.options
        if given != nil { node = Document.parse(text, diagnostics) }
        let start = node ?? Node(mark: .start, content: .mapping([]))
        var value: Value?
        if !diagnostics.hasErrors {
            value = Checker(diagnostics, owner: "plugin '\(plugin.name)'").check(
                start, plugin.options, at: start.mark, subject: "'options'")
        }
        if let value, !diagnostics.hasErrors { plugin.check(value) { diagnostics.error($1, at: $0) } }
        guard let value, !diagnostics.hasErrors else {
            throw Refusal(description: String(diagnostics.render().dropLast()))
        }
        return value
    }

    private static func capabilities(_ transcript: Transcript) -> UInt32 {
        let window = transcript.window == nil ? 0 : UInt32(KCS_CAP_WINDOW)
        switch transcript.device {
        case .rawKCS:
            return window
                | UInt32(KCS_CAP_DATA_IN | KCS_CAP_DATA_OUT | KCS_CAP_STR | KCS_CAP_MESSAGES | KCS_CAP_ATTENTION)
                | UInt32(KCS_CAP_EARLY_IBF | KCS_CAP_OBE_LAGS)
        case .serioRaw: return window | UInt32(KCS_CAP_DATA_IN)
        case .ipmiKCS: return window | UInt32(KCS_CAP_MESSAGES | KCS_CAP_ATTENTION)
        }
    }

    /// Plays it, and answers what happened. A transcript that does not begin with `> start` is started all the same.
    public func play() -> [Recorded] {
        var isFirst = true
        for line in transcript.lines {
            guard case .step(let step, let text) = line.content else { continue }
            if isFirst {
                isFirst = false
                if case .start = step {
                } else {
                    _ = start(.boot, stale: 0)
                    note(line.number)
                    // What nobody asked for need not be said.
                    record.removeAll { $0.text.hasPrefix("< input ") }
                }
            }
            record.append(Recorded(number: line.number, text: text))
            perform(step)
            note(line.number)
        }
        end(.stop)
        return record
    }

    private func note(_ number: Int) {
        for text in stage?.takeLines() ?? [] { record.append(Recorded(number: number, text: text)) }
        if stage?.hasFailed == true {
            end(.crash)
            for text in stage?.takeLines() ?? [] { record.append(Recorded(number: number, text: text)) }
            stage = nil
        }
    }

    // MARK: The instance's life

    private func start(_ reason: Step.Reason, stale: UInt32) -> Bool {
        let stage = Stage(
            plugin: plugin, options: options, capabilities: Self.capabilities(transcript), window: window, time: time,
            guardian: guardian)
        self.stage = stage
        guard stage.calling("create", { stage.create() }) else {
            stage.tell("create refused")
            stage.close()
            return false
        }
        stage.isOpen = true
        let answer = stage.calling("start") {
            stage.start(
                capabilities: stage.capabilities, reason: reason.rawValue, staleBytes: Int(stale), channel: "rehearsal",
                stateFolder: stateFolder)
        }
        if answer < 0 {
            stage.tell("start refused: error \(answer)")
        } else if !stage.takes(input: answer) {
            stage.tell("start refused: input \(answer) was not declared")
        } else {
            stage.input = answer
            stage.tell("input \(["none", "auto", "manual", "messages"][Int(answer)])")
            stage.settle()
            return true
        }
        stage.stop(reason: Step.Reason.crash.rawValue)
        stage.close()
        stage.destroy()
        return false
    }

    private func end(_ reason: Step.Reason) {
        guard let stage else { return }
        time = stage.time
        if stage.isStarted {
            stage.calling("stop") { stage.stop(reason: reason.rawValue) }
            stage.close()
            stage.calling("destroy") { stage.destroy() }
        }
    }

    // MARK: Steps

    private func perform(_ step: Step) {
        if case .start(let reason, let stale) = step {
            if stage?.isStarted == true { return stage!.tell("it runs already") }
            _ = start(reason, stale: stale)
            return
        }
        guard let stage, stage.isStarted else {
            record.append(Recorded(number: record.last?.number ?? 0, text: "< it does not run"))
            return
        }
        switch step {
        case .start: break
        case .stop(let reason): return end(reason)
        case .reset: stage.calling("reset") { stage.tellReset(now: stage.time) }
        case .write(let bytes, let isCommand):
            for byte in bytes {
                stage.written.append((byte, isCommand))
                stage.settle()
            }
        case .read: stage.hostReadsOnce()
        case .reading(let on): stage.hostReads = on
        case .request(let bytes): stage.request(bytes)
        case .abort: stage.abort()
        case .wait(let time): stage.pass(time)
        case .poll:
            if !stage.tellWatches(within: 5_000) { stage.tell("no watched descriptor became ready") }
        case .ran, .actions, .dumped: finish(step, stage)
        case .stats:
            stage.calling("stats") {
                stage.collectStats(
                    number: { stage.tell("stat \($0) \($1)") }, text: { stage.tell("stat \($0) \($1)") })
            }
        }
        stage.settle()
    }

    /// What the plugin asked for is done.
    private func finish(_ step: Step, _ stage: Stage) {
        switch step {
        case .ran(let outcome, let code):
            guard let call = stage.running else { return stage.tell("no program runs") }
            stage.running = nil
            stage.calling("done of run") { call.done?(call.context, outcome, code) }
        case .dumped(let outcome):
            guard let call = stage.dumping else { return stage.tell("no capture is being written") }
            stage.dumping = nil
            stage.calling("done of dump") { call.done?(call.context, outcome) }
        case .actions(let outcomes):
            guard let call = stage.acting else { return stage.tell("no actions run") }
            stage.acting = nil
            tell(call.list, outcomes, stage, call.done, call.context)
        default: break
        }
    }

    private func tell(
        _ list: [Action], _ outcomes: [UInt32], _ stage: Stage, _ done: HandlerInstance.ActionsCallback?,
        _ context: UnsafeMutableRawPointer?
    ) {
        guard let done else { return }
        let details = ["", "failed", "timed out"]
        var texts: [[CChar]] = []
        for (index, action) in list.enumerated() {
            let outcome = index < outcomes.count ? outcomes[index] : 0
            texts.append(Array(action.kind.words.utf8CString))
            texts.append(Array(details[Int(outcome)].utf8CString))
        }
        let places = texts.map { text in
            let place = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
            place.initialize(from: text, count: text.count)
            return place
        }
        let records = UnsafeMutablePointer<kcs_action_result>.allocate(capacity: max(list.count, 1))
        var pointers: [UnsafePointer<kcs_action_result>] = []
        for index in list.indices {
            (records + index).initialize(
                to: kcs_action_result(
                    size: UInt32(MemoryLayout<kcs_action_result>.size),
                    outcome: index < outcomes.count ? outcomes[index] : 0, action: places[2 * index],
                    detail: places[2 * index + 1]))
            pointers.append(UnsafePointer(records + index))
        }
        pointers.withUnsafeBufferPointer { pointers in
            let base = pointers.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<UInt>.alignment)!
            stage.calling("done of actions_run") { done(context, base, UInt64(list.count)) }
        }
        for place in places { place.deallocate() }
        records.deallocate()
    }
}
