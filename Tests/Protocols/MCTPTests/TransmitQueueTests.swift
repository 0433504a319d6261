// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import MCTP

/// A queue that expectations can look at: it has no copies.
private final class Queue {
    private var queue: TransmitQueue

    init(bound: Int = 16 << 10, position: UInt32 = 0) { queue = TransmitQueue(bound: bound, position: position) }

    var count: Int { queue.count }
    var room: Int { queue.room }

    func append(
        _ body: [UInt8], tag: MessageTag = MessageTag(0, owner: true), overtakes: Bool = false, now: UInt64 = 0
    ) -> Bool {
        body.withUnsafeBytes {
            queue.append($0, destination: EID(8), source: EID(9), tag: tag, overtakes: overtakes, now: now)
        }
    }

    /// The next packet; empty if there is none.
    func next(unit: Int = 4096) -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: queue.nextSize(unit: unit))
        let count = packet.count
        let built = count == 0 ? 0 : packet.withUnsafeMutableBytes { queue.next(unit: unit, into: $0) }
        #expect(built == count)
        return packet
    }

    /// The next packet, taken.
    func take(unit: Int = 4096) -> [UInt8] {
        let packet = next(unit: unit)
        _ = queue.commit()
        return packet
    }

    func withdraw() { queue.withdraw() }
    func removeAll() -> Int { queue.removeAll() }
    func cancelRequests(queuedBefore time: UInt64) -> Int { queue.cancelRequests(queuedBefore: time) }
    func bringForward(_ tag: UInt8) -> Bool {
        queue.bringForward(destination: EID(8), tag: MessageTag(tag, owner: false))
    }
}

@Suite("transmit queue") struct TransmitQueueTests {
    @Test("positions wrap by design", arguments: [0, .max, .max - 1, .max - 1000, 1 << 31, .max / 2] as [UInt32])
    func positionsWrap(position: UInt32) {
        let queue = Queue(position: position)
        var random = Seeded(UInt64(position))
        var waiting: [[UInt8]] = []
        // It is never empty, so that the positions go on, around the ring and over the end of 32 bits.
        for round in 0..<500 {
            let body = pattern(Int.random(in: 1...3000, using: &random), seed: UInt64(round))
            if queue.append(body) { waiting.append(body) }
            while waiting.count > 3 { #expect(Array(queue.take().dropFirst(4)) == waiting.removeFirst()) }
            #expect(queue.count == waiting.count)
        }
        #expect(waiting.count == 3)
    }

    @Test(
        "what overtakes and what is brought forward, over the end of the positions",
        arguments: [0, 100, 2000] as [UInt32])
    func overtakingOverTheEnd(distance: UInt32) {
        let queue = Queue(position: 0 &- distance)
        let answers = (UInt8(0)..<4).map { pattern(700, seed: UInt64($0)) }
        #expect(queue.append(pattern(3000, seed: 9)))
        #expect(queue.take(unit: 1000).count == 1004)
        for (tag, body) in answers.enumerated() {
            #expect(queue.append(body, tag: MessageTag(UInt8(tag), owner: false), overtakes: tag == 1))
        }
        for tag in [UInt8(2), 0, 3, 1, 0] {
            #expect(queue.bringForward(tag))
        }
        for tag in [0, 1, 3, 2] { #expect(Array(queue.take().dropFirst(4)) == answers[tag]) }
        #expect(Array(queue.take().dropFirst(4)) == Array(pattern(3000, seed: 9)[1000...]))
        #expect(queue.count == 0 && queue.take() == [])
    }

    @Test func whatOvertakesKeepsItsOrderAndNeedsNoRoomBehindTheOthers() {
        let queue = Queue()
        while queue.append([UInt8](repeating: 7, count: 1000)) {}
        for byte in UInt8(1)...3 {
            #expect(queue.append([0, byte], tag: MessageTag(byte, owner: false), overtakes: true))
        }
        for byte in UInt8(1)...3 { #expect(queue.take().last == byte) }
        #expect(queue.take().last == 7)
        // They have a bound of their own.
        var count = 0
        while queue.append([0, 1], tag: MessageTag(1, owner: false), overtakes: true) { count += 1 }
        #expect(count > 1000 && count < 65536 / 24)
    }

    @Test func whatOvertakesDoesNotFallIntoAMessageThatItsPacketsWouldBeTakenFor() {
        let tag = MessageTag(3, owner: false)
        let queue = Queue()
        #expect(queue.append([UInt8](repeating: 7, count: 100), tag: tag))
        _ = queue.take(unit: 64)
        #expect(queue.append([0, 1], tag: tag, overtakes: true))
        #expect(queue.take(unit: 64).last == 7)
        #expect(queue.take(unit: 64).last == 1)
    }

    @Test func requestsExpireAndWhatIsUnderWayOrAnAnswerDoesNot() {
        let queue = Queue()
        let long = pattern(200, seed: 1)
        #expect(queue.append(long, now: 1))
        #expect(queue.append([1], now: 1))
        #expect(queue.append([2], tag: MessageTag(1, owner: false), now: 1))
        #expect(queue.append([3], now: 9))
        _ = queue.take(unit: 64)
        #expect(queue.cancelRequests(queuedBefore: 5) == 1)
        #expect(queue.count == 3)
        #expect(queue.take().count == 4 + 136)
        #expect(queue.take().last == 2)
        #expect(queue.take().last == 3)
    }

    @Test func aPacketThatTheLinkHasIsUnderWayUntilItIsTakenOrRefused() {
        let queue = Queue()
        #expect(queue.append([1, 2], now: 1))
        #expect(queue.next().count == 6)
        #expect(queue.cancelRequests(queuedBefore: 5) == 0)
        queue.withdraw()
        #expect(queue.cancelRequests(queuedBefore: 5) == 1)
        #expect(queue.count == 0)
    }

    @Test func everythingCanBeCancelledAndTheRingGoesOn() {
        let queue = Queue(position: .max - 50)
        for byte in UInt8(0)..<9 { #expect(queue.append([byte, byte], overtakes: byte % 3 == 0)) }
        #expect(queue.removeAll() == 9)
        #expect(queue.count == 0 && queue.room == (16 << 10) - 24)
        #expect(queue.append([5]))
        #expect(queue.take().last == 5)
    }
}
