// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

private func packet(
    _ body: [UInt8], som: Bool = false, eom: Bool = false, sequence: UInt8 = 0, tag: UInt8 = 0, owner: Bool = true,
    source: UInt8 = 9, destination: UInt8 = 8
) -> [UInt8] {
    [1, destination, source, (som ? 0x80 : 0) | (eom ? 0x40 : 0) | sequence << 4 | (owner ? 8 : 0) | tag] + body
}

@Suite("reassembly, DSP0236 §8") struct ReassemblyTests {
    let terminus = Terminus(eid: EID(8))

    @Test func aSinglePacketIsAMessage() {
        #expect(terminus.take(packet([1, 2, 3], som: true, eom: true)) == .message([1, 2, 3]))
    }

    @Test func packetsOfOneMessageAreJoinedFromAnySequenceNumberOn() {
        for first in UInt8(0)..<4 {
            #expect(terminus.take(packet([1, 2], som: true, sequence: first)) == .incomplete)
            for step in UInt8(1)..<6 {
                #expect(terminus.take(packet([step, 0], sequence: (first + step) & 3)) == .incomplete)
            }
            let last = terminus.take(packet([9], eom: true, sequence: (first + 6) & 3))
            #expect(last == .message([1, 2, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 9]))
        }
    }

    @Test func aLaterPacketWithoutTheFirstIsDropped() {
        #expect(terminus.take(packet([1], eom: true, sequence: 1)) == .dropped(.noContext))
        #expect(terminus.take(packet([1], sequence: 1)) == .dropped(.noContext))
    }

    @Test func somInsideAMessageRestartsReassembly() {
        #expect(terminus.take(packet([1], som: true)) == .incomplete)
        #expect(terminus.take(packet([7], som: true, sequence: 2)) == .incomplete)
        #expect(terminus.take(packet([8], eom: true, sequence: 3)) == .message([7, 8]))
        #expect(terminus.counters[.restarted] == 1)
        #expect(terminus.take(packet([1], som: true)) == .incomplete)
        #expect(terminus.take(packet([5], som: true, eom: true)) == .message([5]))
        #expect(terminus.take(packet([8], eom: true, sequence: 1)) == .dropped(.noContext))
    }

    @Test func aMissingOrRepeatedPacketDropsTheMessage() {
        for wrong in [UInt8(0), 2, 3] {
            #expect(terminus.take(packet([1], som: true)) == .incomplete)
            #expect(terminus.take(packet([2], sequence: wrong)) == .dropped(.sequenceGap))
            #expect(terminus.take(packet([3], eom: true, sequence: 1)) == .dropped(.noContext))
        }
    }

    @Test func aMiddlePacketOfAnotherSizeDropsTheMessage() {
        for body in [[1] as [UInt8], [1, 2, 3], []] {
            #expect(terminus.take(packet([1, 2], som: true)) == .incomplete)
            #expect(terminus.take(packet(body, sequence: 1)) == .dropped(.sizeMismatch))
        }
    }

    @Test func theLastPacketMayBeShorterButNotLonger() {
        #expect(terminus.take(packet([1, 2], som: true)) == .incomplete)
        #expect(terminus.take(packet([3], eom: true, sequence: 1)) == .message([1, 2, 3]))
        #expect(terminus.take(packet([1, 2], som: true)) == .incomplete)
        #expect(terminus.take(packet([3, 4, 5], eom: true, sequence: 1)) == .dropped(.sizeMismatch))
    }

    @Test func messagesAreToldApartBySourceDestinationTagAndOwner() {
        let first = packet([1], som: true)
        let others: [[UInt8]] = [
            packet([2], som: true, source: 10), packet([3], som: true, destination: 0),
            packet([4], som: true, tag: 1), packet([5], som: true, owner: false),
        ]
        #expect(terminus.take(first) == .incomplete)
        for other in others { #expect(terminus.take(other) == .incomplete) }
        #expect(terminus.counters[.restarted] == 0)
        #expect(terminus.take(packet([9], eom: true, sequence: 1, owner: false)) == .message([5, 9]))
        #expect(terminus.take(packet([9], eom: true, sequence: 1, tag: 1)) == .message([4, 9]))
        #expect(terminus.take(packet([9], eom: true, sequence: 1, destination: 0)) == .message([3, 9]))
        #expect(terminus.take(packet([9], eom: true, sequence: 1, source: 10)) == .message([2, 9]))
        #expect(terminus.take(packet([9], eom: true, sequence: 1)) == .message([1, 9]))
    }

    @Test func packetsForOthersAndOfImpossibleOriginAreDropped() {
        #expect(terminus.take(packet([1], som: true, eom: true, destination: 7)) == .dropped(.notForUs))
        #expect(terminus.take(packet([1], som: true, eom: true, source: 0xFF)) == .dropped(.notForUs))
        #expect(terminus.take(packet([1], som: true, eom: true, destination: 0)) == .message([1]))
        #expect(terminus.take(packet([1], som: true, eom: true, destination: 0xFF)) == .message([1]))
        #expect(terminus.take([2, 8, 9, 0xC8, 1]) == .dropped(.malformed))
        for count in 0..<4 { #expect(terminus.take([UInt8](repeating: 1, count: count)) == .dropped(.malformed)) }
    }

    @Test func aFirstPacketWithoutAMessageTypeIsDropped() {
        #expect(terminus.take(packet([], som: true, eom: true)) == .dropped(.malformed))
        #expect(terminus.take(packet([], som: true)) == .dropped(.malformed))
        #expect(terminus.incomplete == 0)
    }

    @Test func aMessageTimesOutSixSecondsAfterItsLastPacket() {
        let second: UInt64 = 1_000_000_000
        #expect(terminus.take(packet([1], som: true), now: second) == .incomplete)
        #expect(terminus.take(packet([2], sequence: 1), now: 6 * second) == .incomplete)
        #expect(terminus.expire(now: 11 * second) == 12 * second)
        #expect(terminus.incomplete == 1)
        #expect(terminus.expire(now: 12 * second) == nil)
        #expect(terminus.incomplete == 0)
        #expect(terminus.counters[.timedOut] == 1)
        #expect(terminus.take(packet([1], som: true), now: 20 * second) == .incomplete)
        #expect(terminus.take(packet([2], eom: true, sequence: 1), now: 26 * second) == .dropped(.timedOut))
    }

    @Test func abandonedFirstPacketsNeverStopReception() {
        for round in 0..<1000 {
            for tag in UInt8(0)..<8 {
                for source in UInt8(10)..<40 {
                    let reception = terminus.take(packet([1], som: true, tag: tag, source: source), now: UInt64(round))
                    #expect(reception == .incomplete)
                }
            }
            if round % 100 == 0 {
                let now = UInt64(round)
                #expect(terminus.take(packet([1, 2], som: true), now: now) == .incomplete)
                #expect(terminus.take(packet([3, 4], sequence: 1), now: now) == .incomplete)
                #expect(terminus.take(packet([5], eom: true, sequence: 2), now: now) == .message([1, 2, 3, 4, 5]))
            }
        }
        #expect(terminus.incomplete <= 32)
        #expect(terminus.reassemblyMemory <= (1 << 20) + 64)
    }

    @Test func oneSenderCannotPushOutAnothersMessages() {
        let limits = ReassemblyLimits(messages: 8)
        let terminus = Terminus(eid: EID(8), limits: limits)
        #expect(terminus.take(packet([1], som: true, source: 20), now: 1) == .incomplete)
        for count in 0..<100 {
            let now = UInt64(count + 2)
            #expect(terminus.take(packet([1], som: true, tag: UInt8(count % 8), source: 30), now: now) == .incomplete)
            #expect(
                terminus.take(packet([1], som: true, tag: UInt8(count % 8), owner: false, source: 30), now: now)
                    == .incomplete)
        }
        #expect(terminus.take(packet([2], eom: true, sequence: 1, source: 20), now: 200) == .message([1, 2]))
    }

    @Test func aMessageOverItsSendersBoundIsDroppedAndOthersAreNot() {
        let limits = ReassemblyLimits(perPeer: 1000, total: 4000)
        let terminus = Terminus(eid: EID(8), limits: limits)
        let chunk = [UInt8](repeating: 7, count: 100)
        #expect(terminus.take(packet(chunk, som: true)) == .incomplete)
        for step in 1..<10 { #expect(terminus.take(packet(chunk, sequence: UInt8(step & 3))) == .incomplete) }
        #expect(terminus.take(packet(chunk, sequence: 2)) == .dropped(.overLimit))
        #expect(terminus.reassemblyMemory <= 4000 + 32)
        #expect(terminus.take(packet(chunk, som: true, source: 10)) == .incomplete)
        for step in 1..<9 {
            #expect(terminus.take(packet(chunk, sequence: UInt8(step & 3), source: 10)) == .incomplete)
        }
        #expect(
            terminus.take(packet(chunk, eom: true, sequence: 1, source: 10))
                == .message(.init(repeating: 7, count: 1000)))
    }

    @Test func allMemoryTakenTheOldestMessageGivesWay() {
        let limits = ReassemblyLimits(perPeer: 8192, total: 16384)
        let terminus = Terminus(eid: EID(8), limits: limits)
        let chunk = [UInt8](repeating: 7, count: 8000)
        for (now, source) in [UInt8(10), 11, 12].enumerated() {
            #expect(terminus.take(packet(chunk, som: true, source: source), now: UInt64(now)) == .incomplete)
        }
        #expect(terminus.counters[.evicted] == 1)
        #expect(terminus.reassemblyMemory <= 16384 + 32)
        #expect(terminus.take(packet([1], eom: true, sequence: 1, source: 10), now: 4) == .dropped(.noContext))
        #expect(terminus.take(packet([1], eom: true, sequence: 1, source: 12), now: 4) == .message(chunk + [1]))
        #expect(terminus.take(packet([1], eom: true, sequence: 1, source: 11), now: 4) == .message(chunk + [1]))
    }

    @Test func aCorruptPacketTakesItsMessageWithIt() {
        #expect(terminus.take(packet([1], som: true)) == .incomplete)
        packet([2], sequence: 1).withUnsafeBytes { terminus.receivedCorrupt($0) }
        #expect(terminus.counters[.corrupt] == 1)
        #expect(terminus.take(packet([3], eom: true, sequence: 1)) == .dropped(.noContext))
        [UInt8]().withUnsafeBytes { terminus.receivedCorrupt($0) }
    }

    @Test("whatever is lost, repeated or swapped, only sent messages come out", arguments: UInt64(1)...8)
    func lossReorderAndDuplicationNeverForgeAMessage(seed: UInt64) {
        var random = Seeded(seed)
        let sender = Terminus(eid: EID(9))
        let receiver = Terminus(eid: EID(8))
        var sent: Set<[UInt8]> = []
        var arrived = 0
        for round in 0..<scaled(20_000) {
            // A tag comes again after eight messages: what was lost of the first has timed out by then.
            let now = UInt64(round) * 1_000_000_000
            let length = Int.random(in: 1...600, using: &random)
            // The first bytes name the message, so that no two are alike.
            let body = [1, UInt8(round & 0xFF), UInt8(round >> 8 & 0xFF)] + pattern(length, seed: random.next())
            sent.insert(body)
            #expect(sender.request(body, to: 8, now: now) != nil)
            var packets = sender.packets(unit: 64)
            let fault = Int.random(in: 0..<8, using: &random)
            let place = Int.random(in: 0..<packets.count, using: &random)
            let other = Int.random(in: 0..<packets.count, using: &random)
            // Sequence numbers count to 4: from farther away, no receiver can tell.
            if fault == 1 || fault == 2, abs(place - other) > 3 { continue }
            switch fault {
            case 0: packets.remove(at: place)
            case 1: packets.swapAt(place, other)
            case 2: packets.insert(packets[place], at: other)
            default: break
            }
            var whole = 0
            for packet in packets {
                if case .message(let body) = receiver.take(packet, now: now) {
                    let wasSent = sent.contains(body)
                    #expect(wasSent)
                    whole += 1
                }
            }
            if fault > 2 { #expect(whole == 1) }
            arrived += whole
        }
        #expect(arrived > 0)
        #expect(receiver.counters.dropped > 0)
    }

    @Test("arbitrary bytes as packets", arguments: UInt64(1)...4)
    func arbitraryPacketsNeverTrapAndStayWithinMemory(seed: UInt64) {
        var random = Seeded(seed)
        let limits = ReassemblyLimits(perPeer: 2048, total: 8192, messages: 6)
        let terminus = Terminus(eid: EID(8), limits: limits)
        for now in 0..<scaled(1_000_000) {
            var bytes = pattern(Int.random(in: 0...80, using: &random), seed: random.next())
            if bytes.count > 3, Bool.random(using: &random) {
                bytes[0] = 1
                bytes[1] = 8
                bytes[2] &= 0x0F
            }
            _ = terminus.take(bytes, now: UInt64(now) * 1_000_000)
        }
        #expect(terminus.reassemblyMemory <= 8192 + 6)
        #expect(terminus.take(packet([1], som: true), now: .max / 2) == .incomplete)
        #expect(terminus.take(packet([2], eom: true, sequence: 1), now: .max / 2) == .message([1, 2]))
    }
}
