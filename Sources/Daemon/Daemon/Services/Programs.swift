// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: argument lists and spawn attributes are C memory for the length of one call.
import CLinux
import Events
import LinuxIO

/// Programs that run for handlers and actions: no shell, their own process group, no descriptor but standard ones, output
/// to the daemon's log, and an end in bounded time.
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

    private final class Child: LoopTimer {
        let process: Int32
        let done: (Ending) -> Void
        var isOverdue = false

        init(_ process: Int32, _ done: @escaping (Ending) -> Void) {
            self.process = process
            self.done = done
            super.init()
        }

        override func fire(now: UInt64) {
            isOverdue = true
            _ = kill(-process, SIGKILL)
        }
    }

    private let loop: EventLoop
    private var children: [Child] = []
    /// Is the daemon stopping? Then what was to follow a program is not begun any more: the end of one that is killed is
    /// nobody's failure.
    private(set) var isStopping = false

    init(_ loop: EventLoop) { self.loop = loop }

    /// Starts a program; `done` is called in a later turn, also when it could not be started.
    func run(_ arguments: [String], timeout: UInt64, done: @escaping (Ending) -> Void) {
        if isStopping { return loop.mailbox.post { done(.notStarted(Errno(rawValue: ECANCELED))) } }
        switch spawn(arguments) {
        case .failure(let errno): loop.mailbox.post { done(.notStarted(errno)) }
        case .success(let process):
            let child = Child(process, done)
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
        for child in children {
            var status: Int32 = 0
            guard cl_has_ended(child.process) != 0 else { continue }
            // What the program left behind in its group goes with it; while it is a zombie the number is still its own.
            _ = kill(-child.process, SIGKILL)
            guard waitpid(child.process, &status, 0) == child.process else { continue }
            loop.cancel(child)
            children.removeAll { $0 === child }
            if child.isOverdue {
                child.done(.timedOut)
            } else if cl_exited(status) != 0 {
                child.done(.exited(cl_exit_status(status)))
            } else {
                child.done(.signalled(cl_termination_signal(status)))
            }
        }
    }

    private func spawn(_ arguments: [String]) -> Result<Int32, Errno> {
        var attributes = posix_spawnattr_t()
        var files = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&files)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&files)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&files, 2, 1)

        var list: [UnsafeMutablePointer<CChar>?] = arguments.map { $0.withCString { strdup($0) } }
        list.append(nil)
        defer { for argument in list { free(argument) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, list[0]!, &files, &attributes, list, cl_environment())
        guard result == 0 else { return .failure(Errno(rawValue: result)) }
        Scheduling.releaseFromProcessor(process)
        return .success(process)
    }
}
