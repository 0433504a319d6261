// SPDX-License-Identifier: Apache-2.0

/// The framing of MCTP over a serial line (DSP0253 §6): a flag, the revision, the packet's length, the packet with flags and
/// escapes in it escaped, the frame check sequence and a flag. Linux' line discipline N_MCTP speaks it.
public enum SerialFrame {
    static let flag: UInt8 = 0x7E
    static let escape: UInt8 = 0x7D
    static let escaped: UInt8 = 0x20
    static let revision: UInt8 = 1
    /// The longest packet, header included: its length is one byte.
    public static let longestPacket = 0xFF
    /// Bytes of a frame at most, every byte of its packet escaped.
    public static let longestFrame = 2 * longestPacket + 6

    /// Writes the frame of a packet of at most `longestPacket` bytes to `frame`, which has room for `longestFrame`; answers its
    /// length.
    public static func encode(
        _ packet: UnsafeRawBufferPointer, seed: FrameCheck = FrameCheck(), into frame: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(packet.count <= longestPacket && frame.count >= longestFrame)
        var check = seed
        var count = 0
        func put(_ byte: UInt8) {
            frame[count] = byte
            count += 1
        }
        put(flag)
        for byte in [revision, UInt8(packet.count)] {
            check.add(byte)
            put(byte)
        }
        for byte in packet {
            check.add(byte)
            if byte == flag || byte == escape {
                put(escape)
                put(byte ^ escaped)
            } else {
                put(byte)
            }
        }
        put(UInt8(check.value >> 8))
        put(UInt8(check.value & 0xFF))
        put(flag)
        return count
    }
}

/// The frame check sequence: the CRC of RFC 1662 with polynomial 8408h, not inverted at the end, over revision, length and
/// packet before they are escaped.
public struct FrameCheck: Equatable, Sendable {
    /// The sum so far.
    public private(set) var value: UInt16

    /// DSP0253 begins with FFFFh; the first Linux that had N_MCTP, with 0.
    public init(seed: UInt16 = 0xFFFF) { value = seed }

    /// Adds a byte.
    public mutating func add(_ byte: UInt8) {
        value ^= UInt16(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x8408 : value >> 1 }
    }
}

/// Finds packets in what a serial line brings, a byte at a time.
public struct SerialDecoder {
    private enum State {
        /// What comes is no frame until a flag.
        case outside
        case revision
        case length
        case packet(left: Int, isEscaped: Bool)
        case checkHigh
        case checkLow(UInt16)
        case end(isRight: Bool)
    }

    private var state = State.outside
    private var bytes: [UInt8] = []
    private var check = FrameCheck()
    private var oldCheck = FrameCheck(seed: 0)
    /// How the other side begins its frame check sequence, as its last good frame showed.
    public private(set) var seed = FrameCheck()
    /// Frames whose check sequence, revision, length or end was wrong.
    public private(set) var damaged: UInt64 = 0

    /// A line that nothing came from yet.
    public init() { bytes.reserveCapacity(SerialFrame.longestPacket) }

    /// The packet that the last call of `add` completed.
    public var packet: [UInt8] { bytes }

    /// Takes a byte; true if it ended a frame, whose packet is `packet` until the next call.
    public mutating func add(_ byte: UInt8) -> Bool {
        switch state {
        case .outside: if byte == SerialFrame.flag { state = .revision }
        case .revision:
            // The flag that ended a frame that was not for us, or began this one.
            if byte == SerialFrame.flag { break }
            guard byte == SerialFrame.revision else { return damage(byte) }
            check = FrameCheck()
            oldCheck = FrameCheck(seed: 0)
            count(byte)
            state = .length
        case .length:
            guard byte > 0 else { return damage(byte) }
            count(byte)
            bytes.removeAll(keepingCapacity: true)
            state = .packet(left: Int(byte), isEscaped: false)
        case .packet(let left, let isEscaped):
            if byte == SerialFrame.flag { return damage(byte) }
            if byte == SerialFrame.escape, !isEscaped {
                state = .packet(left: left, isEscaped: true)
                break
            }
            let byte = isEscaped ? byte ^ SerialFrame.escaped : byte
            count(byte)
            bytes.append(byte)
            state = left > 1 ? .packet(left: left - 1, isEscaped: false) : .checkHigh
        case .checkHigh: state = .checkLow(UInt16(byte) << 8)
        case .checkLow(let high): state = .end(isRight: isRight(high | UInt16(byte)))
        case .end(let isRight):
            guard isRight, byte == SerialFrame.flag else { return damage(byte) }
            // It may begin the next frame as well.
            state = .revision
            return true
        }
        return false
    }

    private mutating func count(_ byte: UInt8) {
        check.add(byte)
        oldCheck.add(byte)
    }

    private mutating func isRight(_ value: UInt16) -> Bool {
        if value == check.value { seed = FrameCheck() } else if value == oldCheck.value { seed = FrameCheck(seed: 0) }
        return value == check.value || value == oldCheck.value
    }

    /// Throws the frame away: what follows counts from the next flag, which this byte may be.
    private mutating func damage(_ byte: UInt8) -> Bool {
        damaged &+= 1
        state = byte == SerialFrame.flag ? .revision : .outside
        return false
    }
}
