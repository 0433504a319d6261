// SPDX-License-Identifier: Apache-2.0

/// Reads pcapng of any writer and byte order, without trust: a damaged block ends the reading with a reason, a torn one
/// at the end is ignored.
public struct PcapngReader {
    private let bytes: [UInt8]
    private var offset = 0
    private var isBigEndian = false
    private var sectionStart = 0
    /// The interfaces of the section so far.
    public private(set) var interfaces: [Interface] = []
    /// Did the file end inside a block, as it does when its writer was killed?
    public private(set) var isTorn = false
    /// Why reading ended before the end, or nil.
    public private(set) var damage: Damage?

    /// An interface of a section.
    public struct Interface: Sendable, Equatable {
        /// Its link type.
        public let link: LinkType
        /// Its name, or nothing.
        public let name: String
        /// Its description, or nothing.
        public let description: String
        /// The unit of its times: bit 7 clear, a power of ten; set, a power of two.
        let resolution: UInt8
    }

    /// A packet.
    public struct Packet: Sendable, Equatable {
        /// The interface's number in its section.
        public let interface: Int
        /// Nanoseconds since 1970.
        public let time: UInt64
        /// Which way.
        public let direction: Direction
        /// What was kept of it.
        public let bytes: [UInt8]
        /// How long it was.
        public let originalLength: Int
        /// Its comment, or nothing.
        public let comment: String
    }

    /// What a block says.
    public enum Item: Sendable, Equatable {
        /// A section begins: interfaces are numbered from 0 again.
        case section
        /// The next interface.
        case interface(Interface)
        /// A packet.
        case packet(Packet)
        /// Counts of an interface, where given.
        case statistics(interface: Int, received: UInt64?, lost: UInt64?, comment: String)
    }

    /// What is wrong with a file, and where.
    public struct Damage: Error, Sendable, Equatable {
        /// Bytes before the block.
        public let offset: Int
        /// The rule that it breaks.
        public let rule: String
    }

    /// Interfaces that a section may have: more are damage.
    static let maximumInterfaces = 4096

    /// A reader of a file's bytes; nil unless they begin with a section header.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 12, bytes[0] == 0x0A, bytes[1] == 0x0D, bytes[2] == 0x0D, bytes[3] == 0x0A else {
            return nil
        }
        let little: [UInt8] = [0x4D, 0x3C, 0x2B, 0x1A]
        guard bytes[8..<12].elementsEqual(little) || bytes[8..<12].elementsEqual(little.reversed()) else { return nil }
        self.bytes = bytes
    }

    /// The next block that this reader knows; others are skipped. Nil at the end, or at damage.
    public mutating func next() -> Item? {
        while damage == nil, !isTorn, offset < bytes.count {
            guard bytes.count - offset >= 12 else {
                isTorn = true
                return nil
            }
            let start = offset
            // A section header's type reads the same in both orders; its magic number tells the order of the rest.
            if number(start, 4) == UInt64(PcapngBlock.section) {
                isBigEndian = bytes[start + 8] == 0x1A
                guard number(start + 8, 4) == UInt64(PcapngBlock.byteOrder) else {
                    return fail(start, "a section header's byte-order magic is 1A2B3C4D")
                }
            }
            let length = size(start + 4)
            guard length >= 12, length % 4 == 0 else {
                return fail(start, "a block's length is a multiple of 4, from 12")
            }
            guard length <= bytes.count - start else {
                isTorn = true
                return nil
            }
            guard size(start + length - 4) == length else {
                return fail(start, "a block's length stands at both its ends")
            }
            offset = start + length
            let body = (start + 8)..<(start + length - 4)
            switch UInt32(number(start, 4)) {
            case PcapngBlock.section:
                guard body.count >= 16 else { return fail(start, "a section header has 16 bytes") }
                interfaces = []
                return .section
            case PcapngBlock.interface: return interface(start, body)
            case PcapngBlock.packet: return packet(start, body)
            case PcapngBlock.statistics: return statistics(start, body)
            default: continue
            }
        }
        return nil
    }

    private mutating func interface(_ start: Int, _ body: Range<Int>) -> Item? {
        guard body.count >= 8 else { return fail(start, "an interface description has 8 bytes") }
        guard interfaces.count < PcapngReader.maximumInterfaces else {
            return fail(start, "a section has at most \(PcapngReader.maximumInterfaces) interfaces")
        }
        var name = ""
        var description = ""
        var resolution: UInt8 = 6
        for option in options(body.dropFirst(8)) {
            switch option.code {
            case 2: name = text(option.value)
            case 3: description = text(option.value)
            case 9 where !option.value.isEmpty: resolution = bytes[option.value.lowerBound]
            default: break
            }
        }
        let interface = Interface(
            link: LinkType(rawValue: UInt16(number(body.lowerBound, 2))), name: name, description: description,
            resolution: resolution)
        interfaces.append(interface)
        return .interface(interface)
    }

    private mutating func packet(_ start: Int, _ body: Range<Int>) -> Item? {
        guard body.count >= 20 else { return fail(start, "a packet block has 20 bytes") }
        let number = size(body.lowerBound)
        guard number < interfaces.count else { return fail(start, "a packet's interface was described before") }
        let captured = size(body.lowerBound + 12)
        guard captured <= body.count - 20 else { return fail(start, "a packet's bytes lie inside its block") }
        let data = (body.lowerBound + 20)..<(body.lowerBound + 20 + captured)
        var comment = ""
        var direction = Direction.none
        let padded = min(body.upperBound, data.upperBound + (4 - captured % 4) % 4)
        for option in options(padded..<body.upperBound) {
            switch option.code {
            case 1: comment += (comment.isEmpty ? "" : "; ") + text(option.value)
            case 2 where option.value.count == 4:
                direction = Direction(rawValue: UInt8(self.number(option.value.lowerBound, 4) & 3)) ?? .none
            default: break
            }
        }
        return .packet(
            Packet(
                interface: number, time: time(body.lowerBound + 4, interfaces[number].resolution),
                direction: direction, bytes: Array(bytes[data]),
                originalLength: size(body.lowerBound + 16), comment: comment))
    }

    private mutating func statistics(_ start: Int, _ body: Range<Int>) -> Item? {
        guard body.count >= 12 else { return fail(start, "an interface statistics block has 12 bytes") }
        var received: UInt64?
        var lost: UInt64?
        var comment = ""
        for option in options(body.dropFirst(12)) {
            switch option.code {
            case 1: comment = text(option.value)
            case 4 where option.value.count == 8: received = number(option.value.lowerBound, 8)
            case 5 where option.value.count == 8: lost = number(option.value.lowerBound, 8)
            default: break
            }
        }
        return .statistics(
            interface: size(body.lowerBound), received: received, lost: lost, comment: comment)
    }

    private mutating func fail(_ start: Int, _ rule: String) -> Item? {
        damage = Damage(offset: start, rule: rule)
        return nil
    }

    /// The options of a block: those that lie wholly in it.
    private func options(_ range: Range<Int>) -> [(code: UInt16, value: Range<Int>)] {
        var options: [(code: UInt16, value: Range<Int>)] = []
        var next = range.lowerBound
        while range.upperBound - next >= 4 {
            let code = UInt16(number(next, 2))
            let length = Int(number(next + 2, 2))
            guard code != 0, length <= range.upperBound - next - 4 else { break }
            options.append((code, (next + 4)..<(next + 4 + length)))
            next = min(range.upperBound, next + 4 + (length + 3) / 4 * 4)
        }
        return options
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// A 32-bit count, held inside what an Int of a small processor can say.
    private func size(_ start: Int) -> Int { Int(clamping: number(start, 4)) }

    private func number(_ start: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count {
            let shift = UInt64(8 * (isBigEndian ? count - 1 - index : index))
            value |= UInt64(bytes[start + index]) << shift
        }
        return value
    }

    /// Nanoseconds from a time's two halves and its interface's unit; what does not fit is cut to the last that does.
    private func time(_ start: Int, _ resolution: UInt8) -> UInt64 {
        let units = number(start, 4) << 32 | number(start + 4, 4)
        if resolution & 0x80 == 0 {
            var value = units
            if resolution <= 9 {
                for _ in 0..<(9 - resolution) {
                    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                    if overflow { return UInt64.max }
                    value = product
                }
            } else {
                for _ in 0..<min(resolution - 9, 20) { value /= 10 }
            }
            return value
        }
        let shift = UInt64(min(resolution & 0x7F, 63))
        let product = units.multipliedFullWidth(by: 1_000_000_000)
        let unit = UInt64(1) << shift
        guard product.high < unit else { return UInt64.max }
        return unit.dividingFullWidth(product).quotient
    }
}
