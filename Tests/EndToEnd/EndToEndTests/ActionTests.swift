// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct ActionTests {
        private let bench = Bench()

        /// Runs actions by a trigger byte, and answers the audit line.
        private func run(_ actions: String, head: String = "", others: String = "") throws -> String {
            bench.head = head
            try bench.configure(
                bench.channel("debug", "debug-trigger", "options: {cooldown: 0s, actions: {X: \(actions)}}"), others)
            let daemon = try bench.start(running: others.isEmpty ? 1 : 2)
            let host = try bench.host("debug")
            #expect(host.send(0x58, deadline: deadline))
            let line = daemon.line("debug: trigger")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            return line ?? daemon.log
        }

        @Test func actionsRunInOrderWithAResultEach() throws {
            let line = try run(
                "[{log: first}, {exec: [/bin/sh, -c, 'echo 1 >> \(bench.path)/out']}, {wait: 10ms},"
                    + " {exec: [/bin/sh, -c, 'echo 2 >> \(bench.path)/out; exit 3']}, {exec: [/nowhere/x]}]")
            #expect(
                line.contains("log ok; exec /bin/sh ok; wait 10ms ok; exec /bin/sh failed (exit status 3)"), "\(line)")
            #expect(line.contains("exec /nowhere/x failed ("), "\(line)")
            #expect(bench.folder.read("out") == "1\n2\n")
            #expect(bench.daemon?.log.contains("notice debug: first") == true)
        }

        @Test func programThatTakesTooLongIsKilledWithItsGroup() throws {
            let line = try run(
                "[{exec: [/bin/sh, -c, 'sleep 1000 & echo $! > \(bench.path)/child; wait'], timeout: 300ms,"
                    + " else: [{exec: [/bin/sh, -c, 'echo else > \(bench.path)/out']}]}]")
            #expect(line.contains("exec /bin/sh timed out"), "\(line)")
            #expect(line.contains("exec /bin/sh ok"), "the else: \(line)")
            #expect(bench.folder.read("out") == "else\n")
            let child = try #require(bench.folder.read("child").flatMap { Int32($0.dropLast()) })
            // Gone, or a zombie that nobody has reaped: not running. What was killed may take a moment to end.
            func state() -> Substring? {
                guard let stat = try? Syscalls.readFile("/proc/\(child)/stat", limit: 4096) else { return nil }
                return String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ").first
            }
            let end = deadline
            while let found = state(), found != "Z", found != "X", Clock.monotonic < end { CurrentThread.yield() }
            let last = state()
            #expect(last == nil || last == "Z" || last == "X", "\(last ?? "")")
        }

        @Test func stopLetsAProgramEndAndBeginsNothingMore() throws {
            bench.head = "sysrq_path: \(bench.path)/sysrq"
            try bench.folder.write("sysrq", "")
            func channel(_ body: String) -> String {
                bench.channel(
                    "debug", "debug-trigger",
                    "options: {cooldown: 0s, actions: {X: [{exec: [/bin/sh, -c, '\(body)'],"
                        + " else: [{sysrq: b}]}, {sysrq: c}]}}")
            }
            let fifo = "\(bench.path)/fifo"
            #expect(mkfifo(fifo, 0o600) == 0)
            // The one ends when kcsmuxd stops, the other never does.
            for (body, isKilled) in [
                (
                    "echo > \(fifo); while kill -0 $PPID && ! test -e \(bench.path)/go; do :; done; echo end > \(bench.path)/out",
                    false
                ),
                ("trap : TERM INT; echo > \(fifo); sleep 1000 & wait; sleep 1000", true),
            ] {
                try bench.configure(channel(body))
                let daemon = try bench.start()
                #expect(try bench.host("debug").send(0x58, deadline: deadline))
                // The program runs, once its side of the pipe is there.
                let pipe = try Syscalls.open(fifo, O_RDONLY)
                var line = [UInt8](repeating: 0, count: 1)
                _ = line.withUnsafeMutableBytes { Syscalls.read(pipe.raw, into: $0) }
                #expect(line == Array("\n".utf8))
                daemon.signal(SIGTERM)
                #expect(daemon.line("stopping on SIGTERM") != nil)
                if !isKilled { try bench.folder.write("go", "") }
                #expect(daemon.wait() == .exited(0), "\(daemon.log)")
                #expect(daemon.log.contains("killed 1 programs of actions") == isKilled, "\(daemon.log)")
                #expect(bench.folder.read("sysrq") == "", "nothing more is begun: \(daemon.log)")
            }
            #expect(bench.folder.read("out") == "end\n")
        }

        @Test func programFindsWhomItRunsForAndNothingMeantForTheDaemon() throws {
            try bench.configure(
                bench.channel(
                    "debug", "debug-trigger",
                    "options: {cooldown: 0s, actions: {X: [{exec: [/bin/sh, -c, 'env > \(bench.path)/env']}]}}"))
            let daemon = try bench.launch(environment: [
                "NOTIFY_SOCKET": "\(bench.path)/notify", "WATCHDOG_USEC": "1000000000", "LISTEN_FDS": "0",
                "JOURNAL_STREAM": "1:1", "KCSMUX_TEST_OWN": "x", "OTHER": "stays",
            ])
            #expect(daemon.line("debug: running") != nil, "\(daemon.log)")
            #expect(try bench.host("debug").send(0x58, deadline: deadline))
            #expect(daemon.line("debug: trigger") != nil)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
            let names = try #require(bench.folder.read("env")).split(separator: "\n")
            for name in ["KCSMUX_CHANNEL=debug", "KCSMUX_PLUGIN=debug-trigger", "OTHER=stays"] {
                #expect(names.contains { $0 == name }, "\(names)")
            }
            #expect(names.contains { $0.hasPrefix("KCSMUX_TRIGGER=trigger ") }, "\(names)")
            for name in ["NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "JOURNAL_STREAM", "KCSMUX_TEST_OWN"] {
                #expect(!names.contains { $0.hasPrefix(name) }, "\(names)")
            }
        }

        @Test func whatAProgramSaysIsLoggedUpToALimit() throws {
            _ = try run(
                "[{exec: [/bin/sh, -c, 'echo one; echo two >&2; head -c 300000 /dev/zero | tr \"\\\\0\" a; echo']}]")
            let daemon = try #require(bench.daemon)
            #expect(daemon.log.contains("notice debug: sh: one\n"), "\(daemon.log.prefix(2000))")
            #expect(daemon.log.contains("notice debug: sh: two\n"))
            #expect(daemon.log.contains("more bytes of output were dropped"))
            #expect(daemon.log.utf8.count < 40_000)
        }

        @Test func programThatTalksForEverIsStillEndedInTime() throws {
            // In few lines, which the test has to search.
            let words = String(repeating: "y", count: 500)
            let line = try run("[{exec: [/usr/bin/yes, \(words)], timeout: 300ms}, {log: after}]")
            #expect(line.contains("exec /usr/bin/yes timed out"), "\(line)")
            #expect(line.contains("log ok"))
        }

        @Test func elseRunsOnlyAfterAFailure() throws {
            let line = try run(
                "[{exec: [/bin/true], else: [{exec: [/bin/sh, -c, 'echo no > \(bench.path)/out']}]},"
                    + " {exec: [/bin/false], else: [{log: fallback}]}]")
            #expect(line.contains("exec /bin/true ok; exec /bin/false failed (exit status 1); log ok"), "\(line)")
            #expect(bench.folder.read("out") == nil)
        }

        @Test func capturesAreWrittenAndCanBeRead() throws {
            let line = try run("[{capture: channel}, {capture: all}]", others: bench.channel("other"))
            #expect(line.contains("capture channel ok; capture all ok"), "\(line)")
            let names = bench.folder.names("captures").filter { $0.hasSuffix(".pcapng") }
            #expect(names.count == 2, "\(names)")
            #expect(names.contains { $0.hasPrefix("debug-") } && names.contains { $0.hasPrefix("all-") })
            for name in names {
                let path = "captures/\(name)"
                let bytes = try #require(bench.folder.bytes(path))
                #expect(bytes.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]))
                #expect(try Syscalls.stat("\(bench.path)/\(path)").mode & 0o777 == 0o600)
                // The byte that triggered is in it.
                #expect(bytes.contains(0x58))
            }
        }

        @Test func sysrqGoesToTheFileThatIsNamed() throws {
            try bench.folder.write("sysrq", "")
            let line = try run("[{sysrq: c}]", head: "sysrq_path: \(bench.path)/sysrq")
            #expect(line.contains("sysrq c ok"), "\(line)")
            #expect(bench.folder.read("sysrq") == "c")
        }

        @Test(onSimulatedDevices) func sysrqOnASimulatedChannelNeedsItsPath() throws {
            try bench.configure(
                bench.channel("debug", "debug-trigger", "options: {actions: {X: [{log: x, else: [{sysrq: b}]}]}}"))
            let result = try kcsmuxd("--check-config", "--config", bench.file)
            #expect(result.ending == .exited(78))
            #expect(result.errors.contains("sysrq_path"), "\(result.errors)")
        }

        @Test func captureThatCannotBeWrittenSaysWhy() throws {
            try bench.folder.write("captures", "a file, where a folder is to be")
            let line = try run("[{capture: all, else: [{log: nowhere to write}]}]")
            #expect(line.contains("capture all failed ("), "\(line)")
            #expect(line.contains("log ok"), "\(line)")
        }
    }
}
