// SPDX-License-Identifier: Apache-2.0
//
// Channels that are served by a process of their own: as others while all goes well, and the only ones that their handlers
// can harm.
import CLinux
import Capture
import KCS
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct IsolationTests {
        private let bench = Bench()
        private static let isolated = "isolation: process\nrestart: {backoff: 20ms, backoff_max: 200ms}"

        private func hostile(_ name: String, _ more: String = "") throws -> String {
            bench.channel(name, try bench.build("hostile"), "\(Self.isolated)\n\(more)")
        }

        /// Was the channel served so many times, in whatever order lines came?
        private func runs(_ daemon: Program, _ times: Int) -> Bool {
            let end = deadline
            while daemon.log.split(separator: "\n").count(where: { $0.contains("notice a: running") }) < times {
                guard Clock.monotonic < end else { return false }
                CurrentThread.yield()
            }
            return true
        }

        /// The number of the process that serves a channel's device.
        private func process(of daemon: Program) -> Int32? {
            let children = try? Syscalls.readFile(
                "/proc/\(daemon.identifier)/task/\(daemon.identifier)/children", limit: 4096)
            return children.flatMap { Int32(String(decoding: $0, as: UTF8.self).split(separator: " ").first ?? "") }
        }

        @Test func isolatedChannelServesBytesFromAProcessOfItsOwn() throws {
            try bench.configure(bench.channel("a", "echo", Self.isolated), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let (host, other) = (try bench.host("a"), try bench.host("b"))
            for value in UInt8.min...UInt8.max { #expect(host.exchange(value) == value) }
            #expect(other.exchange(1) == 1)
            let child = try #require(process(of: daemon))
            let status = try bench.control("status", "a")
            #expect(
                status.contains("\"process\":\(child),\"device\"") && status.contains("\"bytes_in\":256"), "\(status)")
            #expect(status.contains("\"stats\":{\"echoed\":256"), "\(status)")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
            #expect(kill(child, 0) != 0, "the process ends with the daemon")
            #expect(daemon.log.split(separator: "\n").count { $0.contains("notice a: stopped") } == 1, "\(daemon.log)")
            #expect(!(try bench.host("a").state.isOpen))
        }

        @Test(arguments: [HostTemperament.linux, .freeipmi, .edk2])
        func isolatedChannelServesMessages(_ temperament: HostTemperament) throws {
            try bench.configure(bench.channel("a", try bench.build("messenger"), Self.isolated))
            try bench.start()
            let host = try bench.host("a")
            for size in [0, 1, 30, 56] {
                let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                let result = host.request(temperament, [0x30 << 2, 1] + data)
                #expect(result == .success([0x31 << 2, 1, 0, 0] + data), "\(result)")
            }
        }

        @Test(
            arguments: [
                (0xE0, "in data", "signal 11 (SIGSEGV)"), (0xE1, "in data", "exit status 3"),
                (0xE2, "in data", "signal 6 (SIGABRT)"), (0xE3, "in data", "signal 6 (SIGABRT)"),
                (0xE5, "in data", "signal 11 (SIGSEGV)"), (0xE4, "in data", "its process"),
                (0xE9, "in data", "exit status 4"),
            ] as [(UInt8, String, String)])
        func endOfItsProcessIsOneChannelsFailure(byte: UInt8, place: String, ending: String) throws {
            try endsAlone(byte, place, ending)
        }

        @Test func processMayNotMakeOthers() throws { try endsAlone(0xEA, "in data", "exit status 5") }

        private func endsAlone(_ byte: UInt8, _ place: String, _ ending: String) throws {
            // Only memory without end may end it by its time.
            bench.head = "hang_timeout: \(byte == 0xE4 ? "300ms" : "5s")"
            try bench.configure(try hostile("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let (host, other) = (try bench.host("a"), try bench.host("b"))
            #expect(host.exchange(0x5D) == 0x5D)
            #expect(host.send(byte, deadline: deadline))
            let line = daemon.line("error a: failed, starting again in 20ms: plugin hostile: its process") ?? daemon.log
            #expect(line.contains(ending) && line.contains(place), "\(line)")
            #expect(other.exchange(2) == 2)
            let dump = try #require(daemon.line("notice a: what led to the failure is in "))
            let bytes = try Syscalls.readFile(String(dump.split(separator: " ").last ?? ""), limit: 1 << 24)
            #expect(bytes.contains(0x5D) && bytes.contains(byte), "the process's last bytes are in the capture")
            #expect(runs(daemon, 2), "\(daemon.log)")
            #expect(host.exchange(3) == 3)
            #expect(other.exchange(4) == 4)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
        }

        @Test(arguments: [0xE6, 0xE7] as [UInt8])
        func processThatDoesNotAnswerIsEnded(byte: UInt8) throws {
            bench.head = "hang_timeout: 200ms"
            try bench.configure(try hostile("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let (host, other) = (try bench.host("a"), try bench.host("b"))
            #expect(host.send(byte, deadline: deadline))
            #expect(daemon.line("error a: failed, starting again") != nil, "\(daemon.log)")
            #expect(daemon.line("a: running") != nil)
            #expect(host.exchange(3) == 3)
            #expect(other.exchange(4) == 4)
        }

        @Test func memoryThatAProcessSharesMayHoldAnything() throws {
            try bench.configure(try hostile("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.exchange(0xE8) == 0xE8)
            daemon.signal(SIGUSR1)
            #expect(daemon.line("captures of all channels are in ") != nil, "\(daemon.log)")
            #expect(host.send(0xE0, deadline: deadline))
            #expect(daemon.line("error a: failed") != nil)
            #expect(daemon.line("what led to the failure") != nil, "\(daemon.log)")
            #expect(runs(daemon, 2), "\(daemon.log)")
            #expect(host.exchange(5) == 5)
            #expect(try bench.host("b").exchange(1) == 1)
        }

        @Test func hostFindsAnErrorWhileNobodyServes() throws {
            let slow = "isolation: process\nrestart: {backoff: 60s}"
            try bench.configure(bench.channel("a", try bench.build("messenger"), slow))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.request(.linux, [0x30 << 2, 1, 7]) == .success([0x31 << 2, 1, 0, 0, 7]))
            kill(try #require(process(of: daemon)), SIGKILL)
            let began = Clock.monotonic
            #expect(host.wait(for: 0xC0, toBe: 0xC0, deadline: deadline), "STATE = ERROR")
            #expect(Clock.monotonic - began < 2_000_000_000)
            #expect(daemon.line("error a: failed, starting again in 1m", "signal 9 (SIGKILL)") != nil, "\(daemon.log)")
            // What the host CPU writes is read away.
            for value in [0x61, 0x18, 0x01] as [UInt8] {
                host.write(value, command: value == 0x61)
                #expect(host.wait(for: 0x02, toBe: 0, deadline: deadline), "IBF is clear again")
            }
            #expect(host.readStatus() & 0xC0 == 0xC0)
            #expect(try bench.control("restart", "a").contains("\"ok\":true"))
            #expect(daemon.line("a: running") != nil, "\(daemon.log)")
            #expect(host.request(.linux, [0x30 << 2, 1, 8]) == .success([0x31 << 2, 1, 0, 0, 8]))
        }

        @Test func roundTripIsThatOfAChannelInTheDaemon() throws {
            try bench.configure(bench.channel("a", "echo", Self.isolated), bench.channel("b"))
            try bench.start(running: 2)
            let hosts = [try bench.host("a"), try bench.host("b")]
            var times: [[UInt64]] = [[], []]
            // In turn, so that what else the machine does meets both.
            for round in 0..<repetitions(1_000_000) {
                let began = Clock.monotonic
                #expect(hosts[round & 1].exchange(UInt8(truncatingIfNeeded: round)) != nil)
                times[round & 1].append(Clock.monotonic - began)
            }
            let medians = times.map { $0.sorted()[$0.count / 2] }
            print("round trip, median: \(medians[0]) ns in a process of its own, \(medians[1]) ns in the daemon")
            #expect(medians[0] < medians[1] * 3 / 2)
        }

        @Test func actionsAreRunByTheDaemon() throws {
            bench.head = "sysrq_path: \(bench.path)/sysrq"
            try bench.folder.write("sysrq", "")
            let actions =
                "[{log: by the daemon}, {exec: [/bin/sh, -c, 'echo $PPID > \(bench.path)/parent']}, {capture: channel},"
                + " {sysrq: h}, {exec: [/bin/false]}]"
            try bench.configure(
                bench.channel(
                    "a", "debug-trigger", "\(Self.isolated)\noptions: {cooldown: 0s, actions: {X: \(actions)}}"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.send(0x58, deadline: deadline))
            let line = daemon.line("notice a: trigger") ?? daemon.log
            #expect(
                line.contains(
                    "log ok; exec /bin/sh ok; capture channel ok; sysrq h ok; exec /bin/false failed (exit status 1)"),
                "\(line)")
            #expect(bench.folder.read("sysrq") == "h")
            #expect(bench.folder.read("parent") == "\(daemon.identifier)\n")
        }

        @Test func reloadMovesAChannelInAndOut() throws {
            try bench.configure(bench.channel("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            for round in 1...2 {
                try bench.configure(bench.channel("a", "echo", Self.isolated))
                daemon.signal(SIGHUP)
                #expect(daemon.line("a: running") != nil, "\(daemon.log)")
                let child = try #require(process(of: daemon), "\(round)")
                #expect(host.exchange(0x21) == 0x21)
                try bench.configure(bench.channel("a"))
                daemon.signal(SIGHUP)
                #expect(daemon.line("a: running") != nil, "\(daemon.log)")
                #expect(kill(child, 0) != 0)
                #expect(host.exchange(0x22) == 0x22)
            }
        }

        @Test func killedDaemonTakesItsProcessesAlong() throws {
            try bench.configure(bench.channel("a", "echo", Self.isolated))
            let daemon = try bench.start()
            let child = try #require(process(of: daemon))
            daemon.signal(SIGKILL)
            #expect(daemon.wait() == .signalled(SIGKILL))
            let end = deadline
            while kill(child, 0) == 0, Clock.monotonic < end { CurrentThread.yield() }
            try bench.start()
            #expect(try bench.host("a").exchange(7) == 7)
        }

        @Test func channelThatCrashesTooOftenStaysDownUntilItIsStarted() throws {
            try bench.configure(
                bench.channel(
                    "a", try bench.build("hostile"),
                    "isolation: process\nrestart: {backoff: 20ms, backoff_max: 200ms, give_up: 3}"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            for pause in ["20ms", "40ms"] {
                #expect(host.send(0xE0, deadline: deadline))
                #expect(daemon.line("a: failed, starting again in \(pause)") != nil, "\(daemon.log)")
                #expect(daemon.line("a: running") != nil)
            }
            #expect(host.send(0xE0, deadline: deadline))
            #expect(
                daemon.line("error a: failed, and stays down", "it has crashed 3 times in an hour") != nil,
                "\(daemon.log)")
            let status = try bench.control("status", "a")
            #expect(status.contains("\"state\":\"failed\"") && status.contains("\"crashes\":3"), "\(status)")
            #expect(try bench.host("b").exchange(1) == 1)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            #expect(bench.folder.read("state/crashes")?.hasPrefix("kcsmux-crashes 1\na hostile ") == true)
            let again = try bench.start()
            #expect(again.log.contains("error a: not started: it has crashed 3 times in an hour"), "\(again.log)")
            #expect(try bench.control("start", "a").contains("\"ok\":true"))
            #expect(again.line("a: running") != nil, "\(again.log)")
            #expect(host.exchange(7) == 7)
        }

        @Test func crashesOfTheDaemonByOneChannelAreCountedOverItsStarts() throws {
            let channel = bench.channel(
                "a", try bench.build("hostile"), "restart: {backoff: 1ms, backoff_max: 200ms, give_up: 2}")
            try bench.configure(channel, bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.send(0xE0, deadline: deadline))
            #expect(daemon.wait() == .signalled(SIGSEGV))
            #expect(daemon.log.contains("error a: plugin hostile: fatal signal SIGSEGV in data"), "\(daemon.log)")
            let second = try bench.start(running: 2)
            #expect(second.log.contains("a: failed, starting again in 1ms"), "\(second.log)")
            #expect(host.send(0xE0, deadline: deadline))
            #expect(second.wait() == .signalled(SIGSEGV))
            let third = try bench.launch()
            #expect(third.line("error a: failed, and stays down", "it has crashed 2 times") != nil, "\(third.log)")
            #expect(third.line("b: running") != nil)
            #expect(try bench.host("b").exchange(1) == 1)
        }

        @Test func oddFileOfCrashesIsNoReasonNotToStart() throws {
            try Syscalls.makeFolders("\(bench.path)/state")
            try bench.folder.write(
                "state/crashes", "kcsmux-crashes 1\na\na echo\n\na echo x 99999999999999999999 -1\nb echo 1 2\n")
            try bench.configure(bench.channel("a"), bench.channel("b"))
            try bench.start(running: 2)
            #expect(try bench.control("status", "a").contains("\"crashes\":0"))
        }

        @Test func processConfinesItself() throws {
            try bench.configure(try hostile("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            let child = try #require(process(of: daemon))
            let status = String(
                decoding: try Syscalls.readFile("/proc/\(child)/status", limit: 8192), as: UTF8.self)
            for line in [
                "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
            ] {
                #expect(status.contains(line), "\(line) in \(status)")
            }
            #expect(status.contains("Seccomp:\t2"), "\(status)")
            for (byte, line) in [
                (0xEB, "program: 129"), (0xEC, "open: 0"), (0xED, "kill: -1"), (0xEE, "socket: 0"),
            ] as [(UInt8, String)] {
                #expect(host.exchange(byte) == byte)
                #expect(daemon.line("a: \(line)") != nil, "\(line) in \(daemon.log)")
            }
            #expect(!daemon.log.contains("program: 0"), "\(daemon.log)")
            #expect(host.exchange(1) == 1)
            #expect(process(of: daemon) == child)
        }
    }
}
