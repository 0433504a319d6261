// SPDX-License-Identifier: Apache-2.0

/// A whole message as the host's side got it.
public struct HostMessage: Equatable, Sendable {
    /// Who sent it.
    public let source: EID
    /// Its tag; an answer's is that of the request with the other owner bit.
    public let tag: MessageTag
    /// The message, its type byte first.
    public let body: [UInt8]

    init(_ message: ReceivedMessage) {
        source = message.source
        tag = message.tag
        body = Array(message.body)
    }
}

/// The host's end of an astlpc channel with everything above it, for simulators: bytes of ODR go in, bytes for IDR and
/// whole messages come out.
///
/// After every call, write `write` to IDR once IBF is clear, and say `written`; until it is nil.
public final class AstlpcHostLink {
    private var host: AstlpcHost
    private let terminus: Terminus
    private var messages: [HostMessage] = []

    /// `unit`: payload bytes that a packet may carry at most; nil for what the BMC offers.
    public init(
        _ window: Window, eid: EID, versions: AstlpcVersionRange = .all, unit: Int? = nil,
        limits: ReassemblyLimits = ReassemblyLimits()
    ) {
        host = AstlpcHost(window, versions: versions, unit: unit)
        terminus = Terminus(eid: eid, limits: limits)
    }

    /// Begins with STR as it is, after a byte that was left in ODR has been read. Nil if the BMC's answer is to be waited
    /// for, until `isActive`.
    public func start(status: UInt8) -> AstlpcRefusal? { host.start(status: status) }

    /// Goes on with a channel that is active already; false: `start`. See `AstlpcHost.attach`.
    public func attach(status: UInt8) -> Bool { host.attach(status: status) }

    /// A byte was read from ODR, with STR as it was before.
    public func bmcWrote(_ value: UInt8, status: UInt8, now: UInt64) -> AstlpcEvent {
        let event = host.bmcWrote(value, status: status)
        switch event {
        case .packet:
            if case .message(let message) = terminus.receive(host.received, now: now) {
                messages.append(HostMessage(message))
            }
        case .corrupt: terminus.receivedCorrupt(UnsafeRawBufferPointer(host.received))
        case .credit: terminus.packetTaken()
        case .active, .inactive: terminus.linkReset()
        case .none, .badLength, .refused, .protocolError: break
        }
        return event
    }

    /// The byte that is due in IDR; nil if there is none.
    public var write: UInt8? {
        if host.write == nil, host.hasCredit {
            let size = terminus.nextPacketSize(unit: host.unit)
            if size > 0 {
                _ = terminus.nextPacket(unit: host.unit, into: host.packet(size))
                host.send(size)
            }
        }
        return host.write
    }

    /// The byte that `write` asked for was written.
    public func written() { host.written() }

    /// Whether packets may flow.
    public var isActive: Bool { host.isActive }
    /// Whether a packet of ours waits, or lies in the BMC's buffer and was not taken yet.
    public var isTransmitting: Bool { terminus.queued > 0 || (host.isActive && !host.hasCredit) }
    /// The version agreed on.
    public var version: AstlpcVersion? { host.version }
    /// Payload bytes that a packet may carry.
    public var unit: Int { host.unit }
    /// What went through.
    public var counters: Counters { terminus.counters }
    /// This host's address.
    public var eid: EID { terminus.eid }
    /// Gives this host another address.
    public func setEID(_ eid: EID) { terminus.setEID(eid) }

    /// Queues a request; its tag, or nil if too much is queued.
    public func send(request body: [UInt8], to destination: EID, now: UInt64) -> MessageTag? {
        body.withUnsafeBytes { terminus.send(request: $0, to: destination, now: now) }
    }

    /// Queues an answer to a message that came; false if too much is queued.
    public func answer(_ message: HostMessage, _ body: [UInt8], now: UInt64) -> Bool {
        body.withUnsafeBytes { terminus.send($0, to: message.source, tag: message.tag.answer, now: now) }
    }

    /// The oldest message that came and was not taken yet.
    public func takeMessage() -> HostMessage? { messages.isEmpty ? nil : messages.removeFirst() }
}

/// The host's end of DSP0254 with everything above it, for simulators: KCS messages go out, and what was read after them
/// comes in.
///
/// Send each of `next` as a KCS request while there is one, without reading between; then read, and give what came to
/// `received`. While a message is incomplete or SMS_ATN is set, send `getPacket` and read again.
public final class DSP0254HostLink {
    private let terminus: Terminus
    private let unit: Int
    private var messages: [HostMessage] = []
    private var instance: UInt8 = 0

    /// `unit`: payload bytes of a packet, at most 251.
    public init(eid: EID, unit: Int = PacketHeader.baselineUnit) {
        precondition(unit >= PacketHeader.baselineUnit && unit + PacketHeader.size <= DSP0254.longestPacket)
        terminus = Terminus(eid: eid)
        self.unit = unit
    }

    /// Queues a request; its tag, or nil if too much is queued.
    public func send(request body: [UInt8], to destination: EID, now: UInt64) -> MessageTag? {
        body.withUnsafeBytes { terminus.send(request: $0, to: destination, now: now) }
    }

    /// Queues an answer to a message that came; false if too much is queued.
    public func answer(_ message: HostMessage, _ body: [UInt8], now: UInt64) -> Bool {
        body.withUnsafeBytes { terminus.send($0, to: message.source, tag: message.tag.answer, now: now) }
    }

    /// The next KCS request to write: NetFn/LUN and all; nil if none is due.
    public func next() -> [UInt8]? {
        var message = [UInt8](repeating: 0, count: DSP0254.longestPacket + DSP0254.overhead)
        let length = message.withUnsafeMutableBytes { bytes in
            let packet = UnsafeMutableRawBufferPointer(rebasing: bytes[3..<3 + PacketHeader.size + unit])
            let count = terminus.nextPacket(unit: unit, into: packet)
            return count == 0 ? 0 : DSP0254.frame(packet: count, in: bytes)
        }
        guard length > 0 else { return nil }
        terminus.packetTaken()
        return Array(message[..<length])
    }

    /// A KCS request that asks for a packet that waits.
    public func getPacket(from destination: EID, now: UInt64) -> [UInt8]? {
        instance = (instance + 1) & 0x1F
        guard send(request: ControlRequest(.getPacket).message(instance: instance), to: destination, now: now) != nil
        else { return nil }
        return next()
    }

    /// What was read after a request: false if it is not of this binding.
    public func received(_ message: [UInt8], now: UInt64) -> Bool {
        if message == DSP0254.noPacket { return true }
        guard let range = message.withUnsafeBytes({ DSP0254.packet(in: $0) }) else { return false }
        var packet = Array(message[range])
        packet.withUnsafeMutableBytes { bytes in
            if case .message(let message) = terminus.receive(bytes, now: now) { messages.append(HostMessage(message)) }
        }
        return true
    }

    /// Whether a message has begun to come in and is not whole.
    public var isIncomplete: Bool { terminus.incomplete > 0 }
    /// This host's address.
    public var eid: EID { terminus.eid }
    /// Gives this host another address.
    public func setEID(_ eid: EID) { terminus.setEID(eid) }
    /// What went through.
    public var counters: Counters { terminus.counters }

    /// The oldest message that came and was not taken yet.
    public func takeMessage() -> HostMessage? { messages.isEmpty ? nil : messages.removeFirst() }
}
