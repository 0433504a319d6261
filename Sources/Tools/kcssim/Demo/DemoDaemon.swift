// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Simulator

/// A kcsmuxd that runs in a folder of its own, its log read line by line.
final class DemoDaemon {
    /// Where it runs: devices, log and captures.
    let folder: String
    private let process: ChildProcess
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
        return try orFail { () throws(SystemError) in try CurrentProcess.workingFolder() } + "/" + path
    }

    fileprivate static func orFail<Value: ~Copyable>(_ body: () throws(SystemError) -> Value) throws -> Value {
        do throws(SystemError) { return try body() } catch { throw HostFailure(error.description) }
    }

    /// In the source tree that this program was built in, or installed beside it.
    private static func findConfiguration(_ tools: String) throws -> String {
        var folder = tools
        while folder != "/" {
            let candidate = folder + "/config/demo.yaml"
            if (try? Syscalls.stat(candidate)) != nil { return candidate }
            folder = Path.parent(of: folder)
        }
        let installed = Path.parent(of: tools) + "/share/kcsmux/demo.yaml"
        if (try? Syscalls.stat(installed)) != nil { return installed }
        throw HostFailure("config/demo.yaml is in no folder above \(tools), nor is \(installed): name it with --config")
    }

    private init(_ program: String, _ arguments: [String], folder: String, notify: String) throws {
        self.folder = folder
        let pipe = try Self.orFail { () throws(SystemError) in try Descriptors.pipe() }
        log = pipe.input
        var setup = ChildProcess.Setup()
        setup.descriptors = [(from: pipe.output, to: 2)]
        setup.folder = folder
        let others = CurrentProcess.environment.filter { !$0.hasPrefix("NOTIFY_SOCKET=") }
        setup.environment = others + ["NOTIFY_SOCKET=\(notify)"]
        let result = ChildProcess.start(program, arguments, setup)
        Syscalls.close(pipe.output)
        process = try Self.orFail { () throws(SystemError) in try result.get("start", program) }
    }

    deinit { Syscalls.close(log) }

    /// The first line from `first` on that contains `words`, waited for; nil when the time is over.
    func line(containing words: String, from first: Int = 0, timeout: UInt64) -> String? {
        let deadline = Clock.monotonic &+ timeout
        while true {
            if let found = lines.dropFirst(first).first(where: { $0.contains(words) }) { return found }
            guard readMore(until: deadline) else { return nil }
        }
    }

    /// What it has logged so far.
    var said: String { lines.joined(separator: "\n") }

    /// Lines read so far.
    var lineCount: Int { lines.count }

    private func readMore(until deadline: UInt64) -> Bool {
        guard Poll.isReadable(log, until: deadline) else { return false }
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
        process.send(SIGTERM)
        while readMore(until: Clock.monotonic + 10_000_000_000) {}
        let ending = process.wait()
        let log = Array((lines.joined(separator: "\n") + "\n").utf8)
        if let file = try? Syscalls.open(folder + "/kcsmuxd.log", O_WRONLY | O_CREAT, mode: 0o600) {
            _ = log.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        }
        switch ending {
        case .success(.exited(let status)): return status
        case .success(.signalled(let signal)): return -signal
        case .failure(let errno): return errno.rawValue
        }
    }
}

/// The service manager's end of the notification socket.
private final class Notification {
    let path: String
    private let socket: FileDescriptor

    init(_ folder: String) throws {
        let path = folder + "/notify.sock"
        self.path = path
        let made = try DemoDaemon.orFail { () throws(SystemError) in
            let made = try UnixSocket.make(.datagram, blocking: true)
            try UnixSocket.bind(made.raw, path, abstract: false).get("bind", path)
            return made
        }
        socket = made
    }

    func wait(for words: String, timeout: UInt64) -> Bool {
        let deadline = Clock.monotonic &+ timeout
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            guard Poll.isReadable(socket.raw, until: deadline) else { return false }
            guard case .success(let count) = buffer.withUnsafeMutableBytes({ Syscalls.read(socket.raw, into: $0) })
            else {
                return false
            }
            if String(decoding: buffer[..<count], as: UTF8.self).contains(words) { return true }
        }
    }
}
