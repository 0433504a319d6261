// SPDX-License-Identifier: Apache-2.0
import Events
import LinuxIO
import Schema

/// Runs a list of actions, one after the other, without blocking the loop. An action that fails, or takes too long, is
/// followed by its `else`; the list goes on in any case.
final class ActionRunner {
    /// What an action came to.
    struct Outcome {
        let action: String
        let result: Result
        let detail: String

        enum Result: UInt32 {
            case ok = 0
            case failed = 1
            case timedOut = 2
        }

        /// "exec /x failed (exit status 3)".
        var text: String {
            let word = result == .ok ? "ok" : result == .failed ? "failed" : "timed out"
            return detail.isEmpty ? "\(action) \(word)" : "\(action) \(word) (\(detail))"
        }
    }

    /// What actions need of the daemon.
    struct Services {
        let loop: EventLoop
        let log: Log
        let programs: Programs
        let sysrq: () -> Sysrq
        /// Dumps captures, all or the channel's; tells nil, or why it failed.
        let capture: (_ channel: String, _ all: Bool, _ done: @escaping (String?) -> Void) -> Void
    }

    private final class Pause: LoopTimer {
        let end: () -> Void
        init(_ end: @escaping () -> Void) {
            self.end = end
            super.init()
        }
        override func fire(now: UInt64) { end() }
    }

    private let services: Services
    private let channel: String
    private let done: ([Outcome]) -> Void
    private var outcomes: [Outcome] = []
    private var left: [Action]

    /// A run of `actions` for a channel; `done` is told each outcome.
    init(_ actions: [Action], channel: String, _ services: Services, done: @escaping ([Outcome]) -> Void) {
        left = actions.reversed()
        self.channel = channel
        self.services = services
        self.done = done
    }

    /// Starts. The runner keeps itself alive until it is done; nothing is told before this call has returned.
    func start() { services.loop.mailbox.post { self.next() } }

    private func next() {
        guard !services.programs.isStopping, let action = left.popLast() else { return done(outcomes) }
        let name = action.kind.words
        perform(action.kind) { [self] result, detail in
            outcomes.append(Outcome(action: name, result: result, detail: detail))
            if result != .ok { left.append(contentsOf: action.otherwise.reversed()) }
            next()
        }
    }

    private func perform(_ kind: Action.Kind, _ end: @escaping (Outcome.Result, String) -> Void) {
        switch kind {
        case .log(let text):
            services.log.write(.notice, channel, text)
            end(.ok, "")
        case .capture(let all):
            services.capture(channel, all) { failure in end(failure == nil ? .ok : .failed, failure ?? "") }
        case .sysrq(let letter):
            services.sysrq().trigger(letter) { failure in end(failure == nil ? .ok : .failed, failure ?? "") }
        case .exec(let arguments, let timeout):
            services.programs.run(arguments, timeout: timeout) { ending in
                switch ending {
                case .exited(0): end(.ok, "")
                case .timedOut: end(.timedOut, ending.text)
                default: end(.failed, ending.text)
                }
            }
        case .wait(let nanoseconds):
            services.loop.set(Pause { end(.ok, "") }, deadline: Clock.monotonic &+ nanoseconds)
        }
    }
}
