// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

private let transmitBegin: UInt8 = 0x01
private let receiveComplete: UInt8 = 0x02

@Suite("astlpc: faults of the other side") struct AstlpcFaultTests {
    @Test func aCorruptPacketOfTheHostIsDroppedAndReleased() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.hostSends([1, 2, 3])
        rig.pumpHost()
        rig.memory.bytes[Int(rig.memory.word(0x18)) + 9] ^= 1
        #expect(rig.stepBMC())
        #expect(rig.bmcEvents.last == .corrupt)
        #expect(rig.odr == receiveComplete && rig.bmcMessages.isEmpty)
        rig.hostSends([4])
        rig.run()
        #expect(rig.bmcMessages == [[4]])
    }

    @Test func aCorruptPacketOfTheBMCIsDroppedAndReleased() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.bmcSends([1, 2, 3])
        rig.pumpBMC()
        rig.memory.bytes[Int(rig.memory.word(0x10)) + 9] ^= 1
        #expect(rig.stepHost())
        #expect(rig.idr == receiveComplete && rig.hostMessages.isEmpty)
        rig.bmcSends([4])
        rig.run()
        #expect(rig.hostMessages == [[4]])
    }

    @Test func bothSidesFullNeitherBlocksTheOther() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.hostSends([1])
        rig.bmcSends([2])
        rig.pumpHost()
        rig.pumpBMC()
        #expect(rig.idr == transmitBegin && rig.odr == transmitBegin)
        // The BMC took the host's packet, but its release waits for ODR.
        #expect(rig.stepBMC())
        #expect(rig.bmcMessages == [[1]])
        #expect(rig.odr == transmitBegin && rig.bmcWrite == .data(receiveComplete))
        // The host took the BMC's; its release goes out at once.
        #expect(rig.stepHost())
        #expect(rig.hostMessages == [[2]] && rig.idr == receiveComplete)
        rig.pumpBMC()
        #expect(rig.odr == receiveComplete && rig.bmcWrite == nil)
        rig.run()
        #expect(rig.bmcHasCredit && rig.hostHasCredit)
    }

    @Test func theReleaseOfAPacketGoesBeforeTheNextPacket() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.odr = 0x5A
        rig.bmcSends([2])
        rig.pumpBMC()
        rig.hostSends([1])
        rig.pumpHost()
        #expect(rig.stepBMC())
        rig.odr = nil
        rig.pumpBMC()
        #expect(rig.odr == receiveComplete)
        rig.odr = nil
        rig.pumpBMC()
        #expect(rig.odr == transmitBegin)
    }

    @Test(
        "a length that cannot be still gives the buffer back", arguments: [UInt32(0), 1, 3, 0x7FF75, 0x8000_0000, .max])
    func impossibleLengthsAreReleased(length: UInt32) {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.memory.set(length, at: Int(rig.memory.word(0x18)))
        #expect(rig.bmcGets(transmitBegin) == .badLength(length))
        #expect(rig.bmcWrite == .data(receiveComplete))
        rig.pumpBMC()
        rig.memory.set(length, at: Int(rig.memory.word(0x10)))
        rig.odr = nil
        #expect(rig.hostGets(transmitBegin, status: 0xC0) == .badLength(length))
        #expect(rig.hostWrite == receiveComplete)
    }

    @Test func theLongestPacketIsTakenAndOneByteMoreIsNot() {
        let rig = AstlpcRig(bmcUnit: 64)
        #expect(rig.begin())
        rig.memory.set(UInt32(68), at: Int(rig.memory.word(0x18)))
        #expect(rig.bmcGets(transmitBegin) == .corrupt)
        rig.pumpBMC()
        rig.odr = nil
        rig.memory.set(UInt32(69), at: Int(rig.memory.word(0x18)))
        #expect(rig.bmcGets(transmitBegin) == .badLength(69))
    }

    @Test func signalsWithoutACauseAreIgnored() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        #expect(rig.bmcGets(receiveComplete) == .protocolError(receiveComplete))
        rig.odr = 0x5A
        rig.hostSends([1])
        rig.pumpHost()
        #expect(rig.stepBMC())
        // Not released yet: the host may not send again.
        #expect(rig.bmcGets(transmitBegin) == .protocolError(transmitBegin))
        rig.odr = nil
        rig.run()
        rig.hostSends([2])
        rig.run()
        #expect(rig.bmcMessages == [[1], [2]])
    }

    @Test func aCorruptPacketDropsThePartOfItsMessage() {
        let rig = AstlpcRig(bmcUnit: 64)
        #expect(rig.begin())
        rig.hostSends(pattern(64 * 6, seed: 1))
        rig.pumpHost()
        #expect(rig.stepBMC())
        #expect(rig.bmcTerminus.incomplete == 1)
        #expect(rig.stepHost())
        rig.memory.bytes[Int(rig.memory.word(0x18)) + 20] ^= 1
        #expect(rig.stepBMC())
        #expect(rig.bmcTerminus.incomplete == 0)
        rig.run()
        #expect(rig.bmcMessages.isEmpty)
    }

    @Test func offsetsThatTheHostChangedAreNotFollowed() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.startHost() == nil)
        rig.memory.set(UInt32(0x200), at: 0x10)
        rig.memory.set(UInt32(0x90000), at: 0x18)
        rig.memory.set(UInt32(0x100), at: 0x1C)
        rig.run()
        #expect(rig.hostIsActive)
        #expect(rig.memory.word(0x10) == 0x100 && rig.memory.word(0x18) == 0x8007C)
        rig.hostSends([1])
        rig.bmcSends([2])
        rig.run()
        #expect(rig.bmcMessages == [[1]] && rig.hostMessages == [[2]])
    }

    @Test func aWindowThatTheHostWroteOverIsRepaired() {
        var random = Seeded(5)
        for round in 0..<200 {
            let rig = AstlpcRig(hostUnit: round % 2 == 0 ? nil : 512)
            #expect(rig.begin())
            for offset in 0..<32 where Bool.random(using: &random) {
                rig.memory.bytes[offset] = UInt8.random(in: 0...255, using: &random)
            }
            _ = rig.repair()
            #expect(!rig.repair())
            rig.replaceHost()
            #expect(rig.startHost() == nil)
            rig.run()
            #expect(rig.hostIsActive)
        }
    }

    @Test func aSoundWindowIsNotRepaired() {
        let rig = AstlpcRig(hostUnit: 512)
        rig.startBMC()
        #expect(!rig.repair())
        #expect(rig.startHost() == nil)
        #expect(!rig.repair())
        rig.run()
        #expect(!rig.repair())
    }

    @Test("the host restarts at any step and nothing of the BMC's is lost", arguments: UInt64(1)...4)
    func theHostRestartsAtAnyStep(seed: UInt64) {
        var random = Seeded(seed)
        for stop in 0..<scaled(20_000) {
            let rig = AstlpcRig(bmcUnit: 64, window: 8192)
            #expect(rig.begin())
            let before = pattern(300, seed: 1)
            rig.bmcSends(before)
            rig.hostSends(before)
            for _ in 0..<stop % 40 {
                _ = Bool.random(using: &random) ? rig.stepHost() : rig.stepBMC()
            }
            let wasWhole = rig.hostMessages == [before]
            rig.hostMessages = []
            rig.bmcMessages = []
            // A machine that lost its power in the middle of anything: its memory of the channel is gone.
            rig.replaceHost(unit: Int.random(in: 64...600, using: &random))
            rig.hostTerminus.linkReset()
            if Bool.random(using: &random) { rig.idr = nil }
            #expect(rig.startHost() == nil)
            rig.run()
            #expect(rig.hostIsActive)
            let after = pattern(700, seed: 2)
            rig.hostSends(after)
            rig.bmcSends(after)
            rig.run()
            #expect(rig.bmcMessages.last == after && rig.hostMessages.last == after)
            #expect(wasWhole || rig.hostMessages.first == before)
        }
    }

    @Test("the BMC restarts at any step", arguments: UInt64(1)...2)
    func theBMCRestartsAtAnyStep(seed: UInt64) {
        var random = Seeded(seed)
        for stop in 0..<scaled(20_000) {
            let rig = AstlpcRig(bmcUnit: 64, window: 8192)
            #expect(rig.begin())
            rig.bmcSends(pattern(300, seed: 1))
            rig.hostSends(pattern(300, seed: 1))
            for _ in 0..<stop % 40 {
                _ = Bool.random(using: &random) ? rig.stepHost() : rig.stepBMC()
            }
            rig.bmc = AstlpcBMC(rig.memory.window, unit: 64)!
            rig.bmcTerminus.linkReset()
            if Bool.random(using: &random) { rig.idr = nil }
            rig.startBMC()
            rig.run()
            #expect(!rig.hostIsActive)
            #expect(rig.startHost() == nil)
            rig.run()
            let after = pattern(700, seed: 2)
            rig.hostSends(after)
            rig.bmcSends(after)
            rig.run()
            #expect(rig.bmcMessages.last == after && rig.hostMessages.last == after)
        }
    }

    @Test("100,000 messages, echoed", arguments: UInt16(1)...3)
    func manyMessagesNoneLostNoneCorrupted(version: UInt16) {
        let rig = AstlpcRig(host: .init(1, version), bmcUnit: 1024)
        #expect(rig.begin())
        rig.keepMessages = false
        var expected: [[UInt8]] = []
        var next = 0
        var wrong = 0
        rig.onBMC = { body in
            if next < expected.count, body == expected[next] { next += 1 } else { wrong += 1 }
        }
        var random = Seeded(UInt64(version))
        let source = pattern(70_000, seed: 9)
        for round in 0..<scaled(100_000) {
            let length = round % 100 == 0 ? 65_536 : Int.random(in: 1...2048, using: &random)
            let start = Int.random(in: 0..<source.count - length, using: &random)
            let body = Array(source[start..<start + length])
            expected.append(body)
            rig.hostSends(body)
            if expected.count == 16 {
                rig.run()
                #expect(next == 16)
                expected = []
                next = 0
            }
        }
        rig.run()
        #expect(next == expected.count && wrong == 0)
        #expect(rig.bmcTerminus.counters.dropped == 0 && rig.hostTerminus.counters.dropped == 0)
    }
}
