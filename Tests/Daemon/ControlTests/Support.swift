// SPDX-License-Identifier: Apache-2.0
//
// A daemon as its users run it, on simulated devices, and somebody who talks to it. Every wait is for an event and has a
// deadline.
import CLinux
import JSON
import LinuxIO
import Testing

/// Full counts, or about one in a hundred.
let long = CurrentProcess.environment("KCSMUX_LONG") == "1"
/// What a wait may take before the test fails, in milliseconds. A loaded machine is slow; nothing is gated on it.
let deadline: Int32 = 60_000

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A folder that goes when the test does; others may enter it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/kcsmux-control-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
        chmod(path, 0o755)
    }

    deinit { _ = try? Program.run(["/bin/rm", "-rf", path]) }

    @discardableResult
    func write(_ name: String, _ text: String) -> String {
        let path = self.path + "/" + name
        let file = try! Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        _ = Array(text.utf8).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        return path
    }

    func bytes(_ name: String) -> [UInt8] { (try? Syscalls.readFile(path + "/" + name, limit: 1 << 26)) ?? [] }

    func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }
}

/// Other programs.
struct Program {
    let process: pid_t

    /// The programs under test: in $KCSMUX_BIN, or beside the test executable.
    static let folder = CurrentProcess.environment("KCSMUX_BIN") ?? Path.parent(of: CurrentProcess.executable!)
    static let kcsmuxd = folder + "/kcsmuxd"
    static let kcsctl = folder + "/kcsctl"

    /// Finds a program of the system.
    static func find(_ name: String) -> String? {
        for folder in (CurrentProcess.environment("PATH") ?? "").split(separator: ":") {
            let path = "\(folder)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Starts a program. `descriptors` are its own numbers and ours that become them.
    static func start(
        _ words: [String], descriptors: [(Int32, Int32)] = [], environment: [String] = []
    ) throws -> Program {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (theirs, ours) in descriptors { posix_spawn_file_actions_adddup2(&actions, ours, theirs) }
        var process: pid_t = 0
        var variables: [String] = []
        var entry = cl_environment()
        while let text = entry?.pointee {
            variables.append(String(cString: text))
            entry = entry?.advanced(by: 1)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var values: [UnsafeMutablePointer<CChar>?] = (environment + variables).map { strdup($0) } + [nil]
        defer { for word in arguments + values { free(word) } }
        // A test runner's threads block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let failure = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, &values)
        guard failure == 0 else { throw TestFailure("\(words[0]): \(String(cString: strerror(failure)))") }
        return Program(process: process)
    }

    /// Waits for its end: the exit status, or minus the signal.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1 && Errno.current == .interrupted {}
        return cl_exited(status) != 0 ? cl_exit_status(status) : -cl_termination_signal(status)
    }

    struct Result {
        let status: Int32
        let output: [UInt8]
        let errors: String
        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// Runs a program to its end. Its input is `input`, or nothing.
    static func run(_ words: [String], input: [UInt8] = [], environment: [String] = []) throws -> Result {
        let files = try (0..<3).map { _ in try memory() }
        defer { for file in files { close(file) } }
        _ = input.withUnsafeBytes { Syscalls.writeAll(files[0], $0) }
        lseek(files[0], 0, SEEK_SET)
        let program = try start(
            words, descriptors: [(0, files[0]), (1, files[1]), (2, files[2])], environment: environment)
        let status = program.wait()
        return Result(
            status: status, output: contents(files[1]), errors: String(decoding: contents(files[2]), as: UTF8.self))
    }

    /// An open file without a name.
    private static func memory() throws -> Int32 {
        var template = Array("/tmp/kcsmux-control-XXXXXX".utf8CString)
        let file = mkostemp(&template, O_CLOEXEC)
        guard file >= 0 else { throw TestFailure("mkostemp: \(Errno.current.description)") }
        unlink(template)
        return file
    }

    private static func contents(_ file: Int32) -> [UInt8] {
        lseek(file, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case .success(let count) = chunk.withUnsafeMutableBytes({ Syscalls.read(file, into: $0) }), count > 0 {
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }
}

/// A running kcsmuxd.
final class Daemon {
    let folder: TemporaryFolder
    let socket: String
    private let program: Program
    private var isOver = false

    /// Starts kcsmuxd on a file with `channels` (YAML of the list) and waits until it is ready.
    init(
        _ channels: String, control: String? = nil, top: String = "", folder: TemporaryFolder = TemporaryFolder(),
        environment: [String] = [], wrapper: [String] = [], descriptors: [(Int32, Int32)] = []
    ) throws {
        self.folder = folder
        socket = folder.path + "/run/control.sock"
        let file = folder.write("kcsmux.yaml", Self.file(folder, channels, control: control, top: top))
        let notify = folder.path + "/notify"
        unlink(notify)
        let listener = CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        guard case .success = UnixSocket.bind(listener, notify, abstract: false) else {
            throw TestFailure("bind \(notify)")
        }
        let log = try Syscalls.open(folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        program = try Program.start(
            wrapper + [Program.kcsmuxd, "--config", file], descriptors: [(2, log.raw)] + descriptors,
            environment: ["NOTIFY_SOCKET=\(notify)"] + environment)
        try waitUntilReady(listener)
    }

    static func file(_ folder: TemporaryFolder, _ channels: String, control: String? = nil, top: String = "") -> String
    {
        let control = control ?? "{socket: \(folder.path)/run/control.sock}"
        return """
            version: 1
            state_directory: \(folder.path)/state
            control: \(control)
            capture: {directory: \(folder.path)/capture}
            \(top)
            channels:
            \(channels.replacingFolder(folder.path))
            """
    }

    private func waitUntilReady(_ listener: Int32) throws {
        // The process's end is an event too.
        let end = pidfd(program.process)
        defer { close(end) }
        while true {
            var requests = [
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
                pollfd(fd: end, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&requests, 2, deadline) > 0 else { throw TestFailure("kcsmuxd was not ready in time: \(log)") }
            guard requests[0].revents != 0 else {
                isOver = true
                throw TestFailure("kcsmuxd ended with \(program.wait()): \(log)")
            }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(listener, &bytes, bytes.count, 0)
            if count > 0, String(decoding: bytes[..<count], as: UTF8.self).hasPrefix("READY=1") { return }
        }
    }

    var log: String { folder.text("log") }

    var process: pid_t { program.process }

    /// Asks it to stop; its exit status.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        isOver = true
        kill(program.process, signal)
        return program.wait()
    }

    /// Waits for its end without asking for it.
    func waitForEnd() -> Int32 {
        isOver = true
        return program.wait()
    }

    deinit { if !isOver { stop(SIGKILL) } }

    /// Runs kcsctl on its socket.
    func kcsctl(_ words: String...) throws -> Program.Result {
        try Program.run([Program.kcsctl, "--socket", socket] + words)
    }

    /// A new connection.
    func connect() throws -> Client { try Client(socket) }

    /// One request on a connection of its own.
    func ask(_ request: JSONValue) throws -> JSONValue { try connect().ask(request) }

    /// Resident memory in KiB.
    var memory: Int {
        let text = String(
            decoding: (try? Syscalls.readFile("/proc/\(process)/status", limit: 1 << 16)) ?? [], as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
        }
        return 0
    }

    /// Open descriptors.
    var descriptors: Int { (try? Syscalls.list("/proc/\(process)/fd"))?.count ?? 0 }
}

extension String {
    /// "@" stands for the test's folder.
    fileprivate func replacingFolder(_ path: String) -> String {
        split(separator: "@", omittingEmptySubsequences: false).joined(separator: path)
    }
}

/// A descriptor that can be read once a process has ended.
func pidfd(_ process: pid_t) -> Int32 { Int32(truncatingIfNeeded: cl_process_descriptor(process)) }

/// Waits until a descriptor can be read.
func wait(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, deadline) > 0
}

/// A connection to the control socket.
final class Client {
    let socket: FileDescriptor
    private var received: [UInt8] = []

    init(_ path: String) throws {
        socket = try UnixSocket.stream(blocking: true)
        if case .failure(let errno) = UnixSocket.connect(socket.raw, path, abstract: false) {
            throw TestFailure("connect \(path): \(errno.description)")
        }
    }

    /// Sends as much as the other end takes; false when that is not all.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { CLinux.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// The next line; nil at the end of the connection.
    func line() throws -> [UInt8]? {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = Array(received[..<end])
                received.removeSubrange(...end)
                return line
            }
            guard let more = try bytes() else { return nil }
            received.append(contentsOf: more)
        }
    }

    /// What came behind the last line, or comes next; nil at the end of the connection.
    func next() throws -> [UInt8]? {
        guard received.isEmpty else {
            defer { received = [] }
            return received
        }
        return try bytes()
    }

    /// What comes next; nil at the end of the connection.
    private func bytes() throws -> [UInt8]? {
        guard wait(socket.raw) else { throw TestFailure("nothing came in time") }
        var chunk = [UInt8](repeating: 0, count: 65536)
        switch chunk.withUnsafeMutableBytes({ Syscalls.read(socket.raw, into: $0) }) {
        case .success(0), .failure: return nil
        case .success(let count): return Array(chunk[..<count])
        }
    }

    /// Exactly so many bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard let more = try bytes() else { throw TestFailure("\(received.count) of \(count) bytes came") }
            received.append(contentsOf: more)
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    /// All that comes until the connection ends.
    func rest() throws -> [UInt8] {
        var bytes = received
        while let more = try self.bytes() { bytes.append(contentsOf: more) }
        return bytes
    }

    /// The next line as an object.
    func answer() throws -> JSONValue {
        guard let line = try line() else { throw TestFailure("the connection ended without an answer") }
        return try JSONReader.read(line, limits: JSONLimits(bytes: 1 << 24, depth: 16, members: 1000))
    }

    func ask(_ request: JSONValue) throws -> JSONValue {
        send(request.line)
        return try answer()
    }
}

/// A channel with the handler `echo` on a simulated device in the test's folder.
func echoChannel(_ name: String = "echo", _ more: String = "") -> String {
    """
      - name: \(name)
        device: {type: sim, path: "@/\(name)"}
        plugin: echo
    \(more.isEmpty ? "" : "    \(more)\n")
    """
}
