// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@testable import MCTPMux

@Suite("the life of requests") struct RequestTests {
    let bench = AstlpcBench()

    @Test("answers of every type carry the request's tag", arguments: [5, 4, 0x84, 0x7E, 0x7F, 2] as [UInt8])
    func answersOfEveryTypeCarryTheRequestsTag(type: UInt8) {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: type)
        let (request, answer): ([UInt8], [UInt8]) =
            switch type & 0x7F {
            case 5: ([5, 0x10, 0x84], [5, 0x10, 0x04])
            case 4: ([type, 0x08, 0], [type, 0x88, 0])
            default: ([type, 0x12, 0x34], [type, 0x12, 0x34, 0])
            }
        bench.hostSends(request, tag: MessageTag(5, owner: true))
        bench.hostSends(request, tag: MessageTag(2, owner: true))
        // Several are answered in the order in which they came.
        for tag in [UInt8(5), 2] {
            bench.endpoint.sent(client, [9] + answer)
            bench.run()
            #expect(bench.received.popLast() == answer)
            #expect(bench.tags.last == MessageTag(tag, owner: false))
        }
        // With no request open, what says that it is an answer goes nowhere, and anything else is a request.
        bench.endpoint.sent(client, [9] + answer)
        bench.run()
        #expect(bench.received.isEmpty == (type & 0x7F == 5 || type & 0x7F == 4))
    }

    @Test(
        "a request of a program is one, whatever is open",
        arguments: [[1, 0x82, 2, 3], [5, 0x10, 0x84], [4, 0x08, 0]])
    func aProgramsOwnRequestIsNoAnswer(request: [UInt8]) {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: request[0])
        bench.hostSends(request, tag: MessageTag(5, owner: true))
        bench.endpoint.sent(client, [9] + request)
        bench.run()
        #expect(bench.received == [request] && bench.tags.last?.isOwner == true)
    }

    @Test func aTagThatTheHostUsesAgainIsItsNewRequests() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 0x7E)
        for _ in 0..<2 { bench.hostSends([0x7E, 1], tag: MessageTag(5, owner: true)) }
        for _ in 0..<2 { bench.endpoint.sent(client, [9, 0x7E, 2]) }
        bench.run()
        #expect(bench.tags.map(\.isOwner) == [false, true])
    }

    @Test func aRequestIsRefusedWithoutAChannelAndGoesWithIt() {
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [9, 1, 0x80, 2])
        #expect(bench.endpoint.queued == 0 && bench.endpoint.clientCounters.refusedRequests == 1)
        bench.begin()
        #expect(bench.received.isEmpty)
        bench.endpoint.sent(client, [9, 1, 0x80, 2])
        #expect(bench.endpoint.queued == 1)
        bench.link.reset(now: bench.now)
        #expect(bench.endpoint.queued == 0 && bench.endpoint.counters[.linkReset] == 1)
    }

    @Test func aRequestExpiresAfterSixSecondsAndOneUnderWayGoesOn() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [9, 1, 0x80, 2], now: 1_000_000_000)
        bench.endpoint.sent(client, [9, 1, 0x81, 2], now: 1_000_000_000)
        bench.link.pump(now: 1_000_000_000)
        bench.endpoint.tick(now: 6_999_999_999)
        #expect(bench.endpoint.queued == 2)
        bench.endpoint.tick(now: 7_000_000_001)
        #expect(bench.endpoint.queued == 1 && bench.endpoint.counters[.expired] == 1)
        bench.run()
        #expect(bench.received == [[1, 0x80, 2]] && bench.endpoint.queued == 0)
    }

    @Test func controlAnswersOvertakeWhatWaits() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        for _ in 0..<4 { bench.endpoint.sent(client, [9, 1, 0x80, 2]) }
        bench.hostSends([0, 0x80, 2], tag: MessageTag(1, owner: true))
        // One may have gone before the request came.
        #expect(bench.received.prefix(2).contains([0, 0, 2, 0, 8, 2, 0]))
        #expect(bench.received.count == 5)
    }

    @Test func controlAnswersFindRoomWhenTheQueueHasNone() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        while bench.endpoint.counters[.queueFull] == 0 {
            bench.endpoint.sent(client, [9, 1, 0x80] + [UInt8](repeating: 7, count: 200_000))
        }
        bench.hostSends([0, 0x80, 2], tag: MessageTag(1, owner: true))
        #expect(bench.received.prefix(2).contains([0, 0, 2, 0, 8, 2, 0]))
    }

    @Test func aPacketFromOurOwnAddressIsDropped() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        var packet: [UInt8] = [1, 8, 8, 0xC8, 1, 0x80]
        packet.withUnsafeMutableBytes { _ = bench.endpoint.received($0, now: 1) }
        #expect(bench.sockets.take(client).isEmpty && bench.endpoint.counters[.notForUs] == 1)
    }
}
