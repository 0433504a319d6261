// SPDX-License-Identifier: Apache-2.0
import Wire

/// The versions of the binding between Aspeed BMCs and POWER hosts: one KCS channel for signals, a window of shared
/// memory for packets.
public enum AstlpcVersion: UInt16, Comparable, CaseIterable, Sendable {
    /// Packets of the baseline unit only.
    case v1 = 1
    /// Both sides agree on a unit.
    case v2 = 2
    /// A CRC-32 follows each packet.
    case v3 = 3

    /// In the order of their numbers.
    public static func < (one: AstlpcVersion, other: AstlpcVersion) -> Bool { one.rawValue < other.rawValue }

    var trailer: Int { self == .v3 ? 4 : 0 }

    /// Bytes of buffer that a packet of that many bytes, header included, needs: its length in front, the trailer behind.
    public func bufferSize(packet: Int) -> Int { packet + 4 + trailer }

    /// The longest packet, header included, for a buffer of that size.
    public func packetSize(buffer: Int) -> Int { buffer - 4 - trailer }

    /// The smallest buffer that carries the baseline unit.
    var smallestBuffer: Int { bufferSize(packet: PacketHeader.size + PacketHeader.baselineUnit) }
}

/// The lowest and the highest version that a side speaks, as it stands in the window: any two numbers.
public struct AstlpcVersionRange: Equatable, Sendable {
    /// The lowest.
    public var minimum: UInt16
    /// The highest.
    public var current: UInt16

    /// Any two numbers; `negotiate` judges them.
    public init(_ minimum: UInt16, _ current: UInt16) {
        self.minimum = minimum
        self.current = current
    }

    /// 1 to 3: everything that is implemented here.
    public static let all = AstlpcVersionRange(1, 3)

    /// The version that two sides talk in: the highest that both speak. Nil if a range is empty or has a zero in it, or if
    /// they do not meet.
    public static func negotiate(bmc: AstlpcVersionRange, host: AstlpcVersionRange) -> AstlpcVersion? {
        guard bmc.isValid, host.isValid, host.current >= bmc.minimum, host.minimum <= bmc.current else { return nil }
        return AstlpcVersion(rawValue: min(bmc.current, host.current))
    }

    private var isValid: Bool { minimum != 0 && minimum <= current }
}

/// A buffer's place in the window.
public struct AstlpcRegion: Equatable, Sendable {
    /// Bytes from the window's start.
    public var offset: UInt32
    /// Bytes from there on.
    public var size: UInt32

    /// Any place; `AstlpcLayout.fault` judges it.
    public init(offset: UInt32, size: UInt32) {
        self.offset = offset
        self.size = size
    }
}

/// What is wrong with a layout.
public enum AstlpcLayoutFault: Equatable, Sendable {
    /// Offset and size together exceed 32 bits.
    case overflow
    /// The buffer ends behind the window.
    case outsideWindow
    /// It does not carry the baseline unit.
    case tooSmall
    /// It lies over the control area.
    case overlapsControlArea
    /// The two buffers share bytes.
    case overlap
}

/// Where the two buffers lie, under the host's names: it receives from one and transmits by the other.
public struct AstlpcLayout: Equatable, Sendable {
    /// BMC to host.
    public var receive: AstlpcRegion
    /// Host to BMC.
    public var transmit: AstlpcRegion

    /// Bytes at the window's start that no buffer may use.
    public static let controlArea = 0x100
    /// The part of a window that this binding uses, at most.
    public static let largestWindow = 1 << 20

    /// Any two places; `fault` judges them.
    public init(receive: AstlpcRegion, transmit: AstlpcRegion) {
        self.receive = receive
        self.transmit = transmit
    }

    /// Two buffers of one size, one behind the other after the control area. They carry `unit` bytes of payload, or as
    /// many as fit, in steps of 16 (DSP0236 §12.17).
    public init(window: Int, version: AstlpcVersion, unit: Int?) {
        let half = (min(window, Self.largestWindow) - Self.controlArea) / 2
        let most = (version.packetSize(buffer: half) - PacketHeader.size) & ~0xF
        let size = version.bufferSize(packet: PacketHeader.size + min(unit ?? most, most))
        let bytes = UInt32(clamping: size)
        receive = AstlpcRegion(offset: UInt32(Self.controlArea), size: bytes)
        transmit = AstlpcRegion(offset: UInt32(Self.controlArea) + bytes, size: bytes)
    }

    /// The first rule that the layout breaks in a window of that size; nil if it is sound.
    public func fault(version: AstlpcVersion, window: Int) -> AstlpcLayoutFault? {
        for region in [receive, transmit] {
            let (end, overflow) = region.offset.addingReportingOverflow(region.size)
            if overflow { return .overflow }
            // Int may have 32 bits, and a host may write any number.
            if UInt64(end) > UInt64(min(window, Self.largestWindow)) { return .outsideWindow }
            if Int(clamping: region.size) < version.smallestBuffer { return .tooSmall }
            if Int(clamping: region.offset) < Self.controlArea { return .overlapsControlArea }
        }
        let apart =
            receive.offset + receive.size <= transmit.offset || transmit.offset + transmit.size <= receive.offset
        return apart ? nil : .overlap
    }
}

/// The control area at the window's start: 32 bytes, most significant byte first, as copied out at one moment.
public struct AstlpcHeader: Equatable, Sendable {
    /// Bytes in the window.
    public static let size = 0x20
    /// "MCTP".
    public static let magic: UInt32 = 0x4D43_5450

    static let bmcVersionsOffset = 0x04
    static let hostVersionsOffset = 0x08
    static let negotiatedOffset = 0x0C
    static let layoutOffset = 0x10

    /// `AstlpcHeader.magic`, if a BMC wrote it.
    public var magic: UInt32
    /// What the BMC speaks.
    public var bmcVersions: AstlpcVersionRange
    /// What the host speaks.
    public var hostVersions: AstlpcVersionRange
    /// What the BMC chose; 0 if nothing.
    public var negotiated: UInt16
    /// Where the buffers are.
    public var layout: AstlpcLayout

    /// What a BMC writes at start.
    init(bmcVersions: AstlpcVersionRange, layout: AstlpcLayout) {
        magic = Self.magic
        self.bmcVersions = bmcVersions
        hostVersions = AstlpcVersionRange(0, 0)
        negotiated = 0
        self.layout = layout
    }

    /// Copies the control area out of the window; nil if that is too small.
    public init?(_ window: Window) {
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        guard withUnsafeMutableBytes(of: &bytes, { window.copyOut(0, into: $0) }) else { return nil }
        let header: AstlpcHeader? = withUnsafeBytes(of: bytes) { raw in
            var reader = ByteReader(raw)
            guard let magic = reader.readUInt32BigEndian(),
                let bmcMinimum = reader.readUInt16BigEndian(), let bmcCurrent = reader.readUInt16BigEndian(),
                let hostMinimum = reader.readUInt16BigEndian(), let hostCurrent = reader.readUInt16BigEndian(),
                let negotiated = reader.readUInt16BigEndian(), reader.skip(2),
                let receiveOffset = reader.readUInt32BigEndian(), let receiveSize = reader.readUInt32BigEndian(),
                let transmitOffset = reader.readUInt32BigEndian(), let transmitSize = reader.readUInt32BigEndian()
            else { return nil }
            var header = AstlpcHeader(
                bmcVersions: AstlpcVersionRange(bmcMinimum, bmcCurrent),
                layout: AstlpcLayout(
                    receive: AstlpcRegion(offset: receiveOffset, size: receiveSize),
                    transmit: AstlpcRegion(offset: transmitOffset, size: transmitSize)))
            header.magic = magic
            header.hostVersions = AstlpcVersionRange(hostMinimum, hostCurrent)
            header.negotiated = negotiated
            return header
        }
        guard let header else { return nil }
        self = header
    }

    /// Writes all of it; false if the window is too small.
    public func write(to window: Window) -> Bool {
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { raw in
            var writer = ByteWriter(raw)
            writer.writeUInt32BigEndian(magic)
            writer.writeUInt16BigEndian(bmcVersions.minimum)
            writer.writeUInt16BigEndian(bmcVersions.current)
            writer.writeUInt16BigEndian(hostVersions.minimum)
            writer.writeUInt16BigEndian(hostVersions.current)
            writer.writeUInt16BigEndian(negotiated)
            writer.writeUInt16BigEndian(0)
            writer.writeUInt32BigEndian(layout.receive.offset)
            writer.writeUInt32BigEndian(layout.receive.size)
            writer.writeUInt32BigEndian(layout.transmit.offset)
            writer.writeUInt32BigEndian(layout.transmit.size)
            return window.copyIn(0, writer.written)
        }
    }
}
