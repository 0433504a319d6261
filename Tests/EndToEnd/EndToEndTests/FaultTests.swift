// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail, hang and crash; devices that are held; processes that are killed.
import CLinux
import Capture
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

extension EndToEnd {
    @Suite struct FaultTests {
        private let bench = Bench()
        private static let fail: UInt8 = 0xF0
        private static let hang: UInt8 = 0xF1
        private static let slow: UInt8 = 0xF3

        private func probe(_ name: String, _ more: String = "") throws -> String {
            bench.channel(name, try bench.build("probe"), "restart: {backoff: 20ms, backoff_max: 1s}\n\(more)")
        }

        @Test(
            arguments: [
                (0xF0, "plugin probe: asked to fail"), (0xF4, "plugin probe: asked to fail, first"),
                (0xF5, "plugin probe: asked to fail in output_ready"),
                (0xF7, "plugin probe: asked to fail with work under way"),
            ] as [(UInt8, String)])
        func failingHandlerStartsAgainAndOthersGoOn(byte: UInt8, text: String) throws {
            try bench.configure(try probe("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let (host, other) = (try bench.host("a"), try bench.host("b"))
            #expect(host.exchange(1) == 1)
            #expect(host.send(byte, deadline: deadline))
            #expect(daemon.line("a: stop: reason 3, STR 0") != nil, "\(daemon.log)")
            #expect(daemon.line("error a: failed, starting again in 20ms: \(text)") != nil, "\(daemon.log)")
            #expect(other.exchange(2) == 2)
            #expect(daemon.line("a: start: reason 3") != nil)
            #expect(daemon.line("a: running") != nil)
            #expect(host.exchange(3) == 3)
            #expect(other.exchange(4) == 4)
            #expect(!daemon.log.contains("second"))
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
        }

        @Test func pausesGrow() throws {
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            for pause in ["20ms", "40ms", "80ms"] {
                #expect(host.send(Self.fail, deadline: deadline))
                #expect(daemon.line("starting again in \(pause)") != nil, "\(daemon.log)")
                #expect(daemon.line("a: running") != nil)
            }
        }

        @Test func policyNeverStaysDown() throws {
            try bench.configure(bench.channel("a", try bench.build("probe"), "restart: {policy: never}"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.send(Self.fail, deadline: deadline))
            #expect(daemon.line("failed, and stays down") != nil, "\(daemon.log)")
            #expect(host.send(1, deadline: Clock.monotonic + 300_000_000), "the last byte that IDR takes")
            #expect(host.receive(deadline: Clock.monotonic + 300_000_000) == nil)
            #expect(daemon.isRunning)
        }

        @Test(arguments: ["create", "start", "start-quietly"])
        func failureWhileItStartsIsAFailure(place: String) throws {
            try bench.configure(try probe("a", "options: {fail_at: \(place)}"), bench.channel("b"))
            let daemon = try bench.launch()
            #expect(daemon.line("error a: failed, starting again in 20ms") != nil, "\(daemon.log)")
            #expect(daemon.line("error a: failed, starting again in 40ms") != nil, "\(daemon.log)")
            #expect(daemon.log.contains("b: running"))
            #expect(try bench.host("b").exchange(1) == 1)
            #expect(!daemon.log.contains("a: running"), "\(daemon.log)")
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
        }

        @Test func failureInStopChangesNothing() throws {
            try bench.configure(try probe("a", "options: {fail_at: stop}"))
            let daemon = try bench.start()
            try bench.configure(try probe("a", "options: {fail_at: stop, tag: 1}"))
            daemon.signal(SIGHUP)
            #expect(daemon.line("reloaded") != nil)
            #expect(try bench.host("a").exchange(1) == 1)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            #expect(!daemon.log.contains("failed, "), "\(daemon.log)")
        }

        @Test func misuseIsAnswered() throws {
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.exchange(0xF6) == 0xF6)
            let line = daemon.line("misuse:") ?? ""
            #expect(
                line.hasSuffix(
                    "read_idr -4, reply -4, timer_set -1, timer_close -1, watch_open -1, events -1, watch_set -1,"
                        + " watch_close -1, socket -4, run -1, dump -1, timers -6, attention -4, annotate -1"),
                "\(line)")
            for words in [
                "reply() was called by a handler that takes no messages", "timer_set() names timer 4242, which is not",
                "timer_close() names timer 4242", "watch_open() of descriptor 1073741824",
                "watch_open() with events 0x80",
                "watch_set() of watch 4242", "watch_close() names watch 4242", "dump() of scope 7",
                "run() wants an absolute path, not \"true\"", "annotate() of kind 99",
            ] {
                let lines = daemon.log.split(separator: "\n").filter { $0.contains("plugin probe: \(words)") }
                #expect(lines.count == 1 && lines[0].contains("warning a: "), "\(words): \(daemon.log)")
            }
            #expect(host.exchange(1) == 1)
        }

        @Test func callsOnAnotherThreadAreRefusedAndToldOnce() throws {
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.exchange(0xF8) == 0xF8)
            #expect(daemon.line("elsewhere: write_odr -9, timer_open -9, post 0") != nil, "\(daemon.log)")
            let told = "warning a: plugin probe: write_odr() was called on another thread than the loop's, and refused"
            #expect(daemon.line(told, "(2 like it were not shown)") != nil, "\(daemon.log)")
            #expect(!daemon.log.contains("from a thread that may not"))
            #expect(host.exchange(1) == 1)
            #expect(daemon.isRunning)
        }

        @Test func callsWithAPlaceThatHasGoneAreRefusedAndNoCallbackComesAfterStop() throws {
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.send(0xF9, deadline: deadline))
            #expect(daemon.line("plugin probe: write_odr() was called after destroy, and refused") != nil)
            #expect(daemon.line("plugin probe: reply() was called after destroy, and refused") != nil)
            #expect(daemon.line("outlived: write_odr -4, reply -4, post -4") != nil, "\(daemon.log)")
            #expect(daemon.line("a: running") != nil)
            #expect(host.exchange(1) == 1)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            #expect(!daemon.log.contains("a callback after stop"), "\(daemon.log)")
        }

        @Test func slowCallIsReported() throws {
            try bench.configure(try probe("a", "call_budget: 5ms"), bench.channel("b", "echo", "call_budget: 5ms"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.exchange(Self.slow) == Self.slow)
            let line = daemon.line("warning a: plugin probe: data took") ?? daemon.log
            #expect(line.contains("its budget is 5ms"), "\(line)")
            // Limited: many more give few lines.
            for _ in 0..<6 { #expect(host.exchange(Self.slow) == Self.slow) }
            #expect(daemon.log.split(separator: "\n").count { $0.contains("data took") } <= 3)
            #expect(!daemon.log.contains("b: plugin"), "nobody else is blamed: \(daemon.log)")
        }

        @Test func callThatNeverStopsWritingIsDumpedWithWhatItWrites() throws {
            bench.head = "hang_timeout: 300ms"
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            #expect(try bench.host("a").send(0xFA, deadline: deadline))
            #expect(daemon.line("error a: plugin probe: data has not returned for 300ms") != nil, "\(daemon.log)")
            #expect(daemon.wait() == .signalled(SIGABRT))
            let dump = RawDump(bench.folder.bytes("captures/crash.kcsdump") ?? [])
            #expect(dump?.culprit?.channel == "a")
            let written = dump?.rings.first?.events.count {
                if case .access(.strWrite, _, _, _) = $0.body { true } else { false }
            }
            #expect((written ?? 0) > 100, "\(dump?.rings.count ?? 0) rings")
        }

        @Test func callThatHangsEndsTheProcessAndIsRememberedOnce() throws {
            bench.head = "hang_timeout: 300ms"
            try bench.configure(try probe("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            #expect(try bench.host("a").send(Self.hang, deadline: deadline))
            #expect(daemon.line("error a: plugin probe: data has not returned for 300ms") != nil, "\(daemon.log)")
            #expect(daemon.wait() == .signalled(SIGABRT))
            #expect(RawDump(bench.folder.bytes("captures/crash.kcsdump") ?? [])?.rings.count == 2)
            let again = try bench.launch()
            #expect(again.line("a: failed, starting again in 20ms", "took the daemon down") != nil, "\(again.log)")
            #expect(again.line("b: running") != nil)
            #expect(try bench.host("b").exchange(1) == 1)
            #expect(again.line("a: running") != nil)
            again.signal(SIGTERM)
            #expect(again.wait() == .exited(0))
            #expect(!(try bench.start(running: 2)).log.contains("took the daemon down"))
        }

        @Test func stoppedProcessIsNoHang() throws {
            bench.head = "hang_timeout: 200ms"
            try bench.configure(try probe("a"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            // Stopped in the middle of a call, for longer than a call may take.
            #expect(host.send(Self.slow, deadline: deadline))
            daemon.signal(SIGSTOP)
            _ = daemon.line("nothing is logged", within: 600)
            daemon.signal(SIGCONT)
            #expect(host.receive(deadline: deadline) == Self.slow)
            #expect(daemon.isRunning)
        }

        @Test func signalWritesAllCaptures() throws {
            try bench.configure(bench.channel("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            #expect(try bench.host("a").exchange(0x5D) == 0x5D)
            daemon.signal(SIGUSR1)
            let line = try #require(daemon.line("captures of all channels are in "))
            let path = String(line.split(separator: " ").last ?? "")
            let bytes = try Syscalls.readFile(path, limit: 1 << 24)
            #expect(bytes.contains(0x5D))
            #expect(path.hasPrefix("\(bench.path)/captures/all-"))
        }

        @Test func ringThatPersistsSurvivesAKill() throws {
            try bench.configure(bench.channel("a", "echo", "capture: {persist: true, events: 64}"))
            let daemon = try bench.start()
            let host = try bench.host("a")
            #expect(host.exchange(0x77) == 0x77)
            daemon.signal(SIGKILL)
            #expect(daemon.wait() == .signalled(SIGKILL))
            let again = try bench.start()
            again.signal(SIGUSR1)
            let line = try #require(again.line("captures of all channels are in "))
            let bytes = try Syscalls.readFile(String(line.split(separator: " ").last ?? ""), limit: 1 << 24)
            #expect(bytes.contains(0x77), "the life before is in the capture")
        }

        @Test func deviceThatAnotherHoldsIsWaitedFor() throws {
            try bench.configure(bench.channel("a"))
            let first = try bench.start()
            let holder = first.identifier
            try bench.configure(bench.channel("a"), control: "second.sock")
            let second = try bench.launch()
            #expect(
                second.line("notice a: waiting: device \(bench.path)/a", "process \(holder)") != nil, "\(second.log)")
            let host = try bench.host("a")
            for value in UInt8.min...50 { #expect(host.exchange(value) == value) }
            first.signal(SIGKILL)
            #expect(first.wait() == .signalled(SIGKILL))
            #expect(second.line("a: running") != nil, "\(second.log)")
            #expect(host.exchange(9) == 9)
            second.signal(SIGTERM)
            #expect(second.wait() == .exited(0))
        }

        @Test func absentDeviceIsWaitedForAndWarnedOf() throws {
            try bench.configure(
                """
                  - name: absent
                    device: {type: raw-kcs, path: \(bench.path)/raw-kcs1, wait: 300ms}
                    plugin: echo
                """, bench.channel("b"))
            let daemon = try bench.launch()
            #expect(daemon.line("notice absent: waiting: device \(bench.path)/raw-kcs1") != nil, "\(daemon.log)")
            #expect(daemon.line("warning absent: still waiting") != nil)
            #expect(daemon.log.contains("b: running"))
            #expect(try bench.host("b").exchange(1) == 1)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func badPluginsRefuseOnlyTheirChannels() throws {
            try bench.folder.write("libkcs-text.so", "text")
            let probe = try bench.build("probe")
            let open = "\(bench.path)/libkcs-open.so"
            try bench.folder.write("libkcs-open.so", bytes: try #require(bench.folder.bytes("libkcs-probe.so")))
            chmod(open, 0o666)
            let entry = try CCompiler.library(
                "\(CCompiler.root)/Tests/EndToEnd/EndToEndTests/Plugins/probe.c", to: "\(bench.path)/libkcs-noentry.so",
                ["-DNO_ENTRY"])
            let bad = [
                ("missing", "nowhere", "plugin not found"), ("text", "\(bench.path)/libkcs-text.so", "no ELF file"),
                ("open", open, "not trusted"), ("entry", entry, "kcs_plugin_entry"),
            ]
            try bench.configure(
                bad.map { bench.channel($0.0, $0.1) }.joined(separator: "\n"), bench.channel("good", probe))
            let checked = try kcsmuxd("--check-config", "--config", bench.file)
            #expect(checked.ending == .exited(78))
            for (_, _, words) in bad {
                #expect(
                    checked.errors.split(separator: "\n").count { $0.contains(": error: ") && $0.contains(words) } == 1,
                    "\(words) in \(checked.errors)")
            }
            let daemon = try bench.start()
            #expect(try bench.host("good").exchange(1) == 1)
            for (name, _, words) in bad {
                let lines = daemon.log.split(separator: "\n").filter { $0.contains("error \(name): ") }
                #expect(lines.count == 1 && lines[0].contains(words), "\(lines)")
            }
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        @Test func killedDaemonsNextLifeWorks() throws {
            try bench.configure(bench.channel("a"))
            let host = try bench.host("a")
            var random = SplitMix(seed: Clock.monotonic)
            for round in 0..<repetitions(1_000) {
                let daemon = try bench.start()
                // Somewhere in the middle of an exchange.
                host.write(UInt8(truncatingIfNeeded: round))
                usleep(UInt32(random.next() % 2_000))
                daemon.signal(SIGKILL)
                #expect(daemon.wait() == .signalled(SIGKILL))
                let next = try bench.start()
                // What was there at open is stale; an answer of the life before may lie in ODR.
                if host.readStatus() & 1 != 0 { _ = host.readData() }
                #expect(host.exchange(0xA5) == 0xA5, "round \(round): \(next.log)")
                next.signal(SIGKILL)
                next.wait()
                if host.readStatus() & 1 != 0 { _ = host.readData() }
            }
        }

        @Test func killedHostsSuccessorIsServed() throws {
            try bench.configure(bench.channel("a"))
            try bench.start()
            let peer = "\(Path.parent(of: CurrentProcess.executable ?? ""))/SimulatedPeer"
            var random = SplitMix(seed: Clock.monotonic)
            for round in 0..<repetitions(1_000) {
                let host = try Program(peer, ["host", "\(bench.path)/a"])
                usleep(UInt32(random.next() % 5_000))
                host.signal(SIGKILL)
                host.wait()
                let next = try bench.host("a")
                #expect(next.send(0xEE, deadline: deadline))
                var answers: [UInt8] = []
                while answers.last != 0xEE, answers.count < 5, let answer = next.receive(deadline: deadline) {
                    answers.append(answer)
                }
                #expect(answers.last == 0xEE, "round \(round): \(answers)")
            }
        }

        @Test func floodDoesNotHoldUpOthers() throws {
            let names = (0..<64).map { "c\($0)" }
            try bench.configure(names.map { bench.channel($0) }.joined(separator: "\n"))
            try bench.start(running: 64)
            let stop = Flag()
            let flooder = Moved(value: try bench.host("c0"))
            let flood = inBackground { () -> UInt64 in
                var count: UInt64 = 0
                repeat {
                    // A host that ignores IBF, and takes every answer.
                    flooder.value.write(UInt8(truncatingIfNeeded: count))
                    if flooder.value.readStatus() & 1 != 0 { _ = flooder.value.readData() }
                    count += 1
                } while !stop.isSet
                return count
            }
            let hosts = try names.dropFirst().map { try bench.host($0) }
            var times: [UInt64] = []
            for round in 0..<repetitions(1_000) {
                for host in hosts {
                    let began = Clock.monotonic
                    #expect(host.exchange(UInt8(truncatingIfNeeded: round)) == UInt8(truncatingIfNeeded: round))
                    times.append(Clock.monotonic - began)
                }
            }
            stop.set()
            let written = flood.wait() ?? 0
            times.sort()
            func microseconds(_ share: Double) -> UInt64 { times[Int(Double(times.count - 1) * share)] / 1000 }
            print(
                "64 channels, one with \(written) bytes written by a host that ignores IBF; of \(times.count) exchanges of"
                    + " the others 50 % took up to \(microseconds(0.5)) us, 99 % up to \(microseconds(0.99)) us")
            #expect(written > 0)
        }
    }
}
