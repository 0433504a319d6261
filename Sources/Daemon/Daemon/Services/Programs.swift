// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// Programs that run for handlers and actions: no shell, their own process group, no descriptor but standard ones, what they
/// say in the daemon's log, and an end in bounded time.
final class Programs {
    /// How a program ended.
    enum Ending {
        /// With that exit status.
        case exited(Int32)
        /// By that signal.
        case signalled(Int32)
        /// It was killed because its time was up.
        case timedOut
        /// It was never started.
        case notStarted(Errno)

        /// In words, empty for success.
        var text: String {
            switch self {
            case .exited(0): return ""
            case .exited(let status): return "exit status \(status)"
            case .signalled(let signal): return "ended by signal \(signal)"
            case .timedOut: return "did not end in time and was killed"
            case .notStarted(let errno): return errno.description
            }
        }
    }

    /// For whom a program runs. It finds that in its environment, beside the daemon's own but for what is meant for the daemon
    /// alone.
    struct Context {
        /// `$KCSMUX_CHANNEL`: the channel's name.
        var channel: String?
        /// `$KCSMUX_PLUGIN`: the plugin's name.
        var plugin: String?
        /// `$KCSMUX_TRIGGER`: what the plugin says is the cause.
        var trigger: String?
        /// `$KCSMUX_NAME`: what else the plugin says, `NAME=value` each.
        var variables: [String] = []

        /// Is it the text of a variable that a plugin may give? Its name is capitals, digits and underscores.
        static func isVariable(_ text: String) -> Bool {
            for (place, byte) in text.utf8.enumerated() {
                if byte == UInt8(ascii: "=") { return place > 0 }
                guard
                    UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                        || byte == UInt8(ascii: "_")
                else { return false }
            }
            return false
        }

        /// The service manager's words to the daemon.
        private static let notForPrograms = ["NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "JOURNAL_STREAM=", "KCSMUX_"]

        /// `NAME=value`, each.
        var environment: [String] {
            var list = CurrentProcess.environment.filter { entry in
                !Self.notForPrograms.contains { entry.utf8.starts(with: $0.utf8) }
            }
            if let channel { list.append("KCSMUX_CHANNEL=\(channel)") }
            if let plugin { list.append("KCSMUX_PLUGIN=\(plugin)") }
            if let trigger { list.append("KCSMUX_TRIGGER=\(trigger)") }
            return list + variables.map { "KCSMUX_" + $0 }
        }
    }

    private final class Child: LoopTimer {
        let process: ChildProcess
        let output: ProgramOutput
        let done: (Ending) -> Void
        var isOverdue = false

        init(_ process: ChildProcess, _ output: ProgramOutput, _ done: @escaping (Ending) -> Void) {
            self.process = process
            self.output = output
            self.done = done
            super.init()
        }

        override func fire(now: UInt64) {
            isOverdue = true
            process.send(SIGKILL, group: true)
        }
    }

    /// What speaks to the bus for the daemon: beside it, as in a build's folder, or where packages put it.
    static var forBus: String {
        let own = Path.parent(of: CurrentProcess.executable ?? "") + "/kcsmux-dbus"
        return own.withCString { access($0, X_OK) } == 0 ? own : "/usr/libexec/kcsmux/kcsmux-dbus"
    }

    private let loop: EventLoop
    private let log: Log
    /// How many descriptors a program may have, where the daemon itself may have more.
    var descriptorLimit: UInt64?
    private var children: [Child] = []
    /// Is the daemon stopping? Then what was to follow a program is not begun any more: the end of one that is killed is
    /// nobody's failure.
    private(set) var isStopping = false

    init(_ loop: EventLoop, _ log: Log) {
        self.loop = loop
        self.log = log
    }

    /// Starts a program; `done` is called in a later turn, also when it could not be started.
    func run(
        _ arguments: [String], timeout: UInt64, _ context: Context = Context(), done: @escaping (Ending) -> Void
    ) {
        if isStopping { return loop.mailbox.post { done(.notStarted(.canceled)) } }
        let pipe: (input: Int32, output: Int32)
        do throws(SystemError) { pipe = try Descriptors.pipe() } catch {
            let errno = error.errno
            return loop.mailbox.post { done(.notStarted(errno)) }
        }
        let result = start(arguments, context, output: pipe.output)
        Syscalls.close(pipe.output)
        switch result {
        case .failure(let errno):
            Syscalls.close(pipe.input)
            loop.mailbox.post { done(.notStarted(errno)) }
        case .success(let process):
            let output = ProgramOutput(
                owning: pipe.input, of: arguments[0], channel: context.channel, loop, log)
            let child = Child(process, output, done)
            children.append(child)
            loop.set(child, deadline: Clock.monotonic &+ min(timeout, 1 << 62))
        }
    }

    /// The daemon stops: nothing new is begun.
    func stop() { isStopping = true }

    /// Does none run?
    var isIdle: Bool { children.isEmpty }

    /// Kills those that run, each with its group; the answer is how many. `reap` takes them.
    func killAll() -> Int {
        for child in children { child.fire(now: 0) }
        return children.count
    }

    /// To be called on SIGCHLD. Only its own children are waited for.
    func reap() {
        for child in children where child.process.hasEnded {
            // What the program left behind in its group goes with it; while it is a zombie the number is still its own.
            child.process.send(SIGKILL, group: true)
            guard case .success(let ending) = child.process.wait() else { continue }
            loop.cancel(child)
            children.removeAll { $0 === child }
            child.output.end()
            switch ending {
            case _ where child.isOverdue: child.done(.timedOut)
            case .exited(let status): child.done(.exited(status))
            case .signalled(let signal): child.done(.signalled(signal))
            }
        }
    }

    private func start(_ arguments: [String], _ context: Context, output: Int32) -> Result<ChildProcess, Errno> {
        var setup = ChildProcess.Setup()
        setup.hasOwnGroup = true
        setup.hasNoInput = true
        setup.environment = context.environment
        setup.descriptors = [(from: output, to: 1), (from: output, to: 2)]
        let result = ChildProcess.start(arguments[0], Array(arguments.dropFirst()), setup)
        if case .success(let process) = result {
            Scheduling.releaseFromProcessor(process.identifier)
            if let descriptorLimit { ResourceLimit.descriptors.set(descriptorLimit, of: process.identifier) }
        }
        return result
    }
}
