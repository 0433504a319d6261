// SPDX-License-Identifier: Apache-2.0
import CLinux
import CTestSupport
import LinuxIO

/// A program that a test runs, with its standard error read line by line. It is killed when its owner lets go of it.
public final class Program {
    /// The process.
    public let identifier: Int32
    private let errors: FileDescriptor
    private let output: FileDescriptor
    private var text: [UInt8] = []
    private var cursor = 0
    private var ending: Ending?
    private var sent: Int32?

    /// How it ended.
    public enum Ending: Equatable, Sendable {
        /// With that exit status.
        case exited(Int32)
        /// By that signal.
        case signalled(Int32)
        /// It did not, and was killed.
        case hung
    }

    /// How long anything may take before a test gives up: far more than it does.
    public static let patience: Int32 = 20_000

    /// Starts a program. `environment` comes on top of the test's own, without what a service manager would set;
    /// `passed` become its descriptors 3 and up.
    public init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], passed: [Int32] = []
    ) throws {
        var errorPipe: [Int32] = [0, 0]
        var outputPipe: [Int32] = [0, 0]
        guard pipe2(&errorPipe, O_CLOEXEC) == 0, pipe2(&outputPipe, O_CLOEXEC) == 0 else {
            throw SystemError(.current, "pipe2")
        }
        errors = FileDescriptor(owning: errorPipe[0])
        output = FileDescriptor(owning: outputPipe[0])
        defer {
            close(errorPipe[1])
            close(outputPipe[1])
        }
        var files = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&files)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&files)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&files, outputPipe[1], 1)
        posix_spawn_file_actions_adddup2(&files, errorPipe[1], 2)
        for (index, descriptor) in passed.enumerated() {
            posix_spawn_file_actions_adddup2(&files, descriptor, Int32(3 + index))
        }
        // A test runner's threads block signals, and a child would inherit that.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        identifier = try Program.spawn(path, [path] + arguments, environment, &files, &attributes)
    }

    deinit {
        if ending == nil {
            _ = kill(identifier, SIGKILL)
            var status: Int32 = 0
            _ = ts_wait(identifier, Program.patience, &status)
        }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String],
        _ files: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t
    ) throws -> Int32 {
        let managed = [
            "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "JOURNAL_STREAM", "WATCHDOG_USEC",
        ]
        var variables: [String] = []
        var entry = cl_environment()
        while let variable = entry?.pointee {
            let text = String(cString: variable)
            let name = String(text.prefix { $0 != "=" })
            if environment[name] == nil && !managed.contains(name) { variables.append(text) }
            entry = entry?.advanced(by: 1)
        }
        // A left-over backtracer would keep the pipe open.
        variables.append("SWIFT_BACKTRACE=enable=no")
        for (name, value) in environment { variables.append("\(name)=\(value)") }
        var list: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var block: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in list + block { free(text) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, path, &files, &attributes, &list, &block)
        guard result == 0 else { throw SystemError(Errno(rawValue: result), "posix_spawn", path) }
        return process
    }

    /// Sends a signal.
    public func signal(_ number: Int32) {
        _ = kill(identifier, number)
        sent = number
    }

    /// qemu-user loses a signal for a signalfd that comes while the program computes: it is sent again.
    public static let losesSignals = getenv("KCSMUX_QEMU") != nil
    /// After so many milliseconds.
    public static let resendsAfter: Int32 = 3_000

    /// Has it ended? Does not wait.
    public var isRunning: Bool { ending == nil && !take(within: 0) }

    /// Waits for its end.
    @discardableResult
    public func wait(within milliseconds: Int32 = Program.patience) -> Ending {
        var left = milliseconds
        while Self.losesSignals, let sent, ending == nil, left > Self.resendsAfter, !take(within: Self.resendsAfter) {
            left -= Self.resendsAfter
            _ = kill(identifier, sent)
        }
        if ending == nil && !take(within: left) {
            _ = kill(identifier, SIGKILL)
            _ = take(within: Program.patience)
            ending = .hung
        }
        while fill(0) {}
        return ending ?? .hung
    }

    private func take(within milliseconds: Int32) -> Bool {
        var status: Int32 = 0
        guard ts_wait(identifier, milliseconds, &status) == 1 else { return false }
        ending = cl_exited(status) != 0 ? .exited(cl_exit_status(status)) : .signalled(cl_termination_signal(status))
        return true
    }

    /// Everything that was read of its standard error up to now.
    public var log: String {
        while fill(0) {}
        return String(decoding: text, as: UTF8.self)
    }

    /// Its standard output, once it has ended.
    public func standardOutput() -> String {
        wait()
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while Program.isReadable(output.raw, 0),
            case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(output.raw, into: $0) }), count > 0
        {
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits until its standard output begins with a text, which is taken. False when it begins with another, or ends.
    public func says(_ expected: String, within milliseconds: Int32 = Program.patience) -> Bool {
        for byte in expected.utf8 {
            var next: UInt8 = 0
            guard Program.isReadable(output.raw, milliseconds),
                case .success(1) = withUnsafeMutableBytes(of: &next, { Syscalls.read(output.raw, into: $0) }),
                next == byte
            else { return false }
        }
        return true
    }

    /// Waits for a line of standard error with all of `parts` in it, behind those that were waited for before. Nil when
    /// it does not come.
    @discardableResult
    public func line(_ parts: String..., within milliseconds: Int32 = Program.patience) -> String? {
        let deadline = Clock.monotonic + UInt64(milliseconds) * 1_000_000
        while true {
            while let end = text[cursor...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: text[cursor..<end], as: UTF8.self)
                cursor = end + 1
                if parts.allSatisfy({ line.contains($0) }) { return line }
            }
            let now = Clock.monotonic
            guard now < deadline, fill(Int32(clamping: (deadline - now) / 1_000_000 + 1)) else { return nil }
        }
    }

    private static func isReadable(_ descriptor: Int32, _ milliseconds: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, milliseconds) == 1
    }

    private func fill(_ milliseconds: Int32) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        guard Program.isReadable(errors.raw, milliseconds),
            case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(errors.raw, into: $0) }), count > 0
        else { return false }
        text.append(contentsOf: chunk[..<count])
        return true
    }

    /// Processor time that it has used, in clock ticks.
    public var processorTicks: UInt64 {
        guard let bytes = try? Syscalls.readFile("/proc/\(identifier)/stat", limit: 4096) else { return 0 }
        // The second field, the name, is in parentheses and may hold spaces.
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return 0 }
        return user + system
    }

    /// Processor time that its threads have used, in nanoseconds.
    public var processorTime: UInt64 {
        tasks.reduce(0) { sum, thread in
            let fields = Program.text("/proc/\(identifier)/task/\(thread)/schedstat").split(separator: " ")
            return sum + (fields.first.flatMap { UInt64($0) } ?? 0)
        }
    }

    /// How often each of its threads has gone to sleep of its own accord, which is how often it woke, by thread.
    public var wakeUps: [Int32: UInt64] {
        var result: [Int32: UInt64] = [:]
        for thread in tasks {
            let lines = Program.text("/proc/\(identifier)/task/\(thread)/status").split(separator: "\n")
            let line = lines.first { $0.hasPrefix("voluntary_ctxt_switches:") }
            result[thread] = line?.split(separator: "\t").last.flatMap { UInt64($0) }
        }
        return result
    }

    private var tasks: [Int32] {
        ((try? Syscalls.list("/proc/\(identifier)/task")) ?? []).compactMap { Int32($0) }
    }

    private static func text(_ path: String) -> String {
        (try? Syscalls.readFile(path, limit: 1 << 14)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
