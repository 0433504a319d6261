// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// Boot flags are for a boot that is about to come (IPMI 2.0 §28.13, parameters 3 and 5).
@Suite struct BootFlagTests {
    private let second: UInt64 = 1_000_000_000

    private func setFlags(_ bench: Bench, _ first: UInt8 = 0x80) throws {
        _ = try bench.data(0x00, 0x08, [5, first, 0x04, 0, 0, 0])
    }

    private func flags(_ bench: Bench) throws -> UInt8 { try bench.data(0x00, 0x09, [5, 0, 0])[2] }

    @Test func theValidBitGoesAfterAMinuteWithoutChassisControl() throws {
        let bench = startedBench()
        try setFlags(bench, 0xC0)
        bench.pass(60 * second - 1)
        #expect(try flags(bench) == 0xC0)
        bench.pass(1)
        #expect(try flags(bench) == 0x40)
        #expect(try bench.data(0x00, 0x09, [5, 0, 0])[3] == 0x04, "what they say stays")
        let next = Bench(fullConfiguration(), after: bench)
        next.start()
        #expect(try flags(next) == 0x40, "it was stored")
    }

    @Test func chassisControlAndSettingBeginTheMinuteAnew() throws {
        let bench = startedBench()
        try setFlags(bench)
        bench.pass(50 * second)
        _ = try bench.data(0x00, 0x02, [3])
        bench.pass(50 * second)
        #expect(try flags(bench) == 0x80)
        try setFlags(bench)
        bench.pass(59 * second)
        #expect(try flags(bench) == 0x80)
        bench.pass(second)
        #expect(try flags(bench) == 0)
        // Without valid flags there is nothing to begin.
        _ = try bench.data(0x00, 0x02, [3])
        bench.pass(120 * second)
        try setFlags(bench, 0)
        bench.pass(120 * second)
        #expect(try flags(bench) == 0)
    }

    @Test func parameterThreeKeepsTheValidBit() throws {
        let bench = startedBench()
        _ = try bench.data(0x00, 0x08, [3, 0x08])
        try setFlags(bench)
        bench.pass(300 * second)
        #expect(try flags(bench) == 0x80)
        // The time begins when nothing keeps the flags any more.
        _ = try bench.data(0x00, 0x08, [3, 0x00])
        bench.pass(59 * second)
        #expect(try flags(bench) == 0x80)
        bench.pass(second)
        #expect(try flags(bench) == 0)
    }

    @Test func aResetByTheWatchdogClearsUnlessParameterThreeSaysOtherwise() throws {
        for (keep, action, left): (UInt8, UInt8, UInt8) in [
            (0x08, 1, 0), (0x08, 3, 0), (0x0C, 1, 0x80), (0x08, 2, 0x80), (0x08, 0, 0x80),
        ] {
            let bench = startedBench()
            _ = try bench.data(0x00, 0x08, [3, keep])
            try setFlags(bench)
            _ = try bench.data(0x06, 0x24, [4, action, 0, 0, 10, 0])
            _ = try bench.data(0x06, 0x22)
            bench.pass(2 * second)
            #expect(try flags(bench) == left, "action \(action), parameter 3 \(keep)")
        }
    }

    @Test func flagsThatAreThereAtAStartHaveAMinute() throws {
        let bench = startedBench()
        try setFlags(bench)
        bench.pass(30 * second)
        let next = Bench(fullConfiguration(), after: bench)
        next.start()
        next.pass(59 * second)
        #expect(try flags(next) == 0x80)
        next.pass(second)
        #expect(try flags(next) == 0)
    }

    @Test func aMailboxesLastBlockMayBeShort() throws {
        let bench = startedBench()
        _ = try bench.data(0x00, 0x08, [7, 1, 0x61, 0x62, 0x63])
        let block: [UInt8] = [0x61, 0x62, 0x63] + [UInt8](repeating: 0, count: 13)
        #expect(try bench.data(0x00, 0x09, [7, 1, 0]) == [1, 7, 1] + block)
        #expect(bench.code(0x00, 0x08, [7, 1]) == 0xC7, "a block without bytes is none")
        #expect(bench.code(0x00, 0x08, [7, 16, 1]) == 0xC9)
        #expect(try restarted(bench).data(0x00, 0x09, [7, 1, 0])[3...5] == [0x61, 0x62, 0x63])
    }

    @Test func softOffAndDiagnosticInterruptHaveActionsOfTheirOwn() throws {
        let bench = startedBench()
        _ = try bench.data(0x00, 0x02, [4])
        #expect(bench.actions == [.diagnostic])
        #expect(try bench.data(0x00, 0x01)[0] & 1 == 1, "the power stays on")
        _ = try bench.data(0x00, 0x02, [5])
        #expect(bench.actions == [.diagnostic, .softOff])
        let plain = startedBench { $0.actions = [ActionSet(.powerOff)] }
        _ = try plain.data(0x00, 0x02, [5])
        #expect(plain.actions == [.powerOff], "without actions of its own it is a power off")
        #expect(plain.code(0x00, 0x02, [4]) == 0xCC)
        #expect(try plain.data(0x00, 0x00)[0] == 0x00 && bench.data(0x00, 0x00)[0] == 0x04)
    }
}
