// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@Suite struct TransmitTests {
    @Test("messages of every length survive being cut and joined", arguments: [64, 65, 100, 251, 4096])
    func fragmentationRoundTrips(unit: Int) {
        let sender = Terminus(eid: EID(9))
        let receiver = Terminus(eid: EID(8))
        for length in [1, 2, 63, 64, 65, 127, 128, 129, 1000, 4096, 65_536, 65_537] {
            let body = pattern(length, seed: UInt64(length))
            #expect(sender.request(body, to: 8) != nil)
            let packets = sender.packets(unit: unit)
            #expect(packets.count == (length + unit - 1) / unit)
            for (index, packet) in packets.enumerated() {
                let last = index == packets.count - 1
                #expect(packet[3] & 0x80 != 0 ? index == 0 : index > 0)
                #expect((packet[3] & 0x40 != 0) == last)
                #expect(packet.count == unit + 4 || last)
                #expect(receiver.take(packet) == (last ? .message(body) : .incomplete))
            }
        }
        #expect(sender.counters.messagesOut == 12 && receiver.counters.messagesIn == 12)
    }

    @Test func thePacketComesAgainUntilItWasTaken() {
        let terminus = Terminus(eid: EID(9))
        #expect(terminus.request([1, 2, 3], to: 8) != nil)
        var first = [UInt8](repeating: 0, count: 68)
        var second = first
        #expect(first.withUnsafeMutableBytes { terminus.nextPacket(unit: 64, into: $0) } == 7)
        #expect(terminus.nextPacketSize(unit: 64) == 7)
        #expect(second.withUnsafeMutableBytes { terminus.nextPacket(unit: 64, into: $0) } == 7)
        #expect(first == second)
        terminus.packetTaken()
        #expect(terminus.nextPacketSize(unit: 64) == 0)
    }

    @Test func theQueueTakesEverythingBelowItsBoundAndRefusesAbove() {
        let terminus = Terminus(eid: EID(9), queueBound: 64 << 10)
        let body = [UInt8](repeating: 1, count: 1000)
        var count = 0
        while terminus.room >= body.count {
            #expect(terminus.request(body, to: 8) != nil)
            count += 1
        }
        #expect(count == 64)
        #expect(terminus.request(body, to: 8) == nil)
        #expect(!terminus.answer(body, to: 8, tag: MessageTag(0, owner: false)))
        #expect(terminus.counters[.queueFull] == 2)
        #expect(terminus.packets(unit: 1000).count == 64)
        #expect(terminus.request(body, to: 8) != nil)
    }

    @Test func messagesKeepTheirOrderAcrossTheRingsEnd() {
        let sender = Terminus(eid: EID(9), queueBound: 16 << 10)
        let receiver = Terminus(eid: EID(8))
        var expected: [[UInt8]] = []
        var random = Seeded(7)
        for round in 0..<2000 {
            let body = pattern(Int.random(in: 1...5000, using: &random), seed: UInt64(round))
            while sender.room < body.count { drain(sender, receiver, &expected) }
            #expect(sender.request(body, to: 8) != nil)
            expected.append(body)
        }
        while !expected.isEmpty { drain(sender, receiver, &expected) }
        #expect(sender.queued == 0)
    }

    private func drain(_ sender: Terminus, _ receiver: Terminus, _ expected: inout [[UInt8]]) {
        var packet = [UInt8](repeating: 0, count: 1004)
        let count = packet.withUnsafeMutableBytes { sender.nextPacket(unit: 1000, into: $0) }
        #expect(count > 0)
        sender.packetTaken()
        if case .message(let body) = receiver.take(Array(packet[..<count])) {
            #expect(body == expected.removeFirst())
        }
    }

    @Test func aLinkResetBeginsTheMessageAnewAndDropsAnswers() {
        let terminus = Terminus(eid: EID(9))
        let long = pattern(200, seed: 1)
        #expect(terminus.request(long, to: 8) != nil)
        #expect(terminus.answer([1, 2], to: 8, tag: MessageTag(3, owner: false)))
        #expect(terminus.request([5, 6], to: 8) != nil)
        var packet = [UInt8](repeating: 0, count: 68)
        _ = packet.withUnsafeMutableBytes { terminus.nextPacket(unit: 64, into: $0) }
        terminus.packetTaken()
        terminus.linkReset()
        #expect(terminus.counters[.linkReset] == 1)
        let receiver = Terminus(eid: EID(8))
        let received = terminus.packets(unit: 100).map { receiver.take($0) }
        #expect(received == [.incomplete, .message(long), .message([5, 6])])
    }

    @Test func aResetWhenOnlyAnswersWaitLeavesNothing() {
        let terminus = Terminus(eid: EID(9))
        for _ in 0..<3 { #expect(terminus.answer([1, 2], to: 8, tag: MessageTag(3, owner: false))) }
        terminus.linkReset()
        terminus.linkReset()
        #expect(terminus.counters[.linkReset] == 3)
        #expect(terminus.nextPacketSize(unit: 64) == 0)
        #expect(terminus.packets(unit: 64).isEmpty)
        #expect(terminus.queued == 0)
    }

    @Test func tagsAreDifferentUntilAnsweredOrExpired() {
        let terminus = Terminus(eid: EID(9))
        var tags: [MessageTag] = []
        for _ in 0..<8 { tags.append(terminus.request([1], to: 8, now: 1)!) }
        #expect(Set(tags).count == 8)
        #expect(tags.allSatisfy { $0.isOwner })
        // Another peer has tags of its own.
        #expect(terminus.request([1], to: 10, now: 1)!.value == 0)
        // An answer frees its tag, and only that one.
        #expect(terminus.take([1, 9, 8, 0xC0 | 5, 1], now: 2) == .message([1]))
        #expect(terminus.request([1], to: 8, now: 3)!.value == 5)
        // None free: the oldest is used again rather than nothing being sent.
        #expect(terminus.request([1], to: 8, now: 4) != nil)
        // After six seconds all are free.
        let later: UInt64 = 6_000_000_010
        let again = (0..<8).map { _ in terminus.request([1], to: 8, now: later)! }
        #expect(Set(again).count == 8)
    }

    @Test func anAnswerCanOvertakeEverythingElse() {
        for answers in [[3], [3, 5], [5, 3]] as [[UInt8]] {
            let terminus = Terminus(eid: EID(9), queueBound: 16 << 10)
            let long = pattern(8000, seed: 1)
            #expect(terminus.request(long, to: 8) != nil)
            var packet = [UInt8](repeating: 0, count: 1004)
            _ = packet.withUnsafeMutableBytes { terminus.nextPacket(unit: 1000, into: $0) }
            terminus.packetTaken()
            let receiver = Terminus(eid: EID(8))
            #expect(receiver.take(packet) == .incomplete)
            for tag in answers {
                #expect(terminus.answer(pattern(3000, seed: UInt64(tag)), to: 8, tag: MessageTag(tag, owner: false)))
            }
            #expect(!terminus.bringForward(to: EID(8), tag: MessageTag(4, owner: false)))
            #expect(!terminus.bringForward(to: EID(7), tag: MessageTag(3, owner: false)))
            #expect(!terminus.bringForward(to: EID(8), tag: MessageTag(0, owner: true)))
            for tag in answers.reversed() {
                #expect(terminus.bringForward(to: EID(8), tag: MessageTag(tag, owner: false)))
                #expect(terminus.bringForward(to: EID(8), tag: MessageTag(tag, owner: false)))
            }
            let whole = terminus.packets(unit: 1000).map { receiver.take($0) }.filter { $0 != .incomplete }
            #expect(whole == answers.map { .message(pattern(3000, seed: UInt64($0))) } + [.message(long)])
            #expect(terminus.queued == 0)
        }
    }

    @Test func everyMessageBeginsWithSequenceNumberZero() {
        let terminus = Terminus(eid: EID(9))
        for _ in 0..<5 { #expect(terminus.request(pattern(150, seed: 1), to: 8) != nil) }
        let flags = terminus.packets(unit: 64).map { $0[3] >> 4 }
        #expect(flags == [8, 1, 6, 8, 1, 6, 8, 1, 6, 8, 1, 6, 8, 1, 6])
    }

    @Test func oldAnswersAreDroppedAndRequestsAreNot() {
        let terminus = Terminus(eid: EID(9))
        #expect(terminus.answer([1], to: 8, tag: MessageTag(3, owner: false)))
        #expect(terminus.request([2], to: 8) != nil)
        terminus.dropAnswers(queuedBefore: 1)
        #expect(terminus.counters[.timedOut] == 1)
        #expect(terminus.packets(unit: 64).map { $0[4] } == [2])
    }
}
