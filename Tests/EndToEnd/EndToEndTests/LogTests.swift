// SPDX-License-Identifier: Apache-2.0
import CLinux
import TestKit
import Testing

extension EndToEnd {
    /// What a channel's `log` says of its lines.
    @Suite struct LogTests {
        private static let talk: UInt8 = 0xFB
        private let bench = Bench()

        private func probe(_ name: String, _ log: String) throws -> String {
            bench.channel(name, try bench.build("probe"), "log: {\(log)}")
        }

        @Test func repeatsAreLimitedAndNothingElseIs() throws {
            try bench.configure(try probe("a", "repeats: 5, interval: 1h"))
            let daemon = try bench.start()
            #expect(try bench.host("a").exchange(Self.talk) == Self.talk)
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            let lines = daemon.log.split(separator: "\n")
            #expect(lines.count { $0.contains(" times") } == 6, "\(daemon.log)")
            // The last one, and how many it stands for.
            #expect(lines.count { $0.hasSuffix("notice a: said 50 times (44 like it were not shown)") } == 1)
            #expect(lines.count { $0.contains("said once: ") } == 16)
            // What is too long, for kcs_logf and for a line, ends before the character that is not whole.
            for length in [510, 2046] {
                #expect(lines.count { $0.hasSuffix("notice a: \(String(repeating: "x", count: length))") } == 1)
            }
        }

        @Test func whatWasHeldBackIsShownWhenItsTimeComes() throws {
            try bench.configure(try probe("a", "repeats: 5, interval: 50ms"))
            let daemon = try bench.start()
            #expect(try bench.host("a").exchange(Self.talk) == Self.talk)
            #expect(daemon.line("notice a: said 50 times (44 like it were not shown)") != nil, "\(daemon.log)")
        }

        @Test func aChannelHasALevelOfItsOwnWhichAReloadChangesWithoutTouchingIt() throws {
            let debug = "for whoever looks for a fault"
            // b does not say that it runs; it starts first.
            try bench.configure(try probe("b", "level: error"), try probe("a", "level: debug"))
            let daemon = try bench.start(running: 1, "--log-level", "info")
            let (a, b) = (try bench.host("a"), try bench.host("b"))
            #expect(a.exchange(Self.talk) == Self.talk)
            #expect(daemon.line("debug a: \(debug)") != nil)
            #expect(b.exchange(Self.talk) == Self.talk)
            // A byte lies in ODR, and stays there.
            #expect(b.send(0x21, deadline: deadline))
            #expect(b.wait(for: 1, toBe: 1, deadline: deadline))
            let changed = try probe("b", "level: debug, repeats: 1, interval: 1h")
            try bench.configure(changed, try probe("a", "level: debug"))
            daemon.signal(SIGHUP)
            #expect(daemon.line("reload: b has another log") != nil, "\(daemon.log)")
            #expect(daemon.line("reloaded", "no channel changed") != nil)
            #expect(!daemon.log.contains(" b: said"))
            #expect(b.receive(deadline: deadline) == 0x21)
            #expect(b.exchange(Self.talk) == Self.talk)
            #expect(daemon.line("debug b: \(debug)") != nil)
            let said = daemon.log.split(separator: "\n").filter { $0.contains("notice b: said ") }
            #expect(said.count { $0.contains(" times") } == 1 && said.count == 17, "\(daemon.log)")
        }
    }
}
