// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: argument lists and spawn attributes are C memory for the length of one call.
import CLinux

/// A program that this process started. It has no signal blocked or ignored, and no descriptors but those that were named.
public struct ChildProcess: Equatable, Sendable {
    /// Its number; with a group of its own, that one's too.
    public let identifier: Int32

    /// How it ended.
    public enum Ending: Equatable, Sendable {
        /// With that exit status.
        case exited(Int32)
        /// By that signal.
        case signalled(Int32)
    }

    /// What a program is started with.
    public struct Setup {
        /// `NAME=value`, each; nil: this process's own.
        public var environment: [String]?
        /// Where it runs; nil: where this process does.
        public var folder: String?
        /// Is it in a process group of its own, to be ended with all that it starts?
        public var hasOwnGroup = false
        /// Descriptors of this process, and the numbers that they have in the program.
        public var descriptors: [(from: Int32, to: Int32)] = []
        /// Does it read from nothing?
        public var hasNoInput = false

        /// As this process runs.
        public init() {}
    }

    /// Starts the program of that path. The corresponding C function is `posix_spawn`.
    public static func start(_ program: String, _ arguments: [String], _ setup: Setup) -> Result<ChildProcess, Errno> {
        var attributes = posix_spawnattr_t()
        var files = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&files)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&files)
        }
        var (none, all) = (sigset_t(of: []), sigset_t.all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = setup.hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))
        if setup.hasNoInput { posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) }
        for pair in setup.descriptors { posix_spawn_file_actions_adddup2(&files, pair.from, pair.to) }
        if let folder = setup.folder { posix_spawn_file_actions_addchdir_np(&files, folder) }

        let list = CStrings([program] + arguments)
        let environment = setup.environment.map { CStrings($0) }
        var process: pid_t = 0
        let result = posix_spawn(
            &process, program, &files, &attributes, list.pointers,
            environment.map { UnsafePointer($0.pointers) } ?? cl_environment())
        withExtendedLifetime((list, environment)) {}
        guard result == 0 else { return .failure(Errno(rawValue: result)) }
        return .success(ChildProcess(identifier: process))
    }

    /// Has it ended? It stays there until it is waited for, and its number its own.
    /// The corresponding C function is `waitid(WNOWAIT)`.
    public var hasEnded: Bool { cl_has_ended(identifier) != 0 }

    /// Waits until it has ended, or that time of `Clock.monotonic` has come. False: it lives on.
    public func hasEnded(by deadline: UInt64) -> Bool {
        guard let descriptor = try? Descriptors.process(identifier) else {
            while !hasEnded && Clock.monotonic < deadline { Clock.sleep(1_000_000) }
            return hasEnded
        }
        return Poll.isReadable(descriptor.raw, until: deadline)
    }

    /// Waits for its end, once. The corresponding C function is `waitpid`.
    public func wait() -> Result<Ending, Errno> {
        var status: Int32 = 0
        return retryingInterrupts { waitpid(identifier, &status, 0) }.map { _ in
            cl_exited(status) != 0 ? .exited(cl_exit_status(status)) : .signalled(cl_termination_signal(status))
        }
    }

    /// Sends it a signal; with `group` all that it started, too.
    public func send(_ signal: Int32, group: Bool = false) { _ = Signals.send(signal, to: identifier, group: group) }
}

/// Strings as C wants a list of them, freed with the object.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        pointers.initialize(repeating: nil, count: count + 1)
        for (index, text) in strings.enumerated() { pointers[index] = text.withCString { strdup($0) } }
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
