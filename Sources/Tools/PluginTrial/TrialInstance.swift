// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: memory that stands for the window.
import CKCSPlugin
import PluginHost
import Schema

/// One instance of the plugin through all its lives: it starts, stops, fails and restarts as the transcript wants it.
final class TrialInstance {
    /// What happened to it, and what it did.
    private(set) var lines: [Trial.Line] = []
    private let plugin: LoadedPlugin
    private let options: Value
    private let capabilities: UInt32
    private let window: UnsafeMutableRawBufferPointer?
    private let stateFolder: String
    private let monitor: CallMonitor
    private let tell: ((Trial.Line) -> Void)?
    private var host: TrialHost?
    private var time: UInt64 = 1_000_000_000

    init(
        _ plugin: LoadedPlugin, options: Value, capabilities: UInt32, windowSize: Int?, stateFolder: String,
        _ monitor: CallMonitor, tell: ((Trial.Line) -> Void)?
    ) {
        self.tell = tell
        self.plugin = plugin
        self.options = options
        self.capabilities = capabilities
        self.stateFolder = stateFolder
        self.monitor = monitor
        window = windowSize.map {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: $0, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            return memory
        }
    }

    deinit { window?.deallocate() }

    /// Performs the step of line `number` of the transcript, which reads `text`.
    func perform(_ step: Step, _ text: String, line number: Int) {
        if lines.isEmpty && !step.isStart {
            // What no line asks for need not be in the transcript either.
            start(.boot, stale: 0)
            collect(number) { !$0.hasPrefix("< input ") }
        }
        add(number, text)
        if case .start(let reason, let stale) = step {
            if host?.isStarted == true {
                host?.record.add("it runs already")
            } else {
                start(reason, stale: stale)
            }
        } else if let host, host.isStarted {
            perform(step, host)
        } else {
            add(number, "< it does not run")
        }
        collect(number)
    }

    /// Stops it if it runs.
    func end(_ reason: Step.Reason = .stop) {
        guard let host else { return }
        time = host.time
        guard host.isStarted else { return }
        host.call("stop") { host.stop(reason: reason.rawValue) }
        host.close()
        host.call("destroy") { host.destroy() }
    }

    /// Each line is told at once: a plugin that ends the process leaves what came before.
    private func add(_ number: Int, _ text: String) {
        let line = Trial.Line(number: number, text: text)
        lines.append(line)
        tell?(line)
    }

    private func collect(_ number: Int, where isWanted: (String) -> Bool = { _ in true }) {
        func take() {
            for text in host?.takeLines() ?? [] where isWanted(text) {
                add(number, text)
            }
        }
        take()
        guard host?.hasFailed == true else { return }
        end(.crash)
        take()
        host = nil
    }

    private func start(_ reason: Step.Reason, stale: UInt32) {
        let host = TrialHost(
            plugin: plugin, options: options, capabilities: capabilities, window: window, time: time,
            record: TrialRecord(), monitor: monitor)
        self.host = host
        guard host.call("create", { host.create() }) else {
            host.record.add("create refused")
            return host.close()
        }
        host.registers.isOpen = true
        let answer = host.call("start") {
            host.start(
                capabilities: capabilities, reason: reason.rawValue, staleBytes: Int(stale), channel: "trial",
                stateFolder: stateFolder)
        }
        if answer < 0 {
            host.record.add("start refused: \(StatusCode.name(answer))")
        } else if let (input, wantsIdle) = host.input(answer) {
            host.registers.input = input
            let name = ["none", "auto", "manual", "messages"][Int(input)]
            host.record.add("input \(name)\(wantsIdle ? ", idle first" : "")")
            return host.runUntilIdle()
        } else {
            host.record.add("start refused: input \(answer) was not declared")
        }
        host.stop(reason: Step.Reason.crash.rawValue)
        host.close()
        host.destroy()
    }

    private func perform(_ step: Step, _ host: TrialHost) {
        switch step {
        case .start: break
        case .stop(let reason): return end(reason)
        case .reset: host.call("reset") { host.tellReset(now: host.time) }
        case .write(let bytes, let isCommand):
            for byte in bytes {
                host.registers.hostWrites(byte, isCommand: isCommand)
                host.runUntilIdle()
            }
        case .read: host.registers.hostReads()
        case .reading(let on): host.registers.isHostReading = on
        case .request(let bytes): host.request(bytes)
        case .abort: host.abort()
        case .wait(let time): host.advance(by: time)
        case .poll:
            if !host.dispatchWatches(within: 5_000) { host.record.add("no watched descriptor became ready") }
        case .ran(let outcome, let code): host.endProgram(outcome: outcome, code: code)
        case .actions(let outcomes): host.endActions(outcomes: outcomes)
        case .dumped(let outcome): host.endDump(outcome: outcome)
        case .stats:
            host.call("stats") {
                host.collectStats(
                    number: { host.record.add("stat \($0.name) \($0.value)") },
                    text: { host.record.add("stat \($0) \($1)") })
            }
        }
        host.runUntilIdle()
    }
}
