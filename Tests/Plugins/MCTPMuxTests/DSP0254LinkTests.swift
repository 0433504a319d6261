// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP
import Testing
import Wire

@testable import MCTPMux

@Suite("DSP0254 link") struct DSP0254LinkTests {
    let sockets = FakeSockets()
    let port = FakePort()
    let observer = FakeObserver()
    let endpoint: Endpoint
    let link: DSP0254Link

    init() {
        endpoint = Endpoint(
            EndpointConfiguration(mediumSpecific: 4), sockets: sockets, observer: observer)
        link = DSP0254Link(endpoint, port)
    }

    private func message(_ packet: [UInt8]) -> [UInt8] {
        var message = [0, 0, 0] + packet + [0]
        _ = message.withUnsafeMutableBytes { DSP0254.frame(packet: packet.count, in: $0) }
        return message
    }

    private func send(_ message: [UInt8], token: UInt64 = 1, now: UInt64 = 1) -> MessageDisposition {
        message.withUnsafeBytes { link.message(token, $0, now: now) }
    }

    /// The packets of a message from the host, SOM to EOM.
    private func packets(_ body: [UInt8], flags: UInt8, unit: Int = 64) -> [[UInt8]] {
        stride(from: 0, to: body.count, by: unit).enumerated().map { index, start in
            let end = min(start + unit, body.count)
            let som: UInt8 = start == 0 ? 0x80 : 0
            let eom: UInt8 = end == body.count ? 0x40 : 0
            return message([1, 8, 9, som | eom | UInt8(index & 3) << 4 | flags] + body[start..<end])
        }
    }

    @Test func controlRequestsAreAnsweredInTheSameTransfer() {
        #expect(send(Hex.parse("B00107010809C9008002 5F")!) == .handled)
        #expect(port.take() == Hex.parse("B0010B010908C1000002000802042C"))
        #expect(send(Hex.parse("B00108010809C9008104FF7C")!) == .handled)
        #expect(port.take() == Hex.parse("B00119010908C1000104 0004 F1F0FF00F1F1FF00F1F2FF00F1F3F300 B1"))
        #expect(!port.attention)
    }

    @Test func ipmiIsDeclinedAndLeavesNoTrace() {
        for text in ["1801", "B00100DC", "B001DC01", "B0010701080 9C9008002 00"] {
            #expect(send(Hex.parse(text.filter { $0 != " " })!) == .declined)
        }
        #expect(port.replies.isEmpty && endpoint.counters.packetsIn == 0)
    }

    @Test func fragmentsComeInSuccessiveWritesWithoutAReadBetween() {
        let client = endpoint.client(listeningTo: 1)
        let body = [1, 0x81, 2, 3] + (0..<200).map { UInt8($0) }
        let packets = packets(body, flags: 0x09)
        for packet in packets.dropLast() { #expect(send(packet) == .handled) }
        #expect(port.replies.isEmpty)
        #expect(send(packets.last!, token: 7) == .pending)
        #expect(sockets.take(client) == [[9] + body])
        endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        link.pump(now: 1)
        #expect(port.replies.first?.token == 7)
        #expect(port.take() == message([1, 9, 8, 0xC1, 1, 1, 2, 3, 0]))
    }

    @Test func anAnswerOvertakesUnsolicitedMessagesWhichWaitWithAttentionSet() {
        let client = endpoint.client(listeningTo: 1)
        endpoint.sent(client, [9, 1, 0x80, 7, 7])
        link.pump(now: 1)
        #expect(port.attention && port.replies.isEmpty)
        #expect(send(Hex.parse("B00107010809C90080025F")!) == .handled)
        #expect(port.take()?[7] == 0)
        #expect(port.attention)
        // Get MCTP Packet brings what waits, and without anything waiting it is an unknown command.
        let getPacket = message([1, 8, 9, 0xC9, 0, 0x80, 0xF1])
        #expect(send(getPacket) == .handled)
        #expect(port.take() == message([1, 9, 8, 0xC8, 1, 0x80, 7, 7]))
        #expect(!port.attention)
        #expect(send(getPacket) == .handled)
        #expect(port.take() == message([1, 9, 8, 0xC1, 0, 0, 0xF1, 5]))
    }

    @Test func aLongAnswerTakesSeveralReadPhases() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
        let answer = [1, 1, 2, 3] + (0..<150).map { UInt8($0) }
        endpoint.sent(client, [9] + answer)
        link.pump(now: 1)
        var received: [UInt8] = []
        var packet = port.take()!
        received += packet[7..<packet.count - 1]
        #expect(packet[6] == 0x81 && port.attention)
        while port.attention {
            #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 0xF1])) == .handled)
            packet = port.take()!
            received += packet[7..<packet.count - 1]
        }
        #expect(received == answer)
    }

    @Test func aRequestInTheMiddleOfALongAnswerIsAnsweredFirst() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
        endpoint.sent(client, [9, 1, 1, 2, 3] + [UInt8](repeating: 7, count: 100))
        link.pump(now: 1)
        #expect(port.take()?[6] == 0x81)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 2])) == .handled)
        #expect(port.take()?[6] == 0xC2)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 0xF1])) == .handled)
        #expect(port.take()?[6] == 0x51)
    }

    @Test func aNewMessageMeansThatNobodyWaitsForTheOldAnswer() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3]), token: 1) == .pending)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 2]), token: 2) == .handled)
        #expect(port.replies.map { $0.token } == [2])
        _ = port.take()
        endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        link.pump(now: 1)
        #expect(port.replies.isEmpty && port.attention)
    }

    @Test func answersThatNobodyFetchesAreDroppedAfterSixSeconds() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 2])) == .handled)
        endpoint.sent(client, [9, 1, 1, 2, 3, 0], now: 1)
        link.pump(now: 1)
        #expect(port.attention)
        link.tick(now: 5_000_000_000)
        #expect(port.attention)
        link.tick(now: 6_000_000_002)
        #expect(!port.attention)
    }

    @Test func aTransferThatIsNotAnsweredInTimeEndsAndItsAnswerWaits() {
        let client = endpoint.client(listeningTo: 1)
        #expect(link.deadline == nil)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3]), token: 5, now: 100) == .pending)
        #expect(link.deadline == 100 + DSP0254Link.patience)
        link.giveUp(now: 99 + DSP0254Link.patience)
        #expect(port.replies.isEmpty)
        link.giveUp(now: 100 + DSP0254Link.patience)
        #expect(port.replies.map(\.token) == [5] && link.deadline == nil && link.unanswered == 1)
        #expect(port.take() == [0xB0, 1, 0])
        link.giveUp(now: 200 + DSP0254Link.patience)
        #expect(port.replies.isEmpty)
        endpoint.sent(client, [9, 1, 1, 2, 3, 0], now: DSP0254Link.patience + 200)
        link.pump(now: DSP0254Link.patience + 200)
        #expect(port.attention && port.replies.isEmpty)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 0xF1]), now: DSP0254Link.patience + 300) == .handled)
        #expect(port.take() == message([1, 9, 8, 0xC1, 1, 1, 2, 3, 0]))
    }

    @Test func aRequestThatNobodyListensToEndsWithoutAPacket() {
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .handled)
        #expect(port.take() == [0xB0, 1, 0])
        // So does one that is not for us; what asks nothing is left alone.
        #expect(send(message([1, 7, 9, 0xC9, 1, 0x81, 2, 3])) == .handled)
        #expect(port.take() == [0xB0, 1, 0])
        #expect(send(message([1, 8, 9, 0xC1, 1, 0x01, 2, 3, 0])) == .handled)
        #expect(port.replies.isEmpty)
    }

    @Test func thatAnAnswerTakesSeveralPacketsIsSaidOnce() {
        let client = endpoint.client(listeningTo: 1)
        for _ in 0..<2 {
            #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
            endpoint.sent(client, [9, 1, 1, 2, 3] + [UInt8](repeating: 0, count: 61))
            link.pump(now: 1)
            // What is left of the first is not the answer to the second, which has the same tag.
            #expect(port.take()?[6] == 0x81)
        }
        #expect(endpoint.counters[.timedOut] == 1)
        #expect(observer.lines.filter { $0.hasPrefix("an answer is longer than the 64 B of a packet") }.count == 1)
    }

    @Test func aRequestWaitsForAHostThatHasNotSpokenYetButNotForEver() {
        let client = endpoint.client(listeningTo: 1)
        endpoint.sent(client, [9, 1, 0x80, 7], now: 1)
        link.pump(now: 1)
        #expect(port.attention)
        link.tick(now: 6_000_000_002)
        #expect(!port.attention && endpoint.counters[.expired] == 1)
    }

    @Test func anAnswerThatTheHostNoLongerReadsStaysForLater() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
        port.isStale = true
        endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        link.pump(now: 1)
        port.isStale = false
        #expect(port.attention)
        #expect(send(message([1, 8, 9, 0xCA, 0, 0x80, 0xF1])) == .handled)
        #expect(port.take() == message([1, 9, 8, 0xC1, 1, 1, 2, 3, 0]))
    }

    @Test func aResetForgetsEverythingThatWaited() {
        let client = endpoint.client(listeningTo: 1)
        #expect(send(message([1, 8, 9, 0xC9, 1, 0x81, 2, 3])) == .pending)
        link.reset()
        endpoint.sent(client, [9, 1, 1, 2, 3, 0])
        link.pump(now: 1)
        #expect(port.replies.isEmpty)
    }

    @Test func arbitraryMessagesNeverTrap() {
        var random = Seeded(4)
        _ = endpoint.client(listeningTo: 1)
        for count in 0..<3000 {
            var bytes = (0..<Int.random(in: 0...270, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if count % 2 == 0, bytes.count > 8, bytes.count < 260 {
                bytes = message([1, 8, 9] + bytes[3..<bytes.count - 1].prefix(200))
            }
            _ = send(bytes, token: UInt64(count), now: UInt64(count) * 10_000_000)
        }
        _ = port.replies
        port.replies = []
        #expect(send(message([1, 8, 9, 0xC9, 0, 0x80, 2]), now: 60_000_000_000) == .handled)
        #expect(port.replies.count == 1)
    }
}
