// SPDX-License-Identifier: Apache-2.0
import Common
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

    /// One action on its way. It ends once: by itself, or because its time is up, whatever holds it.
    private final class Attempt: LoopTimer {
        private let loop: EventLoop
        private var done: ((Outcome.Result, String) -> Void)?

        init(_ loop: EventLoop, limit: UInt64, _ done: @escaping (Outcome.Result, String) -> Void) {
            self.loop = loop
            self.done = done
            super.init()
            loop.set(self, deadline: Clock.monotonic &+ limit)
        }

        override func fire(now: UInt64) { end(.timedOut, "") }

        func end(_ result: Outcome.Result, _ detail: String) {
            guard let done else { return }
            self.done = nil
            loop.cancel(self)
            done(result, detail)
        }

        /// Ends with a service's answer: nil, or why it failed.
        func end(_ failure: String?) { end(failure == nil ? .ok : .failed, failure ?? "") }
    }

    private final class Pause: LoopTimer {
        let end: () -> Void
        init(_ end: @escaping () -> Void) {
            self.end = end
            super.init()
        }
        override func fire(now: UInt64) { end() }
    }

    /// A program whose time is up is killed first, and may take a moment to be gone; one that a driver holds is never gone.
    private static let killTime: UInt64 = 2_000_000_000

    private let services: Services
    private let channel: String
    private let context: Programs.Context
    private let done: ([Outcome]) -> Void
    private var outcomes: [Outcome] = []
    private var left: [Action]

    /// A run of `actions` for a channel, by `plugin` because of `cause`; `done` is told each outcome. Lines behind the cause's
    /// first are variables for programs, and in no log: one may be a password.
    init(
        _ actions: [Action], channel: String, plugin: String? = nil, cause: String? = nil, _ services: Services,
        done: @escaping ([Outcome]) -> Void
    ) {
        left = actions.reversed()
        self.channel = channel
        let lines = cause?.lines ?? []
        context = Programs.Context(
            channel: channel, plugin: plugin, trigger: lines.first,
            variables: lines.dropFirst().filter { Programs.Context.isVariable($0) })
        self.services = services
        self.done = done
    }

    /// Starts. The runner keeps itself alive until it is done; nothing is told before this call has returned.
    func start() { services.loop.mailbox.post { self.next() } }

    private func next() {
        guard !services.programs.isStopping, let action = left.popLast() else { return done(outcomes) }
        var limit = action.timeout.nanoseconds
        switch action.kind {
        case .exec, .bus: limit &+= Self.killTime
        case .log, .capture, .sysrq, .wait: break
        }
        let attempt = Attempt(services.loop, limit: limit) { [self] result, detail in
            outcomes.append(Outcome(action: action.kind.words, result: result, detail: detail))
            if result != .ok { left.append(contentsOf: action.otherwise.reversed()) }
            next()
        }
        perform(action, attempt)
    }

    private func perform(_ action: Action, _ attempt: Attempt) {
        switch action.kind {
        case .log(let text):
            services.log.write(.notice, channel, text)
            attempt.end(nil)
        case .capture(let scope): services.capture(channel, scope == .all) { attempt.end($0) }
        case .sysrq(let letter): services.sysrq().trigger(letter) { attempt.end($0) }
        case .exec(let arguments): run(arguments, action.timeout, attempt)
        case .bus(let task): run([Programs.forBus] + task.arguments, action.timeout, attempt)
        case .wait(let time):
            services.loop.set(Pause { attempt.end(nil) }, deadline: Clock.monotonic &+ time.nanoseconds)
        }
    }

    private func run(_ arguments: [String], _ timeout: TimeSpan, _ attempt: Attempt) {
        services.programs.run(arguments, timeout: timeout.nanoseconds, context) { ending in
            switch ending {
            case .exited(0): attempt.end(nil)
            case .timedOut: attempt.end(.timedOut, ending.text)
            default: attempt.end(.failed, ending.text)
            }
        }
    }
}
