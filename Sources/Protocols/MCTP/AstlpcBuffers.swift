// SPDX-License-Identifier: Apache-2.0
import Wire

/// Memory for one packet that grows when a longer one comes, and is kept. A class, since a structure that frees memory
/// cannot be held by other modules in Embedded Swift.
final class PacketBuffer {
    private var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { storage.deallocate() }

    /// The first `count` bytes. What they held before is lost when the memory had to grow.
    func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if storage.count < count {
            storage.deallocate()
            var capacity = 256
            while capacity < count { capacity *= 2 }
            storage = .allocate(byteCount: capacity, alignment: 8)
        }
        return UnsafeMutableRawBufferPointer(rebasing: storage[..<count])
    }
}

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
    private let receiveBuffer = PacketBuffer()
    private let transmitBuffer = PacketBuffer()
    private(set) var received = UnsafeMutableRawBufferPointer(start: nil, count: 0)

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

    /// Memory for a packet to send; only while a credit is there.
    mutating func packet(_ count: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: transmitBuffer.bytes(count + 4)[..<count])
    }

    /// Puts the packet in that memory into the window. The signal follows.
    mutating func send(_ count: Int) {
        guard let version, transmitting == .acquired, count <= version.packetSize(buffer: Int(outgoing.size)) else {
            preconditionFailure("a packet needs a credit and must fit the unit")
        }
        let bytes = transmitBuffer.bytes(count + 4)
        let packet = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        if version.trailer > 0 {
            bytes.storeBytes(of: CRC32.checksum(packet).bigEndian, toByteOffset: count, as: UInt32.self)
        }
        let offset = Int(outgoing.offset)
        _ = window.writeUInt32BigEndian(UInt32(count), at: offset)
        _ = window.copyIn(offset + 4, UnsafeRawBufferPointer(rebasing: bytes[..<(count + version.trailer)]))
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
        let copy = receiveBuffer.bytes(count + version.trailer)
        guard window.copyOut(offset + 4, into: copy) else { return .badLength(length) }
        received = UnsafeMutableRawBufferPointer(rebasing: copy[..<count])
        if version.trailer > 0 {
            let trailer = UInt32(bigEndian: copy.loadUnaligned(fromByteOffset: count, as: UInt32.self))
            guard CRC32.checksum(UnsafeRawBufferPointer(received)) == trailer else { return .corrupt }
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
