// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// What DSP0254 needs of the KCS channel. No method calls back.
public protocol MessagePort: AnyObject {
    /// Answers a KCS request; false if nobody waits for that answer any more.
    func reply(_ token: UInt64, _ message: UnsafeRawBufferPointer) -> Bool
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
///   while the host waits in its read phase.
/// - after the last packet of anything else, and after Get MCTP Packet: the next packet that waits.
/// - after a packet that does not end its message: nothing, since a host may send the next without reading.
///
/// A request that nobody answers, or not in time, gets `DSP0254.noPacket`: hosts such as edk2 wait for IDLE before each
/// message and know no abort, so that a transfer without an end would be their last. The answer, if it comes after all,
/// waits like any other message.
///
/// SMS_ATN is set while packets wait. Answers that a host did not fetch for six seconds are dropped.
public final class DSP0254Link: Link {
    private struct Waiting {
        let token: UInt64
        /// For whom and with which tag.
        let answer: (source: EID, tag: MessageTag)
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
    private var saysLength = true
    private let incoming = UnsafeMutableRawBufferPointer.allocate(byteCount: DSP0254.longestPacket, alignment: 8)
    private let outgoing = UnsafeMutableRawBufferPointer.allocate(
        byteCount: DSP0254.longestPacket + DSP0254.overhead, alignment: 8)

    /// `unit`: payload bytes of a packet, at least the baseline unit and at most `largestUnit`.
    public init(_ user: PacketUser, _ port: MessagePort, unit: Int = PacketHeader.baselineUnit) {
        precondition(unit >= PacketHeader.baselineUnit && unit <= Self.largestUnit)
        self.port = port
        self.unit = unit
        super.init(user)
        // SMS_ATN asks a host that has not spoken yet to fetch what waits.
        user.needsChannel = false
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
            user.hostAppeared(now: now)
        }
        let packet = UnsafeMutableRawBufferPointer(rebasing: incoming[..<range.count])
        packet.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        let header = PacketHeader(UnsafeRawBufferPointer(packet))!
        if Self.asksForPacket(header, packet), reply(token) { return .handled }
        // What is left of an answer with this tag would be taken for this request's: edk2 has one tag, and reads one packet.
        if header.eom, header.tag.isOwner {
            user.dropAnswers(to: header.source, tag: header.tag.answer)
        }
        let outcome = user.received(packet, now: now)
        defer { updateAttention() }
        guard header.eom else { return .handled }
        switch outcome {
        case .awaiting(let source, let tag):
            waiting = Waiting(token: token, answer: (source, tag), deadline: now &+ Self.patience)
        case .nothing, .handled:
            if !reply(token), header.tag.isOwner { end(token) }
            return .handled
        }
        return answerWaiting() ? .handled : .pending
    }

    /// The host was reset: what it waited for, it does not any more.
    public func reset() {
        waiting = nil
        isActive = false
        user.linkBecameInactive()
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
        end(waiting.token)
        updateAttention()
    }

    /// Gives the host that waits what it waits for; false if that is not there, or nobody waits.
    private func answerWaiting() -> Bool {
        guard let waiting,
            user.bringForward(to: waiting.answer.source, tag: waiting.answer.tag)
        else { return false }
        self.waiting = nil
        return reply(waiting.token)
    }

    /// Ends a transfer that has no packet to answer with.
    private func end(_ token: UInt64) { _ = DSP0254.noPacket.withUnsafeBytes { port.reply(token, $0) } }

    /// Also drops answers that the host does not fetch.
    public override func tick(now: UInt64) {
        if now > Self.answerLifetime { user.dropAnswers(queuedBefore: now - Self.answerLifetime) }
        super.tick(now: now)
    }

    private func reply(_ token: UInt64) -> Bool {
        let packet = UnsafeMutableRawBufferPointer(rebasing: outgoing[3..<3 + PacketHeader.size + unit])
        let count = user.nextPacket(unit: unit, into: packet)
        guard count > 0 else { return false }
        let length = DSP0254.frame(packet: count, in: outgoing)
        if port.reply(token, UnsafeRawBufferPointer(rebasing: outgoing[..<length])) {
            user.observer.record(UnsafeRawBufferPointer(rebasing: packet[..<count]), toHost: true)
            user.packetTaken()
            noteLength(PacketHeader(UnsafeRawBufferPointer(packet)))
        } else {
            user.packetRefused()
        }
        updateAttention()
        return true
    }

    /// Says once that an answer takes several packets, for hosts that only look at the first.
    private func noteLength(_ header: PacketHeader?) {
        guard saysLength, let header, header.som, !header.eom, !header.tag.isOwner else { return }
        saysLength = false
        user.observer.log(
            .notice, "an answer is longer than the \(unit) B of a packet: edk2 takes no such answer; see option mtu")
    }

    private func updateAttention() {
        let wanted = waiting == nil && user.nextPacketSize(unit: unit) > 0
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
