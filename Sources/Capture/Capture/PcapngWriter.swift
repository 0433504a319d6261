// SPDX-License-Identifier: Apache-2.0
//
// The pcapng format (draft-ietf-opsawg-pcapng), little-endian: the blocks that a capture of this kind needs.

/// Block types of pcapng.
enum PcapngBlock {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    static let statistics: UInt32 = 5
    static let packet: UInt32 = 6
    static let byteOrder: UInt32 = 0x1A2B_3C4D
}

/// Appends pcapng blocks, each whole, to bytes.
public struct PcapngWriter {
    /// The blocks that were not taken yet.
    public private(set) var bytes: [UInt8] = []
    /// Interfaces described so far: the number of the next one.
    public private(set) var interfaces: UInt32 = 0

    /// A writer that has written nothing.
    public init() {}

    /// A writer in the middle of a section that describes so many interfaces.
    init(interfaces: UInt32) { self.interfaces = interfaces }

    /// Hands over the blocks, and goes on behind them.
    public mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        return taken
    }

    /// Moves the blocks to the end of `buffer`, and keeps the room for the next.
    mutating func drain(into buffer: inout [UInt8]) {
        buffer.append(contentsOf: bytes)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Section Header Block: begins a file.
    public mutating func section(application: String) {
        block(PcapngBlock.section) { writer in
            writer.put(PcapngBlock.byteOrder)
            writer.put(UInt16(1))
            writer.put(UInt16(0))
            writer.put(UInt64.max)  // length unknown
            writer.option(4, application)
            writer.endOfOptions()
        }
        interfaces = 0
    }

    /// Interface Description Block, with times in nanoseconds; its number.
    public mutating func interface(name: String, description: String, link: LinkType) -> UInt32 {
        block(PcapngBlock.interface) { writer in
            writer.put(link.rawValue)
            writer.put(UInt16(0))
            writer.put(UInt32(0))  // no limit on a packet's length
            writer.option(2, name)
            writer.option(3, description)
            writer.option(9, [9])
            writer.endOfOptions()
        }
        interfaces += 1
        return interfaces - 1
    }

    /// Enhanced Packet Block. `time` in nanoseconds since 1970; an empty comment is left out.
    public mutating func packet(
        interface: UInt32, time: UInt64, direction: Direction, _ bytes: [UInt8], originalLength: Int, comment: String
    ) {
        precondition(interface < interfaces, "a packet of an interface that was not described")
        block(PcapngBlock.packet) { writer in
            writer.put(interface)
            writer.put(UInt32(truncatingIfNeeded: time >> 32))
            writer.put(UInt32(truncatingIfNeeded: time))
            writer.put(UInt32(bytes.count))
            writer.put(UInt32(max(originalLength, bytes.count)))
            writer.bytes.append(contentsOf: bytes)
            writer.pad()
            if !comment.isEmpty { writer.option(1, comment) }
            if direction != .none { writer.option(2, [direction.rawValue, 0, 0, 0]) }
            if !comment.isEmpty || direction != .none { writer.endOfOptions() }
        }
    }

    /// Interface Statistics Block: how many records the capture saw and lost on a channel.
    public mutating func statistics(interface: UInt32, time: UInt64, received: UInt64, lost: UInt64, comment: String) {
        block(PcapngBlock.statistics) { writer in
            writer.put(interface)
            writer.put(UInt32(truncatingIfNeeded: time >> 32))
            writer.put(UInt32(truncatingIfNeeded: time))
            if !comment.isEmpty { writer.option(1, comment) }
            writer.option(4, PcapngWriter.littleEndian(received))
            writer.option(5, PcapngWriter.littleEndian(lost))
            writer.endOfOptions()
        }
    }

    private mutating func block(_ type: UInt32, _ body: (inout PcapngWriter) -> Void) {
        let start = bytes.count
        put(type)
        put(UInt32(0))
        body(&self)
        let length = UInt32(bytes.count - start + 4)
        put(length)
        for index in 0..<4 { bytes[start + 4 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
    }

    private mutating func option(_ code: UInt16, _ text: String) { option(code, Array(text.utf8)) }

    private mutating func option(_ code: UInt16, _ value: [UInt8]) {
        let count = min(value.count, Int(UInt16.max))
        put(code)
        put(UInt16(count))
        bytes.append(contentsOf: value[..<count])
        pad()
    }

    private mutating func endOfOptions() { put(UInt32(0)) }

    private mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }

    private mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        var rest = value
        for _ in 0..<(Value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
}
