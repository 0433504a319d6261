// SPDX-License-Identifier: Apache-2.0

/// The host's side of the astlpc binding, without registers: for simulators and tests.
///
/// It trusts the window no more than the BMC's side does.
public struct AstlpcHost: ~Copyable {
    private enum Phase {
        case down
        /// Initialise was, or is to be, sent; the BMC's status update comes next.
        case waiting
        case active
    }

    private let versions: AstlpcVersionRange
    private let requestedUnit: Int?
    private var buffers: AstlpcBuffers
    private var phase = Phase.down
    private var wantsInitialise = false

    /// `unit`: payload bytes that a packet may carry at most; nil for what the BMC offers.
    public init(_ window: Window, versions: AstlpcVersionRange = .all, unit: Int? = nil) {
        self.versions = versions
        requestedUnit = unit
        buffers = AstlpcBuffers(window)
    }

    /// Begins, or begins anew, with STR as it is now. Nil if the BMC's answer is to be waited for.
    public mutating func start(status: UInt8) -> AstlpcRefusal? {
        buffers.close()
        phase = .down
        wantsInitialise = false
        guard status & AstlpcStatus.bmcReady != 0 else { return .bmcNotReady }
        guard let header = AstlpcHeader(buffers.window), header.magic == AstlpcHeader.magic else { return .noMagic }
        guard let version = AstlpcVersionRange.negotiate(bmc: header.bmcVersions, host: versions) else {
            return .versions(bmc: header.bmcVersions, host: versions)
        }
        if version >= .v2, let refusal = propose(header.layout, version) { return refusal }
        _ = buffers.window.writeUInt16BigEndian(versions.minimum, at: AstlpcHeader.hostVersionsOffset)
        _ = buffers.window.writeUInt16BigEndian(versions.current, at: AstlpcHeader.hostVersionsOffset + 2)
        phase = .waiting
        wantsInitialise = true
        return nil
    }

    /// Goes on with the channel that an earlier program of this host made active, if that stands; false: `start`. That
    /// program must have left both buffers as it found them, or packets stop until there is a new start.
    public mutating func attach(status: UInt8) -> Bool {
        let both = AstlpcStatus.bmcReady | AstlpcStatus.channelActive
        guard status & both == both, let header = AstlpcHeader(buffers.window), header.magic == AstlpcHeader.magic,
            case .active = open(header)
        else { return false }
        wantsInitialise = false
        return true
    }

    /// A byte of the BMC was read from ODR, with STR as it was before.
    public mutating func bmcWrote(_ signal: UInt8, status: UInt8) -> AstlpcEvent {
        if status & AstlpcStatus.bmcReady == 0 {
            guard phase != .down else { return .none }
            buffers.close()
            phase = .down
            wantsInitialise = false
            return .inactive
        }
        switch signal {
        case AstlpcSignal.dummy: return statusChanged(status)
        case AstlpcSignal.transmitBegin: return buffers.transmitBegan()
        case AstlpcSignal.receiveComplete: return buffers.receiveCompleted()
        default: return .protocolError(signal)
        }
    }

    /// The byte that is due in IDR, once the BMC took the one before; nil if there is none.
    public var write: UInt8? { wantsInitialise ? AstlpcSignal.initialise : buffers.signal }

    /// The byte that `write` asked for was written.
    public mutating func written() {
        if wantsInitialise { wantsInitialise = false } else if buffers.signal != nil { buffers.signalled() }
    }

    /// Whether packets may flow.
    public var isActive: Bool { phase == .active }
    /// The version agreed on.
    public var version: AstlpcVersion? { buffers.version }
    /// Whether a packet can be sent now.
    public var hasCredit: Bool { buffers.transmitting == .acquired }
    /// Payload bytes that the next packet may carry.
    public var unit: Int { min(buffers.unit, requestedUnit ?? buffers.unit) }
    /// The packet that came last; valid until the next signal.
    public var received: UnsafeMutableRawBufferPointer { buffers.received }

    /// Memory for a packet of `count` bytes, which `send` then sends.
    public mutating func packet(_ count: Int) -> UnsafeMutableRawBufferPointer { buffers.packet(count) }

    /// Sends the packet in that memory. It needs a credit, which it uses.
    public mutating func send(_ count: Int) { buffers.send(count) }

    private func propose(_ offered: AstlpcLayout, _ version: AstlpcVersion) -> AstlpcRefusal? {
        if let fault = offered.fault(version: version, window: buffers.window.count) {
            return .layout(fault, offered)
        }
        guard let requestedUnit else { return nil }
        guard requestedUnit >= PacketHeader.baselineUnit else { return .unit(requestedUnit) }
        // Up to the other buffer there is room, whatever was agreed on before.
        var wanted = offered
        let room = Int(clamping: offered.transmit.offset) - Int(clamping: offered.receive.offset)
        let size = version.bufferSize(packet: min(requestedUnit, AstlpcLayout.largestWindow) + PacketHeader.size)
        wanted.receive.size = UInt32(clamping: min(size, max(room, Int(clamping: offered.receive.size))))
        if let fault = wanted.fault(version: version, window: buffers.window.count) {
            return .layout(fault, wanted)
        }
        // Offsets, and the size of the BMC's own receive buffer, are the BMC's to say.
        _ = buffers.window.writeUInt32BigEndian(wanted.receive.size, at: AstlpcHeader.layoutOffset + 4)
        return nil
    }

    private mutating func statusChanged(_ status: UInt8) -> AstlpcEvent {
        let active = status & AstlpcStatus.channelActive != 0
        switch phase {
        case .down: return .none
        case .active:
            if active { return .none }
            buffers.close()
            phase = .down
            return .inactive
        case .waiting:
            // While the byte that asks for a channel is still ours, this can only be older news.
            if wantsInitialise { return .none }
            // A refusal, or the dummy of the BMC's start that nobody had read: a channel may still come.
            guard active else { return .refused(.byBMC) }
        }
        guard let header = AstlpcHeader(buffers.window) else { return .refused(.noMagic) }
        return open(header)
    }

    /// The channel is what the window says, if that is sound.
    private mutating func open(_ header: AstlpcHeader) -> AstlpcEvent {
        guard let version = AstlpcVersion(rawValue: header.negotiated), version.rawValue <= versions.current,
            version.rawValue >= versions.minimum
        else { return .refused(.versions(bmc: header.bmcVersions, host: versions)) }
        if let fault = header.layout.fault(version: version, window: buffers.window.count) {
            return .refused(.layout(fault, header.layout))
        }
        buffers.open(version, incoming: header.layout.receive, outgoing: header.layout.transmit)
        phase = .active
        return .active
    }
}
