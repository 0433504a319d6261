// SPDX-License-Identifier: Apache-2.0
//
// The protocols of a service manager, against real sockets.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

/// A service manager's end of $NOTIFY_SOCKET.
private final class Manager {
    let path: String
    private let socket: FileDescriptor
    private var seen: [String] = []

    init(_ path: String, abstract: Bool = false) throws {
        self.path = path
        socket = FileDescriptor(
            owning: CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        try UnixSocket.bind(socket.raw, path, abstract: abstract).get()
    }

    /// Waits for a message that has a line that begins so, and answers the whole message.
    func message(_ line: String, within milliseconds: Int32 = Program.patience) -> String? {
        let deadline = Clock.monotonic + UInt64(milliseconds) * 1_000_000
        while Clock.monotonic < deadline {
            var request = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, milliseconds) == 1 else { return nil }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = bytes.withUnsafeMutableBytes { recv(socket.raw, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return nil }
            let text = String(decoding: bytes[..<count], as: UTF8.self)
            seen.append(text)
            if text.split(separator: "\n").contains(where: { $0.hasPrefix(line) }) { return text }
        }
        return nil
    }

    var history: [String] { seen }
}

extension EndToEnd {
    @Suite struct SystemdTests {
        private let bench = Bench()

        @Test func readyComesWhenEveryEnabledChannelWasTried() throws {
            try bench.folder.write("libkcs-broken.so", "broken")
            try bench.folder.write("file", "no folder")
            let manager = try Manager("\(bench.path)/notify")
            try bench.configure(
                bench.channel("good"), bench.channel("broken", "\(bench.path)/libkcs-broken.so"),
                bench.channel("disabled", "echo", "enabled: false"),
                """
                  - name: absent
                    device: {type: raw-kcs, path: \(bench.path)/raw-kcs1}
                    plugin: echo
                """)
            let daemon = try bench.launch(environment: ["NOTIFY_SOCKET": manager.path])
            let ready = try #require(manager.message("READY=1"), "\(daemon.log)")
            #expect(ready.contains("STATUS=1 of 3 channels run: broken refused, absent waiting"), "\(ready)")
            // By then all had been tried.
            let log = daemon.log
            #expect(log.contains("good: running") && log.contains("error broken: ") && log.contains("absent: waiting"))
            #expect(!log.contains(" disabled: "))
            daemon.signal(SIGHUP)
            let reloading = try #require(manager.message("RELOADING=1"))
            #expect(reloading.contains("MONOTONIC_USEC="))
            #expect(manager.message("READY=1") != nil)
            daemon.signal(SIGTERM)
            #expect(manager.message("STOPPING=1") != nil)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func watchdogIsFedWhenAskedFor() throws {
            let name = "kcsmux-test-\(CurrentProcess.identifier)"
            let manager = try Manager(name, abstract: true)
            try bench.configure(bench.channel("a"))
            let daemon = try bench.launch(environment: ["NOTIFY_SOCKET": "@\(name)", "WATCHDOG_USEC": "100000"])
            #expect(manager.message("READY=1") != nil)
            for _ in 0..<3 { #expect(manager.message("WATCHDOG=1") != nil) }
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func watchdogOfAnotherProcessIsNotFed() throws {
            let manager = try Manager("\(bench.path)/notify")
            try bench.configure(bench.channel("a"))
            let daemon = try bench.launch(
                environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"])
            #expect(manager.message("READY=1") != nil)
            daemon.signal(SIGTERM)
            #expect(manager.message("STOPPING=1") != nil)
            #expect(!manager.history.contains { $0.contains("WATCHDOG") })
            #expect(daemon.wait() == .exited(0))
        }

        @Test func journalAddsTheTimeItself() throws {
            try bench.configure(bench.channel("a"))
            // Standard error goes to a file here, which the variable names as the journal's stream would be.
            try bench.folder.write("log", "")
            let status = try Syscalls.stat("\(bench.path)/log")
            let stream = "\(status.identity.device):\(status.identity.inode)"
            func run(_ stream: String) throws -> String {
                let manager = try Manager("\(bench.path)/notify\(stream.count)")
                let shell = try Program(
                    "/bin/sh", ["-c", "exec \(programs)/kcsmuxd --config \(bench.file) 2>> \(bench.path)/log"],
                    environment: ["JOURNAL_STREAM": stream, "NOTIFY_SOCKET": manager.path])
                #expect(manager.message("READY=1") != nil)
                shell.signal(SIGTERM)
                #expect(shell.wait() == .exited(0))
                return bench.folder.read("log") ?? ""
            }
            let journal = try run(stream)
            // An emulated processor may be slow enough for a warning.
            let leads = ["<5>notice ", "<4>warning "]
            #expect(
                journal.split(separator: "\n").allSatisfy { line in leads.contains { line.hasPrefix($0) } },
                "\(journal)")
            #expect(journal.contains("<5>notice a: running: "))
            let other = try run("1:2")
            #expect(other.dropFirst(journal.count).first?.isNumber == true, "a time: \(other)")
        }

        @Test func descriptorsThatArePassedHaveNames() throws {
            // A plugin sees its own by name; one that nobody knows does no harm.
            let listener = CLinux.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            #expect(listener >= 0)
            defer { close(listener) }
            let sockets = try CCompiler.library(
                "\(CCompiler.root)/Tests/EndToEnd/EndToEndTests/Plugins/sockets.c",
                to: "\(bench.path)/libkcs-sockets.so")
            try bench.configure(bench.channel("a", sockets))
            // $LISTEN_PID is the daemon's own number, which is known only once it is there.
            let program = try Program(
                "/bin/sh",
                [
                    "-c",
                    "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a.mux:unknown exec \(programs)/kcsmuxd --config \(bench.file)",
                ], passed: [listener, listener])
            #expect(program.line("a: socket mux is 3, other is -4") != nil, "\(program.log)")
            program.signal(SIGTERM)
            #expect(program.wait() == .exited(0))
            let unmanaged = try Program(
                "/bin/sh",
                [
                    "-c",
                    "LISTEN_PID=1 LISTEN_FDS=2 LISTEN_FDNAMES=a.mux:x exec \(programs)/kcsmuxd --config \(bench.file)",
                ],
                passed: [listener, listener])
            #expect(unmanaged.line("a: socket mux is -4, other is -4") != nil, "\(unmanaged.log)")
        }
    }
}
