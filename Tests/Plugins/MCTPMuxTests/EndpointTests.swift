// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@testable import MCTPMux

@Suite struct EndpointTests {
    @Test func controlRequestsAreAnsweredWithTheirTagAndInstance() {
        let bench = AstlpcBench()
        bench.begin()
        for tag in UInt8(0)..<8 {
            bench.hostSends([0, 0x80 | tag, 2], tag: MessageTag(tag, owner: true))
            #expect(bench.received.last == [0, tag, 2, 0, 8, 2, 0])
            #expect(bench.tags.last == MessageTag(tag, owner: false))
        }
    }

    @Test func messageTypesAreThoseThatClientsListenTo() {
        let bench = AstlpcBench()
        bench.begin()
        bench.hostSends([0, 0x80, 5])
        #expect(bench.received.last == [0, 0, 5, 0, 0])
        let client = bench.endpoint.client(listeningTo: 1)
        _ = bench.endpoint.client(listeningTo: 0x7F)
        bench.hostSends([0, 0x80, 5])
        #expect(bench.received.last == [0, 0, 5, 0, 2, 1, 0x7F])
        bench.endpoint.clientGone(client)
        bench.hostSends([0, 0x80, 5])
        #expect(bench.received.last == [0, 0, 5, 0, 1, 0x7F])
        bench.hostSends([0, 0x80, 4, 1])
        #expect(bench.received.last == [0, 0, 4, 0x80])
    }

    @Test func anAddressThatTheHostSetsIsOursFromThenOn() {
        let bench = AstlpcBench()
        bench.begin()
        bench.hostSends([0, 0x80, 1, 0, 0x20])
        #expect(bench.received.last == [0, 0, 1, 0, 0, 0x20, 0])
        #expect(bench.endpoint.eid == EID(0x20))
        bench.hostSends([0, 0x80, 2])
        #expect(bench.received.count == 1)
        #expect(bench.endpoint.counters[.notForUs] == 1)
    }

    @Test func answersToAnswersAreNotSent() {
        let bench = AstlpcBench()
        bench.begin()
        bench.hostSends([0, 0x80, 2], tag: MessageTag(1, owner: false))
        bench.hostSends([0, 0x00, 2, 0], tag: MessageTag(1, owner: true))
        #expect(bench.received == [])
    }

    @Test func theBusOwnerGivesTheHostItsAddressAndAsksAgain() {
        let bench = AstlpcBench(EndpointConfiguration(hostEID: EID(9)))
        bench.begin()
        #expect(bench.received == [[0, 0x81, 1, 0, 9]])
        #expect(bench.tags[0].isOwner)
        bench.now += 2_000_000_000
        bench.link.tick(now: bench.now)
        bench.run()
        #expect(bench.received.last == [0, 0x82, 1, 0, 9])
        // An answer to the first attempt comes too late; that to the second counts.
        bench.hostSends([0, 1, 1, 0, 0, 9, 0], tag: bench.tags[0].answer)
        #expect(!bench.observer.lines.contains { $0 == "the host has EID 9" })
        bench.hostSends([0, 2, 1, 0, 0, 9, 0], tag: bench.tags[1].answer)
        #expect(bench.observer.lines.contains { $0 == "the host has EID 9" })
        bench.now += 10_000_000_000
        bench.link.tick(now: bench.now)
        bench.run()
        #expect(bench.received.count == 2)
    }

    @Test func aHostThatDoesNotAnswerIsAskedThreeTimes() {
        let bench = AstlpcBench(EndpointConfiguration(hostEID: EID(9)))
        bench.begin()
        for _ in 0..<10 {
            bench.now += 2_000_000_000
            bench.link.tick(now: bench.now)
            bench.run()
        }
        #expect(bench.received.count == 3)
    }

    @Test func everyPacketIsRecordedInBothDirections() {
        let bench = AstlpcBench()
        bench.begin()
        bench.hostSends([0, 0x80, 2], tag: MessageTag(1, owner: true))
        #expect(bench.observer.packets.map { $0.toHost } == [false, true])
        #expect(bench.observer.packets[0].bytes == [1, 8, 9, 0xC9, 0, 0x80, 2])
        #expect(bench.observer.packets[1].bytes == [1, 9, 8, 0xC1, 0, 0, 2, 0, 8, 2, 0])
    }
}

@Suite struct AstlpcLinkTests {
    @Test func startAndStopTellTheHost() {
        let bench = AstlpcBench()
        bench.registers.status = 0xC0
        bench.link.start(now: 1)
        #expect(bench.registers.status == 0 && bench.registers.odr == 0xFF && bench.registers.wanted)
        // Nothing that the host meant for the BMC before is taken for something new.
        bench.link.data(0, now: 1)
        #expect(bench.registers.status == 0)
        bench.registers.odr = nil
        bench.link.outputReady(now: 2)
        #expect(bench.registers.status == 0x80 && bench.registers.odr == 0xFF && bench.link.deadline == nil)
        bench.link.stop()
        #expect(bench.registers.status == 0 && bench.registers.odr == 0xFF)
        #expect(bench.registers.replaced == 1)
    }

    @Test func aHostThatDoesNotReadHasAQuarterOfASecondToSeeThatTheBMCIsNotReady() {
        let bench = AstlpcBench()
        bench.begin()
        bench.link.reset(now: 1000)
        #expect(bench.registers.status == 0)
        #expect(bench.link.deadline == 250_001_000)
        bench.link.pauseEnded(now: 250_000_999)
        #expect(bench.registers.status == 0)
        bench.link.pauseEnded(now: 250_001_000)
        #expect(bench.registers.status == 0x80 && bench.link.deadline == nil)
    }

    @Test func aDummyThatTookThePlaceOfAnUnreadByteIsSaidOnceMore() {
        let bench = AstlpcBench()
        bench.begin()
        // The host has looked at STR, and reads ODR next.
        bench.registers.odr = 1
        bench.link.reset(now: 1)
        bench.registers.odr = nil
        bench.link.outputReady(now: 2)
        #expect(bench.registers.status == 0 && bench.registers.odr == 0xFF && bench.registers.wanted)
        bench.registers.odr = nil
        bench.link.outputReady(now: 3)
        #expect(bench.registers.status == 0x80 && bench.registers.odr == 0xFF)
    }

    @Test func aByteThatTheHostHasNotReadIsDiscardedOnlyByAReset() {
        let bench = AstlpcBench()
        bench.begin()
        bench.registers.odr = 0x5A
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [9, 1, 2])
        bench.link.pump(now: 1)
        #expect(bench.registers.odr == 0x5A && bench.registers.wanted)
        bench.registers.odr = nil
        bench.registers.wanted = false
        bench.link.outputReady(now: 1)
        #expect(bench.registers.odr == 1 && !bench.registers.wanted)
        bench.link.data(0, now: 1)
        #expect(bench.registers.odr == 0xFF && bench.registers.replaced == 1)
        #expect(bench.registers.status == 0xC0)
    }

    @Test func theReleaseIsWrittenBeforeAClientSeesThePacket() {
        final class Order: ClientSockets {
            let registers: FakeRegisters
            var odrAtDelivery: UInt8?
            init(_ registers: FakeRegisters) { self.registers = registers }
            func send(_ frame: UnsafeRawBufferPointer, to client: Int) -> ClientDelivery {
                odrAtDelivery = registers.odr
                return .sent
            }
            func watchWritable(_ client: Int, _ on: Bool) {}
            func close(_ client: Int) {}
            func setReading(_ reading: ClientReading) {}
        }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { memory.deallocate() }
        let registers = FakeRegisters()
        let sockets = Order(registers)
        let endpoint = Endpoint(EndpointConfiguration(), sockets: sockets, observer: FakeObserver())
        let link = AstlpcLink(endpoint, Window(memory, count: 1 << 20), registers)!
        link.start(now: 1)
        registers.odr = nil
        link.outputReady(now: 1)
        registers.odr = nil
        var host = AstlpcHost(Window(memory, count: 1 << 20))
        _ = host.start(status: 0x80)
        host.written()
        link.data(0, now: 1)
        registers.odr = nil
        _ = host.bmcWrote(0xFF, status: registers.status)
        _ = endpoint.client(listeningTo: 1)
        host.packet(6).copyBytes(from: [1, 8, 9, 0xC8, 1, 2])
        host.send(6)
        link.data(1, now: 1)
        #expect(sockets.odrAtDelivery == 2)
    }

    @Test func aDeviceThatFailsStopsTheLinkAndNothingElse() {
        let bench = AstlpcBench()
        bench.begin()
        bench.registers.isBroken = true
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [9, 1, 2])
        bench.link.pump(now: 1)
        bench.link.data(0, now: 1)
        bench.registers.isBroken = false
        bench.link.pump(now: 1)
        #expect(bench.registers.status == 0xC0)
    }

    @Test func aRefusedHostIsToldAndNamed() {
        let bench = AstlpcBench()
        bench.link.start(now: 1)
        bench.registers.odr = nil
        bench.link.outputReady(now: 1)
        bench.link.data(0, now: 1)
        #expect(bench.registers.status == 0x80)
        #expect(bench.link.refusals == 1)
        #expect(bench.observer.lines.last == "no channel: the host speaks versions 0 to 0, the BMC 1 to 3")
    }

    @Test func aWindowThatWasOverwrittenIsRepairedByTheTick() {
        let bench = AstlpcBench()
        bench.begin()
        bench.memory.storeBytes(of: 0, as: UInt64.self)
        bench.link.tick(now: 2)
        #expect(bench.link.repairs == 1)
        #expect(bench.memory.load(as: UInt32.self).bigEndian == AstlpcHeader.magic)
    }

    @Test func aRestartedHostGetsNeitherOldRequestsNorOldAnswers() {
        let bench = AstlpcBench(unit: 64)
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.hostSends([1, 0x81, 2, 3], tag: MessageTag(5, owner: true))
        bench.endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        bench.endpoint.sent(client, [9, 1, 0x80, 7, 7])
        bench.registers.odr = nil
        bench.received = []
        bench.host = AstlpcHost(Window(bench.memory, count: 1 << 20))
        _ = bench.host.start(status: bench.registers.status)
        bench.run()
        #expect(bench.received == [])
    }
}

@Suite struct LoopbackLinkTests {
    @Test("messages come back from where they were sent", arguments: [1, 64, 65, 4096, 65_536])
    func messagesComeBack(length: Int) {
        let sockets = FakeSockets()
        let endpoint = Endpoint(EndpointConfiguration(), sockets: sockets, observer: FakeObserver())
        let link = LoopbackLink(endpoint)
        link.start(now: 1)
        let client = endpoint.client(listeningTo: 1)
        let body = [1] + (0..<length).map { UInt8($0 % 251) }
        endpoint.sent(client, [9] + body)
        link.pump(now: 1)
        #expect(sockets.take(client) == [[9] + body])
    }

    @Test func aBusOwnerInALoopComesToRest() {
        let endpoint = Endpoint(
            EndpointConfiguration(hostEID: EID(9)), sockets: FakeSockets(), observer: FakeObserver())
        let link = LoopbackLink(endpoint)
        link.start(now: 1)
        for second in 1..<20 { link.tick(now: UInt64(second) * 1_000_000_000) }
        #expect(endpoint.queued == 0)
        #expect(endpoint.counters.messagesOut == 3)
    }
}
