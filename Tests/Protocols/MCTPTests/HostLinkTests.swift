// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@Suite("the host's side for simulators") struct HostLinkTests {
    @Test func anAstlpcHostAsksAndIsAnswered() {
        let memory = GuardedMemory(1 << 20)
        var bmc = AstlpcBMC(memory.window)!
        let terminus = Terminus(eid: EID(8))
        let link = AstlpcHostLink(memory.window, eid: EID(9))
        bmc.start()
        bmc.written()
        #expect(link.start(status: 0x80) == nil)
        let tag = link.send(request: [1, 2, 3], to: EID(8), now: 1)
        var status: UInt8 = 0x80
        var answered = false
        for _ in 0..<100 {
            while let value = link.write {
                link.written()
                let event = bmc.hostWrote(value)
                if event == .credit { terminus.packetTaken() }
                if event == .packet, case .message(let message) = terminus.receive(bmc.received, now: 1) {
                    #expect(Array(message.body) == [1, 2, 3] && message.tag == tag)
                    let answer: [UInt8] = [1, 4]
                    answered = answer.withUnsafeBytes {
                        terminus.send($0, to: message.source, tag: message.tag.answer, now: 1)
                    }
                }
            }
            if bmc.write == nil, bmc.hasCredit {
                let size = terminus.nextPacketSize(unit: bmc.unit)
                if size > 0 {
                    _ = terminus.nextPacket(unit: bmc.unit, into: bmc.packet(size))
                    bmc.send(size)
                }
            }
            guard let write = bmc.write else { continue }
            bmc.written()
            var value: UInt8 = 0xFF
            switch write {
            case .data(let byte): value = byte
            case .status(let str): status = str
            }
            _ = link.bmcWrote(value, status: status, now: 1)
        }
        #expect(answered && link.isActive && link.version == .v3)
        let message = link.takeMessage()
        #expect(message?.body == [1, 4] && message?.tag == tag?.answer && message?.source == EID(8))
        #expect(link.takeMessage() == nil)
    }

    @Test func aDSP0254HostSendsFragmentsAndReadsAnswers() {
        let link = DSP0254HostLink(eid: EID(9))
        let terminus = Terminus(eid: EID(8))
        let body = pattern(200, seed: 1)
        let tag = link.send(request: body, to: EID(8), now: 1)
        var whole: [UInt8]?
        while var message = link.next() {
            let range = message.withUnsafeBytes { DSP0254.packet(in: $0) }!
            message = Array(message[range])
            if case .message(let body) = terminus.take(message) { whole = body }
        }
        #expect(whole == body)
        #expect(terminus.answer(pattern(100, seed: 2), to: 9, tag: tag!.answer))
        for packet in terminus.packets(unit: 64) {
            var message = [0, 0, 0] + packet + [0]
            _ = message.withUnsafeMutableBytes { DSP0254.frame(packet: packet.count, in: $0) }
            #expect(link.received(message, now: 1))
            if link.isIncomplete { #expect(link.getPacket(from: EID(8), now: 1)?.count == 11) }
        }
        #expect(link.takeMessage()?.body == pattern(100, seed: 2))
        #expect(!link.received([0xB4, 1, 0xC3], now: 1))
    }
}
