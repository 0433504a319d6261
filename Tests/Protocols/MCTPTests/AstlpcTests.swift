// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

private let initialise: UInt8 = 0x00
private let transmitBegin: UInt8 = 0x01
private let receiveComplete: UInt8 = 0x02
private let dummy: UInt8 = 0xFF
private let window = 1 << 20

@Suite("astlpc: initialisation") struct AstlpcInitialisationTests {
    @Test func bothSidesInitialiseAndTheChannelBecomesActive() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.status == 0x80 && rig.odr == dummy)
        #expect(rig.startHost() == nil)
        #expect(rig.idr == initialise)
        #expect(rig.stepBMC())
        #expect(rig.status == 0xC0 && rig.odr == dummy)
        #expect(rig.stepHost())
        #expect(rig.hostIsActive && rig.bmcIsActive)
        #expect(rig.memory.half(0x0C) == 3)
        #expect(rig.bmcVersion == .v3 && rig.hostVersion == .v3)
    }

    @Test func theControlAreaIsLaidOutAsHostsExpectIt() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.memory.word(0) == 0x4D43_5450)
        #expect(rig.memory.half(4) == 1 && rig.memory.half(6) == 3)
        for offset in [8, 10, 12, 14] { #expect(rig.memory.half(offset) == 0) }
        #expect(rig.memory.word(0x10) == 0x100 && rig.memory.word(0x14) == 0x7FF7C)
        #expect(rig.memory.word(0x18) == 0x8007C && rig.memory.word(0x1C) == 0x7FF7C)
        let small = AstlpcRig(bmcUnit: 64)
        small.startBMC()
        #expect(small.memory.word(0x10) == 0x100 && small.memory.word(0x14) == 0x4C)
        #expect(small.memory.word(0x18) == 0x14C && small.memory.word(0x1C) == 0x4C)
    }

    @Test func badVersionRangesAreRejected() {
        let good = AstlpcVersionRange(1, 3)
        for bad in [AstlpcVersionRange(0, 0), .init(0, 1), .init(1, 0), .init(2, 1), .init(0xFFFF, 1)] {
            #expect(AstlpcVersionRange.negotiate(bmc: bad, host: good) == nil)
            #expect(AstlpcVersionRange.negotiate(bmc: good, host: bad) == nil)
        }
    }

    @Test func disjointVersionRangesAreRejected() {
        #expect(AstlpcVersionRange.negotiate(bmc: .init(1, 1), host: .init(2, 3)) == nil)
        #expect(AstlpcVersionRange.negotiate(bmc: .init(2, 3), host: .init(1, 1)) == nil)
        #expect(AstlpcVersionRange.negotiate(bmc: .init(1, 3), host: .init(4, 9)) == nil)
    }

    @Test func theBMCsNewestIsChosenWhenItIsTheLower() {
        #expect(AstlpcVersionRange.negotiate(bmc: .init(1, 2), host: .init(2, 3)) == .v2)
    }

    @Test func theHostsNewestIsChosenWhenItIsTheLower() {
        #expect(AstlpcVersionRange.negotiate(bmc: .init(2, 3), host: .init(1, 2)) == .v2)
    }

    @Test func aHostThatNeedsMoreThanTheBMCHasRefusesToStart() {
        let rig = AstlpcRig(bmc: .init(1, 1), host: .init(2, 3))
        rig.startBMC()
        #expect(rig.startHost() == .versions(bmc: .init(1, 1), host: .init(2, 3)))
        #expect(rig.idr == nil)
    }

    @Test func aBMCThatNeedsMoreThanTheHostHasLeavesTheChannelInactive() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.startHost() == nil)
        rig.memory.set(UInt16(4), at: 0x08)
        rig.memory.set(UInt16(5), at: 0x0A)
        #expect(rig.stepBMC())
        #expect(rig.status == 0x80)
        #expect(rig.bmcEvents.last == .refused(.versions(bmc: .all, host: .init(4, 5))))
        #expect(rig.memory.half(0x0C) == 0)
        #expect(rig.stepHost())
        #expect(rig.hostEvents.last == .refused(.byBMC))
        #expect(!rig.hostIsActive && !rig.hostHasCredit)
        // Later only another initialisation counts.
        for signal in [transmitBegin, receiveComplete] { #expect(rig.bmcGets(signal) == .protocolError(signal)) }
        #expect(rig.startHost() == nil)
        rig.run()
        #expect(rig.hostIsActive)
    }

    @Test func aHostThatComesBeforeTheBMCFails() {
        let rig = AstlpcRig()
        #expect(rig.startHost() == .bmcNotReady)
        rig.status = 0x80
        #expect(rig.startHost() == .noMagic)
        #expect(rig.idr == nil)
    }

    @Test("every pair of version ranges", arguments: UInt16(1)...3, UInt16(1)...3)
    func allVersionPairsTalk(bmcCurrent: UInt16, hostCurrent: UInt16) {
        for bmcMinimum in 1...bmcCurrent {
            for hostMinimum in 1...hostCurrent {
                let rig = AstlpcRig(bmc: .init(bmcMinimum, bmcCurrent), host: .init(hostMinimum, hostCurrent))
                let meets = bmcMinimum <= hostCurrent && hostMinimum <= bmcCurrent
                #expect(rig.begin() == meets)
                guard meets else { continue }
                #expect(rig.bmcVersion?.rawValue == min(bmcCurrent, hostCurrent))
                let body = pattern(5000, seed: 1)
                rig.hostSends(body)
                rig.bmcSends(body)
                rig.run()
                #expect(rig.bmcMessages == [body] && rig.hostMessages == [body])
            }
        }
    }

    @Test func versionOneMovesOnlyTheBaselineUnit() {
        let rig = AstlpcRig(host: .init(1, 1))
        #expect(rig.begin())
        #expect(rig.bmcUnit == 64 && rig.hostUnit == 64)
        // 64 + 4 + 4, and 4 for the trailer that the next host, of version 3, has to find room for.
        #expect(rig.memory.word(0x14) == 76 && rig.memory.word(0x1C) == 76)
    }

    @Test func fromVersionTwoOnTheSizesSayTheUnitAndNoMore() {
        for (version, size) in [(2, 72), (3, 76)] as [(UInt16, UInt32)] {
            let rig = AstlpcRig(host: .init(1, version), hostUnit: 64)
            #expect(rig.begin())
            #expect(rig.bmcUnit == 64 && rig.hostUnit == 64)
            #expect(rig.memory.word(0x14) == size && rig.memory.word(0x1C) == size)
        }
    }
}

@Suite("astlpc: messages") struct AstlpcMessageTests {
    @Test func aMessageGoesFromTheBMCToTheHost() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.bmcSends([1, 2, 3])
        rig.pumpBMC()
        #expect(rig.odr == transmitBegin)
        #expect(rig.stepHost())
        #expect(rig.hostMessages == [[1, 2, 3]])
        #expect(rig.idr == receiveComplete)
        #expect(rig.stepBMC())
        #expect(rig.bmcHasCredit && rig.bmcTerminus.queued == 0)
    }

    @Test func aMessageGoesFromTheHostToTheBMC() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.hostSends([1, 2, 3])
        rig.pumpHost()
        #expect(rig.idr == transmitBegin)
        #expect(rig.stepBMC())
        #expect(rig.idr == nil && rig.odr == receiveComplete)
        #expect(rig.bmcMessages == [[1, 2, 3]])
    }

    @Test func theBufferHoldsLengthPacketAndChecksum() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        let body: [UInt8] = [0x00, 0x80, 0x02]
        rig.hostSends(body)
        rig.pumpHost()
        let offset = Int(rig.memory.word(0x18))
        // The tag is the first one that the sender chose; the published example has tag 1.
        let bytes = Array(rig.memory.bytes[offset..<offset + 15])
        #expect(Array(bytes[..<11]) == [0, 0, 0, 7, 1, 8, 9, 0xC8, 0, 0x80, 2])
        let example: [UInt8] = [0, 0, 0, 7, 1, 8, 9, 0xC9, 0, 0x80, 2, 0x04, 0x90, 0x6C, 0x3D]
        for (index, byte) in example.enumerated() { rig.memory.bytes[offset + index] = byte }
        #expect(rig.stepBMC())
        #expect(rig.bmcMessages == [body])
        #expect(rig.bmcTerminus.counters[.corrupt] == 0)
    }

    @Test func theSecondPacketFollowsOnlyTheFirstOnesRelease() {
        let rig = AstlpcRig(bmcUnit: 64)
        #expect(rig.begin())
        rig.bmcSends(pattern(100, seed: 1))
        rig.pumpBMC()
        #expect(rig.odr == transmitBegin)
        rig.odr = nil
        rig.pumpBMC()
        #expect(rig.odr == nil && !rig.bmcHasCredit)
        #expect(rig.bmcGets(receiveComplete) == .credit)
        rig.bmcTerminus.packetTaken()
        rig.pumpBMC()
        #expect(rig.odr == transmitBegin)
        let offset = Int(rig.memory.word(0x10))
        #expect(rig.memory.word(offset) == 4 + 36)
        #expect(rig.memory.bytes[offset + 7] & 0xF0 == 0x50)
    }

    @Test func aWindowAtAnyAddressWillDo() {
        // The window is reached by copies alone: one that starts at an odd address works as well.
        let memory = GuardedMemory(1 << 20)
        let window = Window(memory.base + 4093, count: (1 << 20) - 4093)
        var bmc = AstlpcBMC(window)!
        var host = AstlpcHost(window)
        bmc.start()
        bmc.written()
        let refusal = host.start(status: 0x80)
        #expect(refusal == nil)
        host.written()
        var events = [bmc.hostWrote(initialise)]
        bmc.written()
        events.append(host.bmcWrote(dummy, status: 0xC0))
        let packet: [UInt8] = [1, 8, 9, 0xC8, 1, 2, 3]
        host.packet(7).copyBytes(from: packet)
        host.send(7)
        host.written()
        events.append(bmc.hostWrote(transmitBegin))
        #expect(events == [.active, .active, .packet])
        let received = Array(bmc.received)
        #expect(received == packet)
    }

    @Test func withTheBMCGoneTheHostHoldsItsMessagesUntilItIsBack() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        rig.bmc.stop()
        rig.pumpBMC()
        #expect(rig.status == 0 && rig.odr == dummy)
        #expect(rig.stepHost())
        #expect(rig.hostEvents.last == .inactive)
        rig.hostSends([1, 2, 3])
        rig.pumpHost()
        #expect(rig.idr == nil)
        rig.startBMC()
        #expect(rig.startHost() == nil)
        rig.run()
        #expect(rig.bmcMessages == [[1, 2, 3]])
    }

    @Test func anEmptyRegisterIsNothingToDo() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        #expect(!rig.stepBMC() && !rig.stepHost())
    }

    @Test func unknownSignalsAreIgnored() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        for signal in UInt8(3)..<0xFF {
            #expect(rig.bmcGets(signal) == .protocolError(signal))
            #expect(rig.hostGets(signal, status: 0xC0) == .protocolError(signal))
        }
        #expect(rig.bmcGets(dummy) == .none)
        #expect(rig.bmcWrite == nil)
        rig.hostSends([1])
        rig.run()
        #expect(rig.bmcMessages == [[1]])
    }

    @Test func largeMessagesArriveWhole() {
        let rig = AstlpcRig()
        #expect(rig.begin())
        let body = pattern(8192, seed: 3)
        rig.hostSends(body)
        rig.bmcSends(body)
        rig.run()
        #expect(rig.bmcMessages == [body] && rig.hostMessages == [body])
        #expect(rig.hostTerminus.counters.packetsOut == 1)
    }

    @Test func whatIsQueuedBeforeTheChannelIsActiveGoesOutWhenItIs() {
        let rig = AstlpcRig()
        for count in 0..<1000 { rig.bmcSends([1, UInt8(count & 0xFF)]) }
        rig.pumpBMC()
        #expect(rig.odr == nil)
        #expect(rig.begin())
        rig.run()
        #expect(rig.hostMessages.count == 1000 && rig.hostMessages[999] == [1, 0xE7])
    }

    @Test("64 B to 64 KiB, both ways", arguments: UInt16(1)...3, [64, 1000, 4096, 65_536])
    func everyLengthArrivesInBothDirections(version: UInt16, unit: Int) {
        let rig = AstlpcRig(host: .init(1, version), bmcUnit: unit)
        #expect(rig.begin())
        for length in [1, 63, 64, 65, 1024, 4096, 4097, 65_535, 65_536] {
            let body = pattern(length, seed: UInt64(length))
            rig.hostSends(body)
            rig.bmcSends(body)
            rig.run()
            let arrived = rig.bmcMessages == [body] && rig.hostMessages == [body]
            #expect(arrived)
            rig.bmcMessages = []
            rig.hostMessages = []
        }
    }
}

@Suite("astlpc: layouts") struct AstlpcLayoutTests {
    private func fault(_ rx: (UInt32, UInt32), _ tx: (UInt32, UInt32)) -> AstlpcLayoutFault? {
        AstlpcLayout(receive: .init(offset: rx.0, size: rx.1), transmit: .init(offset: tx.0, size: tx.1))
            .fault(version: .v3, window: window)
    }

    @Test func receiveOffsetThatOverflowsIsRejected() {
        #expect(fault((.max, 0x100), (0x100, 0x100)) == .overflow)
    }

    @Test func transmitOffsetThatOverflowsIsRejected() {
        #expect(fault((0x100, 0x100), (.max, 0x100)) == .overflow)
    }

    @Test func receiveSizeThatOverflowsIsRejected() {
        #expect(fault((0x200, .max), (0x100, 0x100)) == .overflow)
    }

    @Test func transmitSizeThatOverflowsIsRejected() {
        #expect(fault((0x100, 0x100), (0x200, .max)) == .overflow)
    }

    @Test func receiveBufferBehindTheWindowIsRejected() {
        #expect(fault((0xFFF00, 0x101), (0x100, 0x100)) == .outsideWindow)
        #expect(fault((0xFFF00, 0x100), (0x100, 0x100)) == nil)
    }

    @Test func transmitBufferBehindTheWindowIsRejected() {
        #expect(fault((0x100, 0x100), (0xFFF00, 0x101)) == .outsideWindow)
        let layout = AstlpcLayout(
            receive: .init(offset: 0x100, size: 0x100), transmit: .init(offset: 0xF00, size: 0x101))
        #expect(layout.fault(version: .v3, window: 0x1000) == .outsideWindow)
    }

    @Test func receiveBufferBelowTheBaselineUnitIsRejected() {
        #expect(fault((0x100, 75), (0x200, 76)) == .tooSmall)
        #expect(fault((0x100, 76), (0x200, 76)) == nil)
    }

    @Test func transmitBufferBelowTheBaselineUnitIsRejected() {
        #expect(fault((0x100, 76), (0x200, 75)) == .tooSmall)
    }

    @Test func receiveBufferThatReachesIntoTransmitIsRejected() {
        #expect(fault((0x100, 0x101), (0x200, 0x100)) == .overlap)
    }

    @Test func transmitBufferThatReachesIntoReceiveIsRejected() {
        #expect(fault((0x200, 0x100), (0x100, 0x101)) == .overlap)
    }

    @Test func twoBuffersInOnePlaceAreRejected() {
        #expect(fault((0x100, 0x100), (0x100, 0x100)) == .overlap)
    }

    @Test func aBufferOverTheControlAreaIsRejected() {
        #expect(fault((0xFF, 0x100), (0x200, 0x100)) == .overlapsControlArea)
        #expect(fault((0x200, 0x100), (0, 0x100)) == .overlapsControlArea)
    }

    @Test func anImpossibleProposalOfTheHostLeavesTheChannelInactive() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.startHost() == nil)
        rig.memory.set(UInt32(75), at: 0x14)
        #expect(rig.stepBMC())
        #expect(rig.status == 0x80 && !rig.bmcIsActive)
        // The window is sound again for the next attempt.
        #expect(rig.memory.word(0x14) == 0x7FF7C)
        #expect(rig.startHost() == nil)
        rig.run()
        #expect(rig.hostIsActive)
    }

    @Test func anImpossibleLayoutOfTheBMCStopsTheHost() {
        let rig = AstlpcRig()
        rig.startBMC()
        rig.memory.set(UInt32(0), at: 0x14)
        #expect(
            rig.startHost()
                == .layout(
                    .tooSmall,
                    AstlpcLayout(
                        receive: .init(offset: 0x100, size: 0), transmit: .init(offset: 0x8007C, size: 0x7FF7C))))
    }

    @Test func anImpossibleNegotiationOfTheBMCStopsTheHost() {
        let rig = AstlpcRig()
        rig.startBMC()
        #expect(rig.startHost() == nil)
        #expect(rig.stepBMC())
        rig.memory.set(UInt32(0), at: 0x1C)
        #expect(rig.stepHost())
        #expect(!rig.hostIsActive)
    }

    @Test func aHostWithoutAUnitDoesNotStart() {
        let rig = AstlpcRig(hostUnit: 0)
        rig.startBMC()
        #expect(rig.startHost() == .unit(0))
    }

    @Test func aBMCWithoutAUnitOrWindowIsNone() {
        let memory = GuardedMemory(4096)
        for unit in [0, 1, 63, -1, .min] { #expect(!AstlpcRig.exists(memory.window, unit: unit)) }
        for count in [0, 0x1F, 0x100, 0x100 + 2 * 76 - 1] {
            #expect(!AstlpcRig.exists(Window(memory.base, count: count)))
        }
        #expect(AstlpcRig.exists(Window(memory.base, count: 0x100 + 2 * 76)))
    }

    @Test func theHostsUnitLimitsBothDirections() {
        let rig = AstlpcRig(hostUnit: 256)
        #expect(rig.begin())
        #expect(rig.bmcUnit == 256 && rig.hostUnit == 256)
        #expect(rig.memory.word(0x14) == 268 && rig.memory.word(0x1C) == 268)
    }

    @Test func theUnitGrowsOverAnInitialisation() {
        let rig = AstlpcRig(bmcUnit: 3 * 64, hostUnit: 2 * 64)
        #expect(rig.begin())
        #expect(rig.bmcUnit == 128)
        rig.replaceHost(unit: 3 * 64)
        #expect(rig.startHost() == nil)
        rig.run()
        #expect(rig.bmcUnit == 192 && rig.hostUnit == 192)
        let body = pattern(192, seed: 1)
        rig.bmcSends(body)
        rig.run()
        #expect(rig.hostMessages == [body] && rig.bmcTerminus.counters.packetsOut == 1)
    }

    @Test func theUnitShrinksOverAnInitialisationAndNothingIsSentTwice() {
        let rig = AstlpcRig(bmcUnit: 3 * 64, hostUnit: 3 * 64)
        #expect(rig.begin())
        let body = pattern(192, seed: 1)
        rig.bmcSends(body)
        rig.run()
        #expect(rig.hostMessages == [body] && rig.bmcTerminus.counters.packetsOut == 1)
        rig.replaceHost(unit: 2 * 64)
        #expect(rig.startHost() == nil)
        rig.run()
        #expect(rig.bmcUnit == 128)
        #expect(rig.hostMessages.count == 1 && rig.bmcTerminus.counters.packetsOut == 1)
        rig.bmcSends(body)
        rig.run()
        #expect(rig.hostMessages == [body, body] && rig.bmcTerminus.counters.packetsOut == 3)
    }
}
