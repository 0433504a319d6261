// SPDX-License-Identifier: Apache-2.0
import MCTP
import Testing

@testable import MCTPMux

@Suite("mctp-mux clients") struct ClientTests {
    let bench = AstlpcBench()

    @Test func aMessageGoesToEveryClientOfItsTypeAndNoOther() {
        bench.begin()
        let first = bench.endpoint.client(listeningTo: 1)
        let second = bench.endpoint.client(listeningTo: 1)
        let other = bench.endpoint.client(listeningTo: 5)
        bench.hostSends([1, 0x80, 2, 3, 4])
        #expect(bench.sockets.take(first) == [[9, 1, 0x80, 2, 3, 4]])
        #expect(bench.sockets.take(second) == [[9, 1, 0x80, 2, 3, 4]])
        #expect(bench.sockets.take(other) == [])
    }

    @Test func theIntegrityCheckBitIsPartOfTheTypeForClients() {
        bench.begin()
        let plain = bench.endpoint.client(listeningTo: 1)
        let checked = bench.endpoint.client(listeningTo: 0x81)
        bench.hostSends([0x81, 7])
        #expect(bench.sockets.take(plain) == [])
        #expect(bench.sockets.take(checked) == [[9, 0x81, 7]])
    }

    @Test func messagesOfManyPacketsReachClientsWhole() {
        let bench = AstlpcBench(unit: 64)
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        let body = [1] + (0..<5000).map { UInt8($0 & 0xFF) }
        bench.hostSends(body)
        #expect(bench.sockets.take(client) == [[9] + body])
        bench.endpoint.sent(client, [9] + body)
        bench.run()
        #expect(bench.received == [body])
    }

    @Test func aClientsMessageGoesOutAsARequestWithATagOfOurs() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [9, 1, 0x80, 2, 3])
        bench.run()
        #expect(bench.received == [[1, 0x80, 2, 3]])
        #expect(bench.tags[0].isOwner)
    }

    @Test func pldmAnswersGoOutWithTheRequestsTagAndWithoutOwner() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        // Three requests at once, with tags and instance ids that do not go together, answered out of order.
        for (tag, instance) in [(UInt8(6), UInt8(1)), (2, 9), (3, 31)] {
            bench.hostSends([1, 0x80 | instance, 2, 3], tag: MessageTag(tag, owner: true))
        }
        #expect(bench.sockets.take(client).count == 3)
        for (tag, instance) in [(UInt8(3), UInt8(31)), (6, 1), (2, 9)] {
            bench.endpoint.sent(client, [9, 1, instance, 2, 3, 0])
            bench.run()
            #expect(bench.received.removeFirst() == [1, instance, 2, 3, 0])
            #expect(bench.tags.removeFirst() == MessageTag(tag, owner: false))
        }
        // A second answer to the same request goes nowhere.
        bench.endpoint.sent(client, [9, 1, 9, 2, 3, 0])
        bench.run()
        #expect(bench.received.isEmpty && bench.endpoint.clientCounters.lateAnswers == 1)
    }

    @Test func aRequestThatTheHostRepeatsIsAnsweredWithTheTagThatItWaitsFor() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        for tag in [UInt8(1), 2] { bench.hostSends([1, 0x81, 2, 3], tag: MessageTag(tag, owner: true)) }
        for tag in [UInt8(2), 1] {
            bench.endpoint.sent(client, [9, 1, 1, 2, 3, 0])
            bench.run()
            #expect(bench.tags.last == MessageTag(tag, owner: false))
        }
    }

    @Test func anAnswerToAnotherCommandOrAddressIsNotTakenForThisOne() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.hostSends([1, 0x81, 2, 3], tag: MessageTag(5, owner: true))
        for frame in [[9, 1, 1, 2, 4] as [UInt8], [9, 1, 1, 3, 3], [9, 1, 2, 2, 3], [10, 1, 1, 2, 3]] {
            bench.endpoint.sent(client, frame)
            bench.run()
            #expect(bench.received.isEmpty)
        }
        #expect(bench.endpoint.clientCounters.lateAnswers == 4)
        bench.endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        bench.run()
        #expect(bench.tags.last == MessageTag(5, owner: false))
    }

    @Test func anAnswerThatComesTooLateIsDroppedAndCounted() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.hostSends([1, 0x81, 2, 3], tag: MessageTag(5, owner: true))
        bench.endpoint.sent(client, [9, 1, 1, 2, 3, 0], now: 31_000_000_001)
        bench.run()
        #expect(bench.received.isEmpty && bench.endpoint.clientCounters.lateAnswers == 1)
    }

    @Test func ourOwnAddressIsOneOtherClientsAndNeverFansOut() {
        bench.begin()
        let sender = bench.endpoint.client(listeningTo: 1)
        let listener = bench.endpoint.client(listeningTo: 1)
        let second = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(sender, [8, 1, 0x80, 2])
        bench.run()
        #expect(bench.sockets.take(listener) == [[8, 1, 0x80, 2]])
        #expect(bench.sockets.take(sender) == [] && bench.sockets.take(second) == [])
        #expect(bench.received == [])
    }

    @Test("first packets that are no registration", arguments: [[], [0], [1, 2], [0x80 as UInt8] + [0]])
    func aClientThatDoesNotRegisterIsClosed(bytes: [UInt8]) {
        let client = bench.endpoint.clientConnected()!
        bench.endpoint.sent(client, bytes)
        #expect(bench.sockets.closed == [client])
        #expect(bench.endpoint.clientCount == 0)
    }

    @Test func shortPacketsOfAClientAreDroppedAndItStays() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        bench.endpoint.sent(client, [])
        bench.endpoint.sent(client, [9])
        bench.endpoint.sent(client, [9, 1])
        bench.run()
        #expect(bench.received == [[1]])
        #expect(bench.endpoint.clientCounters.malformed == 2 && bench.sockets.closed.isEmpty)
    }

    @Test func onlyConfiguredTypesMayBeRegisteredAndSent() {
        var types = MessageTypeSet()
        types.insert(.pldm)
        let bench = AstlpcBench(EndpointConfiguration(allowedTypes: types))
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        let refused = bench.endpoint.client(listeningTo: 5)
        #expect(bench.sockets.closed == [refused])
        bench.endpoint.sent(client, [9, 5, 1])
        bench.endpoint.sent(client, [9, 1, 1])
        bench.run()
        #expect(bench.received == [[1, 1]])
    }

    @Test func aSlowClientKeepsItsMessagesUpToABoundAndThenGoes() {
        bench.begin()
        let slow = bench.endpoint.client(listeningTo: 1)
        let quick = bench.endpoint.client(listeningTo: 1)
        bench.sockets.full = [slow]
        let body = [1] + [UInt8](repeating: 7, count: 999)
        for _ in 0..<10 { bench.hostSends(body) }
        #expect(bench.sockets.watched == [slow])
        #expect(bench.sockets.take(quick).count == 10)
        bench.sockets.full = []
        bench.endpoint.clientWritable(slow)
        #expect(bench.sockets.take(slow).count == 10 && bench.sockets.watched.isEmpty)
        // Later messages do not overtake those that wait.
        bench.sockets.full = [slow]
        bench.hostSends([1, 1])
        bench.sockets.full = []
        bench.hostSends([1, 2])
        bench.endpoint.clientWritable(slow)
        #expect(bench.sockets.take(slow) == [[9, 1, 1], [9, 1, 2]])
        bench.sockets.full = [slow]
        for _ in 0..<1000 { bench.hostSends(body) }
        #expect(bench.sockets.closed == [slow])
        #expect(bench.endpoint.clientCounters.slow == 1)
        #expect(bench.sockets.take(quick).count == 1002)
    }

    @Test func aBrokenClientGetsNothingMoreAndTheOthersDoNotNotice() {
        bench.begin()
        let broken = bench.endpoint.client(listeningTo: 1)
        let good = bench.endpoint.client(listeningTo: 1)
        bench.sockets.broken = [broken]
        bench.hostSends([1, 1])
        bench.hostSends([1, 2])
        #expect(bench.sockets.take(good) == [[9, 1, 1], [9, 1, 2]])
        bench.sockets.broken = []
        bench.hostSends([1, 3])
        #expect(bench.sockets.take(broken) == [])
        // What it sent before it went is carried, and it goes when its socket says so.
        bench.endpoint.sent(broken, [9, 1, 0x80, 2])
        bench.run()
        #expect(bench.received == [[1, 0x80, 2]])
        #expect(bench.sockets.closed == [])
    }

    @Test func clientsThatComeAndGoLeaveNothingBehind() {
        bench.begin()
        let steady = bench.endpoint.client(listeningTo: 1)
        for round in 0..<1000 {
            let client = bench.endpoint.client(listeningTo: round % 2 == 0 ? 1 : 5)
            bench.endpoint.sent(client, [9, 1, UInt8(round & 0xFF)])
            bench.endpoint.clientGone(client)
            bench.hostSends([1, UInt8(round & 0xFF)])
        }
        #expect(bench.endpoint.clientCount == 1)
        #expect(bench.sockets.take(steady).count == 1000)
        #expect(bench.received.count == 1000)
    }

    @Test func thereIsABoundOnClientsAtATime() {
        var clients: [Int] = []
        while let client = bench.endpoint.clientConnected() { clients.append(client) }
        #expect(clients.count == 256)
        bench.endpoint.clientGone(clients[3])
        #expect(bench.endpoint.clientConnected() == clients[3])
    }

    @Test func aUserHasAShareOfThePlacesAndRootAlwaysFindsOne() {
        for user in UInt32(1)...10 {
            for _ in 0..<70 where bench.endpoint.clientConnected(user: user) == nil { break }
        }
        // 64 of each user, and 240 of all.
        #expect(bench.endpoint.clientCount == 240)
        #expect(bench.observer.lines.first == "refused a client of user 1: 64 of this user are connected")
        #expect(bench.endpoint.clientConnected(user: 11) == nil)
        for _ in 0..<16 { #expect(bench.endpoint.clientConnected(user: 0) != nil) }
    }

    @Test func whatWaitsIsCountedWithItsOverheadAndBoundedForAUser() {
        bench.begin()
        let clients = (0..<64).map { _ in bench.endpoint.client(listeningTo: 1, user: 1000) }
        bench.sockets.full = Set(clients)
        // Three bytes, and 64 that it costs to keep them: this user's 4 MiB are 1100 of them for 56 clients.
        for _ in 0..<1100 { bench.hostSends([1, 0x80]) }
        #expect(bench.endpoint.clientCounters.slow == 8 && bench.endpoint.clientCount == 56)
    }

    @Test func clientsAreNotReadWhileTheQueueHasNoRoom() {
        bench.begin()
        let client = bench.endpoint.client(listeningTo: 1)
        let frame: [UInt8] = [9, 1, 0x80] + [UInt8](repeating: 7, count: 100_000)
        var count = 0
        var levels: [ClientReading] = [.all]
        while bench.sockets.isReading {
            bench.endpoint.sent(client, frame)
            count += 1
            if levels.last != bench.sockets.reading { levels.append(bench.sockets.reading) }
        }
        // What is left at the end is root's.
        #expect(levels == [.all, .root, .none])
        #expect(bench.endpoint.counters[.queueFull] == 0)
        bench.run()
        #expect(bench.sockets.reading == .all)
        #expect(bench.received.count == count)
    }
}
