// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// What DSP0254 needs of the KCS channel. No method calls back.
public protocol MessagePort: AnyObject {
    /// Answers a KCS request; false if nobody waits for that answer any more.
    func reply(_ token: UInt64, _ message: UnsafeRawBufferPointer) -> Bool
    /// Says that a KCS request has no answer.
    func withhold(_ token: UInt64)
    /// Sets or clears SMS_ATN.
    func setAttention(_ on: Bool)
}

/// What became of a KCS message.
public enum MessageDisposition: Sendable {
    /// It is none of this binding's: somebody else may have it.
    case declined
    /// It was taken, and answered if there is an answer.
    case handled
    /// It was taken, and the answer comes later by `MessagePort.reply`.
    case pending
}

/// An endpoint on DSP0254: packets are KCS messages, and the BMC can only speak in the read phase after one.
///
/// What goes out in a read phase:
/// - after the last packet of a request: the answer to that request, before anything else that waits. It may come later,
///   while the host waits in its read phase. Where answers cannot be told from other messages, it is what comes next.
/// - after the last packet of anything else, and after Get MCTP Packet: the next packet that waits.
/// - after a packet that does not end its message: nothing, since a host may send the next without reading.
///
/// A request whose answer does not come in time is withheld: the completion code that the channel would give is IPMI's, and
/// means nothing to a host that speaks this. The answer, if it comes after all, waits like any other message.
///
/// SMS_ATN is set while packets wait. Answers that a host did not fetch for six seconds are dropped.
public final class DSP0254Link: Link {
    private struct Waiting {
        let token: UInt64
        /// For whom and with which tag; nil: whatever goes out next.
        let answer: (source: EID, tag: MessageTag)?
        let deadline: UInt64
    }

    /// The longest payload of a packet.
    public static let largestUnit = DSP0254.longestPacket - PacketHeader.size
    /// Nanoseconds that a host waits in its read phase: less than the time that a channel gives its handlers unless it is
    /// configured, 4 s, and than hosts wait, 5 s.
    public static let patience: UInt64 = 3_750_000_000
    private static let answerLifetime: UInt64 = 6_000_000_000
    /// Requests that had no answer while the host waited.
    public private(set) var unanswered: UInt64 = 0

    private let port: MessagePort
    private let unit: Int
    private var waiting: Waiting?
    private var attention = false
    private var isActive = false
    private let incoming = UnsafeMutableRawBufferPointer.allocate(byteCount: DSP0254.longestPacket, alignment: 8)
    private let outgoing = UnsafeMutableRawBufferPointer.allocate(
        byteCount: DSP0254.longestPacket + DSP0254.overhead, alignment: 8)

    /// `unit`: payload bytes of a packet, at least the baseline unit and at most `largestUnit`.
    public init(_ endpoint: Endpoint, _ port: MessagePort, unit: Int = PacketHeader.baselineUnit) {
        precondition(unit >= PacketHeader.baselineUnit && unit <= Self.largestUnit)
        self.port = port
        self.unit = unit
        super.init(endpoint)
    }

    deinit {
        incoming.deallocate()
        outgoing.deallocate()
    }

    /// The host sent a KCS message. Whoever waited for an answer before does not any more.
    public func message(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> MessageDisposition {
        guard let range = DSP0254.packet(in: bytes) else { return .declined }
        waiting = nil
        // Until its first packet nobody knows that there is a host that speaks this.
        if !isActive {
            isActive = true
            endpoint.linkBecameActive(now: now)
        }
        let packet = UnsafeMutableRawBufferPointer(rebasing: incoming[..<range.count])
        packet.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        let header = PacketHeader(UnsafeRawBufferPointer(packet))!
        if Self.asksForPacket(header, packet), reply(token) { return .handled }
        let outcome = endpoint.received(packet, now: now)
        defer { updateAttention() }
        guard header.eom else { return .handled }
        switch outcome {
        case .awaiting(let source, let tag):
            waiting = Waiting(token: token, answer: (source, tag), deadline: now &+ Self.patience)
        case .awaitingAny: waiting = Waiting(token: token, answer: nil, deadline: now &+ Self.patience)
        case .nothing, .handled:
            _ = reply(token)
            return .handled
        }
        return answerWaiting() ? .handled : .pending
    }

    /// The host was reset: what it waited for, it does not any more.
    public func reset() {
        waiting = nil
        isActive = false
        endpoint.linkBecameInactive()
        updateAttention()
    }

    /// Gives the host the answer that it waits for, if it came.
    public override func pump(now: UInt64) {
        _ = answerWaiting()
        updateAttention()
    }

    /// When `giveUp` is due; nil while no host waits.
    public var deadline: UInt64? { waiting?.deadline }

    /// Ends the wait of a host whose answer did not come in time.
    public func giveUp(now: UInt64) {
        guard let waiting, now >= waiting.deadline else { return }
        self.waiting = nil
        unanswered += 1
        port.withhold(waiting.token)
        updateAttention()
    }

    /// Gives the host that waits what it waits for; false if that is not there, or nobody waits.
    private func answerWaiting() -> Bool {
        guard let waiting else { return false }
        if let answer = waiting.answer {
            guard endpoint.terminus.bringForward(to: answer.source, tag: answer.tag) else { return false }
        } else if endpoint.terminus.nextPacketSize(unit: unit) == 0 {
            return false
        }
        self.waiting = nil
        return reply(waiting.token)
    }

    /// Also drops answers that the host does not fetch.
    public override func tick(now: UInt64) {
        if now > Self.answerLifetime { endpoint.terminus.dropAnswers(queuedBefore: now - Self.answerLifetime) }
        super.tick(now: now)
    }

    private func reply(_ token: UInt64) -> Bool {
        let packet = UnsafeMutableRawBufferPointer(rebasing: outgoing[3..<3 + PacketHeader.size + unit])
        let count = endpoint.terminus.nextPacket(unit: unit, into: packet)
        guard count > 0 else { return false }
        let length = DSP0254.frame(packet: count, in: outgoing)
        if port.reply(token, UnsafeRawBufferPointer(rebasing: outgoing[..<length])) {
            endpoint.observer.record(UnsafeRawBufferPointer(rebasing: packet[..<count]), toHost: true)
            endpoint.packetTaken()
        }
        updateAttention()
        return true
    }

    private func updateAttention() {
        let wanted = waiting == nil && endpoint.terminus.nextPacketSize(unit: unit) > 0
        guard wanted != attention else { return }
        attention = wanted
        port.setAttention(wanted)
    }

    private static func asksForPacket(_ header: PacketHeader, _ packet: UnsafeMutableRawBufferPointer) -> Bool {
        guard header.som, header.eom, header.tag.isOwner else { return false }
        let body = UnsafeRawBufferPointer(rebasing: packet[PacketHeader.size...])
        guard let control = ControlHeader(body) else { return false }
        return control.isRequest && control.command == .getPacket
    }
}
