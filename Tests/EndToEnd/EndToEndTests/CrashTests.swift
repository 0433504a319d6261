// SPDX-License-Identifier: Apache-2.0
//
// Ends of the daemon that nobody asked for, and what is said of them: at once, and at the next start.
import CLinux
import Capture
import LinuxIO
import TestKit
import Testing

extension EndToEnd {
    @Suite struct CrashTests {
        private let bench = Bench()

        private func probe(_ name: String) throws -> String {
            bench.channel(name, try bench.build("probe"), "restart: {backoff: 20ms, backoff_max: 1s}\n")
        }

        @Test func crashLeavesADumpThatNamesTheCulprit() throws {
            try bench.configure(try probe("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.exchange(0x5E) == 0x5E)
            #expect(host.send(0xF2, deadline: deadline))
            #expect(daemon.wait() == .signalled(SIGSEGV))
            #expect(
                daemon.log.contains("error a: plugin probe: fatal signal SIGSEGV in data; the process ends\n"),
                "\(daemon.log)")
            let dump = try #require(RawDump(bench.folder.bytes("captures/crash.kcsdump") ?? []))
            #expect(dump.signal == Int(SIGSEGV))
            #expect(dump.address == 16)
            let culprit = try #require(dump.culprit)
            #expect((culprit.channel, culprit.plugin, culprit.callback) == ("a", "probe", "data"))
            #expect(dump.rings.count == 2)
            #expect(dump.damaged == 0)
            let again = try bench.launch()
            #expect(again.line("warning kcsmuxd: the life before crashed", "in plugin probe of channel a") != nil)
            #expect(again.line("a: failed, starting again", "took the daemon down") != nil, "\(again.log)")
            #expect(again.line("b: running") != nil)
            #expect(try bench.host("b").exchange(1) == 1)
            #expect(again.line("a: running") != nil)
        }

        /// A plugin that calls abort, exit and _exit; somebody who kills the daemon.
        @Test(
            arguments: [
                (0xFC, SIGABRT, "error a: plugin probe: fatal signal SIGABRT in data; the process ends\n"),
                (0xFD, SIGABRT, "error a: plugin probe: exit() was called in data; the process ends\n"), (0xFE, 0, nil),
                (0, SIGKILL, nil),
            ] as [(UInt8, Int32, String?)])
        func endThatWasNotAskedForIsSaidAtOnceOrAtTheNextStart(byte: UInt8, signal: Int32, line: String?) throws {
            try bench.configure(try probe("a"), bench.channel("b"))
            let daemon = try bench.start(running: 2)
            let host = try bench.host("a")
            #expect(host.exchange(0x5E) == 0x5E)
            if byte == 0 { daemon.signal(signal) } else { #expect(host.send(byte, deadline: deadline)) }
            #expect(daemon.wait() == (signal == 0 ? .exited(0) : .signalled(signal)))
            if let line { #expect(daemon.log.contains(line), "\(daemon.log)") }
            let again = try bench.launch()
            if line == nil {
                #expect(
                    again.line("warning kcsmuxd: the life before, process ", "was not stopped, and left no report")
                        != nil)
            } else {
                let said = try #require(
                    again.line("warning kcsmuxd: the life before crashed", "in plugin probe of channel a"))
                let dump = RawDump(
                    (try? Syscalls.readFile(String(said.split(separator: " ").last ?? ""), limit: 1 << 24)) ?? [])
                #expect(dump?.culprit?.plugin == "probe", "the dump that is named is the one")
            }
            #expect(again.line("a: running") != nil)
            again.signal(SIGTERM)
            #expect(again.wait() == .exited(0))
            let third = try bench.launch()
            #expect(third.line("b: running") != nil)
            #expect(!third.log.contains("the life before"), "\(third.log)")
        }
    }
}
