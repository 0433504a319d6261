// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@testable import MCTPMux

@Suite("mctp-mux clients that see tags") struct TaggedClientTests {
    let bench = AstlpcBench()

    private func client(_ type: UInt8) -> Int {
        let client = bench.endpoint.clientConnected()!
        bench.endpoint.sent(client, [type, 1])
        #expect(bench.sockets.take(client) == [[type, 1]])
        return client
    }

    @Test func theySeeTheTagAndOthersSeeNoDifference() {
        bench.begin()
        let (tagged, plain) = (client(0x7E), bench.endpoint.client(listeningTo: 0x7E))
        bench.hostSends([0x7E, 7], tag: MessageTag(5, owner: true))
        bench.hostSends([0x7E, 8], tag: MessageTag(2, owner: false))
        #expect(bench.sockets.take(tagged) == [[9, 0x0D, 0x7E, 7], [9, 0x02, 0x7E, 8]])
        #expect(bench.sockets.take(plain) == [[9, 0x7E, 7], [9, 0x7E, 8]])
    }

    @Test func theySayWhichRequestTheyAnswer() {
        bench.begin()
        let client = client(0x7E)
        for tag in [UInt8(5), 2, 7] { bench.hostSends([0x7E, tag], tag: MessageTag(tag, owner: true)) }
        for tag in [UInt8(7), 5, 2] {
            bench.endpoint.sent(client, [9, tag, 0x7E, 1])
            bench.run()
            #expect(bench.tags.last == MessageTag(tag, owner: false))
        }
        // It is answered.
        bench.endpoint.sent(client, [9, 7, 0x7E, 1])
        bench.run()
        #expect(bench.tags.count == 3 && bench.endpoint.clientCounters.lateAnswers == 1)
    }

    @Test func theyChooseTheTagOfTheirRequestsAndNobodyElseGetsItMeanwhile() {
        bench.begin()
        let (tagged, plain) = (client(1), bench.endpoint.client(listeningTo: 1))
        bench.endpoint.sent(tagged, [9, 0x08, 1, 0x80, 2])
        bench.endpoint.sent(plain, [9, 1, 0x81, 2])
        bench.run()
        #expect(bench.tags == [MessageTag(0, owner: true), MessageTag(1, owner: true)])
    }

    @Test func whatIsNoTagIsMalformedAndAnotherExtensionIsRefused() {
        bench.begin()
        let tagged = client(1)
        for frame in [[9, 0x10, 1, 0x80], [9, 8], [9]] as [[UInt8]] { bench.endpoint.sent(tagged, frame) }
        #expect(bench.endpoint.clientCounters.malformed == 3)
        let other = bench.endpoint.clientConnected()!
        bench.endpoint.sent(other, [1, 2])
        #expect(bench.sockets.closed == [other])
    }

    @Test func amongThemselvesTheyGetTheAddressAndTheTag() {
        bench.begin()
        let (sender, tagged) = (client(5), client(1))
        bench.endpoint.sent(sender, [8, 0x0B, 1, 0x80])
        #expect(bench.sockets.take(tagged) == [[8, 0x0B, 1, 0x80]])
        bench.endpoint.clientGone(tagged)
        let plain = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(sender, [8, 0x0B, 1, 0x80])
        #expect(bench.sockets.take(plain) == [[8, 1, 0x80]])
    }
}
