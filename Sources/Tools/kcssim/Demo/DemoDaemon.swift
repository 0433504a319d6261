// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: argument lists of the child are C memory for the length of one call.
import CLinux
import LinuxIO
import Simulator

/// A kcsmuxd that runs in a folder of its own, its log read line by line.
final class DemoDaemon {
    /// Where it runs: devices, log and captures.
    let folder: String
    private let process: Int32
    private let log: Int32
    private var text: [UInt8] = []
    private var lines: [String] = []

    /// Starts the kcsmuxd that stands beside this program, and waits until it says that it is ready.
    static func start(config: String?, timeout: UInt64) throws -> DemoDaemon {
        let tools = Path.parent(of: CurrentProcess.executable ?? ".")
        let program = tools + "/kcsmuxd"
        guard (try? Syscalls.stat(program)) != nil else {
            throw HostFailure("\(program) is not there: build it first, with swift build")
        }
        let file = try config.map(absolute) ?? findConfiguration(tools)
        let folder = try TemporaryFolder.make("kcsmux-demo")
        let ready = try Notification(folder)
        let daemon = try DemoDaemon(program, ["--config", file], folder: folder, notify: ready.path)
        guard ready.wait(for: "READY=1", timeout: timeout) else {
            _ = daemon.stop()
            throw HostFailure("kcsmuxd did not get ready:\n\(daemon.lines.joined(separator: "\n"))")
        }
        return daemon
    }

    private static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { throw DemoDaemon.failure(.current, "getcwd") }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }

    fileprivate static func failure(_ errno: Errno, _ operation: String, _ subject: String = "") -> HostFailure {
        HostFailure(SystemError(errno, operation, subject).description)
    }

    /// In the source tree that this program was built in, or installed beside it.
    private static func findConfiguration(_ tools: String) throws -> String {
        var folder = tools
        while folder != "/" {
            let candidate = folder + "/config/demo.yaml"
            if (try? Syscalls.stat(candidate)) != nil { return candidate }
            folder = Path.parent(of: folder)
        }
        throw HostFailure("config/demo.yaml is in no folder above \(tools): name it with --config")
    }

    private init(_ program: String, _ arguments: [String], folder: String, notify: String) throws {
        self.folder = folder
        var pipes: [Int32] = [-1, -1]
        guard pipe2(&pipes, O_CLOEXEC) == 0 else { throw DemoDaemon.failure(.current, "pipe2") }
        log = pipes[0]
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        posix_spawn_file_actions_adddup2(&files, pipes[1], 2)
        posix_spawn_file_actions_addchdir_np(&files, folder)
        setenv("NOTIFY_SOCKET", notify, 1)
        var child: pid_t = 0
        var list = ([program] + arguments).map { strdup($0) } + [nil]
        let result = posix_spawn(&child, program, &files, nil, &list, cl_environment())
        for argument in list { free(argument) }
        posix_spawn_file_actions_destroy(&files)
        unsetenv("NOTIFY_SOCKET")
        close(pipes[1])
        guard result == 0 else { throw DemoDaemon.failure(Errno(rawValue: result), "posix_spawn", program) }
        process = child
    }

    deinit { close(log) }

    /// The first line from `first` on that contains `words`, waited for; nil when the time is over.
    func line(containing words: String, from first: Int = 0, timeout: UInt64) -> String? {
        let deadline = Clock.monotonic &+ timeout
        while true {
            if let found = lines.dropFirst(first).first(where: { $0.contains(words) }) { return found }
            guard readMore(until: deadline) else { return nil }
        }
    }

    /// Lines read so far.
    var lineCount: Int { lines.count }

    private func readMore(until deadline: UInt64) -> Bool {
        let now = Clock.monotonic
        guard now < deadline else { return false }
        var request = pollfd(fd: log, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { return false }
        var chunk = [UInt8](repeating: 0, count: 4096)
        guard case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(log, into: $0) }), count > 0
        else {
            return false
        }
        text.append(contentsOf: chunk[..<count])
        while let end = text.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: text[..<end], as: UTF8.self))
            text.removeFirst(end + 1)
        }
        return true
    }

    /// Asks it to stop, and tells its exit status, or minus the signal that ended it. Its log stays in its folder.
    func stop() -> Int32 {
        kill(process, SIGTERM)
        while readMore(until: Clock.monotonic + 10_000_000_000) {}
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && Errno.current == .interrupted {}
        let log = Array((lines.joined(separator: "\n") + "\n").utf8)
        if let file = try? Syscalls.open(folder + "/kcsmuxd.log", O_WRONLY | O_CREAT, mode: 0o600) {
            _ = log.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        }
        return cl_exited(status) != 0 ? cl_exit_status(status) : -cl_termination_signal(status)
    }
}

/// The service manager's end of the notification socket.
private final class Notification {
    let path: String
    private let socket: Int32

    init(_ folder: String) throws {
        path = folder + "/notify.sock"
        socket = CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw DemoDaemon.failure(.current, "socket") }
        if case .failure(let errno) = UnixSocket.bind(socket, path, abstract: false) {
            throw DemoDaemon.failure(errno, "bind", path)
        }
    }

    deinit { close(socket) }

    func wait(for words: String, timeout: UInt64) -> Bool {
        let deadline = Clock.monotonic &+ timeout
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let now = Clock.monotonic
            guard now < deadline else { return false }
            var request = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { return false }
            guard case .success(let count) = buffer.withUnsafeMutableBytes({ Syscalls.read(socket, into: $0) })
            else {
                return false
            }
            if String(decoding: buffer[..<count], as: UTF8.self).contains(words) { return true }
        }
    }
}
