// SPDX-License-Identifier: Apache-2.0
import Wire

/// The two buffers of a channel, who owns each, and the signals that hand them over: what is the same on both sides.
struct AstlpcBuffers: ~Copyable {
    /// Who may touch a buffer.
    enum State {
        /// There is no channel.
        case idle
        /// We.
        case acquired
        /// We are done with it, and the signal that says so waits for the register.
        case prepared
        /// The other side.
        case released
    }

    let window: Window
    private(set) var version: AstlpcVersion?
    private var incoming = AstlpcRegion(offset: 0, size: 0)
    private var outgoing = AstlpcRegion(offset: 0, size: 0)
    private(set) var receiving = State.idle
    private(set) var transmitting = State.idle
    /// The packet that came last, without its trailer.
    private(set) var received: [UInt8] = []

    init(_ window: Window) { self.window = window }

    /// The channel is there, with sound buffers.
    mutating func open(_ version: AstlpcVersion, incoming: AstlpcRegion, outgoing: AstlpcRegion) {
        self.version = version
        self.incoming = incoming
        self.outgoing = outgoing
        receiving = .released
        transmitting = .acquired
    }

    /// There is no channel.
    mutating func close() {
        version = nil
        receiving = .idle
        transmitting = .idle
    }

    /// Payload bytes of the longest packet that may be sent.
    var unit: Int {
        // Version 1 moves the baseline unit, whatever its buffers could carry.
        guard let version, version != .v1 else { return PacketHeader.baselineUnit }
        return version.packetSize(buffer: Int(outgoing.size)) - PacketHeader.size
    }

    /// The signal that waits for the register: the release of a packet before the announcement of one.
    var signal: UInt8? {
        if receiving == .prepared { return AstlpcSignal.receiveComplete }
        return transmitting == .prepared ? AstlpcSignal.transmitBegin : nil
    }

    /// The other side's register has that signal.
    mutating func signalled() {
        if receiving == .prepared { receiving = .released } else { transmitting = .released }
    }

    /// Puts a packet into the window; only while a credit is there. The signal follows.
    mutating func send(_ packet: Span<UInt8>) {
        guard let version, transmitting == .acquired, packet.count <= version.packetSize(buffer: Int(outgoing.size))
        else { preconditionFailure("a packet needs a credit and must fit the unit") }
        let offset = Int(outgoing.offset)
        _ = window.writeUInt32BigEndian(UInt32(packet.count), at: offset)
        _ = window.copyIn(offset + 4, packet)
        if version.trailer > 0 {
            _ = window.writeUInt32BigEndian(CRC32.checksum(packet), at: offset + 4 + packet.count)
        }
        transmitting = .prepared
    }

    /// The other side announced a packet. It is copied out, length first, and released at once: however bad it is, the
    /// other side gets its buffer back, and does so before anybody looks at the packet.
    mutating func transmitBegan() -> AstlpcEvent {
        guard let version, receiving == .released else { return .protocolError(AstlpcSignal.transmitBegin) }
        receiving = .prepared
        let offset = Int(incoming.offset)
        let length = window.readUInt32BigEndian(offset) ?? 0
        guard length >= UInt32(PacketHeader.size), length <= UInt32(version.packetSize(buffer: Int(incoming.size)))
        else { return .badLength(length) }
        let count = Int(length)
        guard window.copyOut(offset + 4, count + version.trailer, into: &received) else { return .badLength(length) }
        if version.trailer > 0 {
            var trailer: UInt32 = 0
            for byte in received[count...] { trailer = trailer << 8 | UInt32(byte) }
            received.removeLast(version.trailer)
            guard CRC32.checksum(received.span) == trailer else { return .corrupt }
        }
        return .packet
    }

    /// The other side copied our packet.
    mutating func receiveCompleted() -> AstlpcEvent {
        guard transmitting == .released else { return .protocolError(AstlpcSignal.receiveComplete) }
        transmitting = .acquired
        return .credit
    }
}
