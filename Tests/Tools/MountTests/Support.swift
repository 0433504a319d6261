// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxIO
import SimulatedDevice
import Synchronization
import Testing

/// A folder that goes when its owner does.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/kcs-mount-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A count that an acceptance run names, or a hundredth of it.
func repetitions(_ full: Int) -> Int {
    CurrentProcess.environment("KCSMUX_LONG") == "1" ? full : max(1, full / 100)
}

/// Far enough away that only a hang gets there.
var patience: UInt64 { Clock.monotonic + 30_000_000_000 }

/// The program of that name beside the tests' own.
func builtProgram(_ name: String) -> String { Path.parent(of: CurrentProcess.executable ?? "") + "/" + name }

/// Waits until something is so; false when it was not in time.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = patience
    while !condition() {
        if Clock.monotonic > deadline { return false }
        usleep(500)
    }
    return true
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}

/// Why there can be no mounted files here, if so.
let mountObstacle: String? = {
    if access("/dev/fuse", R_OK | W_OK) != 0 { return "/dev/fuse is not there, or not for this user" }
    for name in ["libfuse3.so.3", "libfuse3.so.4"] {
        if case .success = DynamicLibrary.load(name) { return nil }
    }
    return "libfuse3 is not installed"
}()

/// What tests of mounted files carry: they are skipped, visibly, where there can be none.
let onMountedFiles = ConditionTrait.enabled(if: mountObstacle == nil, "\(mountObstacle ?? "")")

/// `kcssim mount`, running.
final class Mount {
    private let folder = TemporaryFolder()
    private let process = Process()

    init(channels: Int = 1, _ options: String...) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: builtProgram("kcssim"))
        process.arguments =
            ["mount", folder.path + "/dev", "--channels", "\(channels)", "--devices", folder.path + "/sim"] + options
        process.standardOutput = output
        try process.run()
        let line = output.fileHandleForReading.readData(ofLength: 6)
        guard line == Data("ready\n".utf8) else { throw POSIXError(.EIO) }
    }

    deinit { stop() }

    var root: String { folder.path }
    var mountpoint: String { folder.path + "/dev" }
    func node(_ kind: String, _ channel: Int = 1) -> String { "\(mountpoint)/\(kind)\(channel)" }
    func device(_ channel: Int = 1) -> String { "\(folder.path)/sim/kcs\(channel)" }
    func host(_ channel: Int = 1) throws -> SimulatedHost { try SimulatedHost(directory: device(channel)) }

    /// Asks the server to end; its exit status.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32 {
        if process.isRunning { _ = kill(process.processIdentifier, signal) }
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// Opens a node, which must work. One that was closed a moment ago may still be on its way out of the kernel.
    func open(_ kind: String, _ channel: Int = 1, _ flags: Int32 = 0) throws -> Node {
        let path = node(kind, channel)
        let deadline = patience
        while true {
            let descriptor = cl_open(path, O_RDWR | O_CLOEXEC | flags, 0)
            if descriptor >= 0 { return Node(descriptor) }
            guard errno == EBUSY, Clock.monotonic < deadline else { throw SystemError(.current, "open", path) }
            usleep(500)
        }
    }
}

/// What a system call answered.
enum Answer: Equatable {
    case bytes([UInt8])
    case count(Int)
    case error(Int32)
}

/// An open node, and nothing between it and the system calls.
final class Node: Sendable {
    let descriptor: Int32
    private let isClosed = Atomic(false)

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close() }

    /// Once only: a second time the number may be another's.
    func close() { if !isClosed.exchange(true, ordering: .relaxed) { _ = CLinux.close(descriptor) } }

    func read(_ count: Int, at offset: Int) -> Answer {
        var buffer = [UInt8](repeating: 0, count: max(count, 1))
        let result = pread(descriptor, &buffer, count, off_t(offset))
        return result < 0 ? .error(cl_errno()) : .bytes(Array(buffer[..<result]))
    }

    /// read(2).
    func read(_ count: Int) -> Answer {
        var buffer = [UInt8](repeating: 0, count: max(count, 1))
        let result = CLinux.read(descriptor, &buffer, count)
        return result < 0 ? .error(cl_errno()) : .bytes(Array(buffer[..<result]))
    }

    func write(_ bytes: [UInt8], at offset: Int) -> Answer {
        let result = pwrite(descriptor, bytes, bytes.count, off_t(offset))
        return result < 0 ? .error(cl_errno()) : .count(result)
    }

    /// write(2).
    func write(_ bytes: [UInt8]) -> Answer {
        let result = CLinux.write(descriptor, bytes, bytes.count)
        return result < 0 ? .error(cl_errno()) : .count(result)
    }

    func setNonBlocking(_ on: Bool) { _ = cl_fcntl(descriptor, F_SETFL, on ? O_RDWR | O_NONBLOCK : O_RDWR) }

    /// poll(2) for in and out.
    func poll(within milliseconds: Int32 = 0, for events: Int32 = POLLIN | POLLOUT) -> Int32 {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return CLinux.poll(&entry, 1, milliseconds) > 0 ? Int32(entry.revents) : 0
    }
}

/// STR of a node.
extension Answer {
    static func byte(_ value: UInt8) -> Answer { .bytes([value]) }
}

/// A system call in a thread of its own.
final class BackgroundCall: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let begun = DispatchSemaphore(value: 0)
    private var result: Answer?
    private var thread: Int32 = 0

    /// Starts it, and waits until it sleeps in the kernel, or has returned.
    init(_ call: @escaping @Sendable () -> Answer) {
        let thread = Foundation.Thread { [self] in
            // A thread inherits its mask, and that of a thread pool's blocks most signals.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGURG)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            self.thread = cl_thread_id()
            begun.signal()
            result = call()
            done.signal()
        }
        thread.start()
        begun.wait()
        _ = eventually { isAsleep || hasReturned }
    }

    private var hasReturned: Bool {
        guard done.wait(timeout: .now()) == .success else { return false }
        done.signal()
        return true
    }

    /// Is it in a system call on a file, and not on a processor?
    private var isAsleep: Bool {
        guard let text = try? String(contentsOfFile: "/proc/self/task/\(thread)/syscall", encoding: .ascii) else {
            return false
        }
        let numbers = [SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_poll, SYS_ppoll]
        return numbers.contains { text.hasPrefix("\($0) ") }
    }

    /// What it answered; nil if it has not after that time.
    func answer(within seconds: Double = 30) -> Answer? {
        guard done.wait(timeout: .now() + seconds) == .success else { return nil }
        done.signal()
        return result
    }

    /// Signals its thread until it returns, by a signal without SA_RESTART.
    func interrupt() -> Answer? {
        _ = Signals.makeInterrupter(SIGURG)
        _ = eventually {
            if hasReturned { return true }
            _ = cl_signal_thread(thread, SIGURG)
            return false
        }
        return answer(within: 0)
    }
}
