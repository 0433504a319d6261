// SPDX-License-Identifier: Apache-2.0

/// Reads pcapng of any writer and byte order, without trust, from pieces as they come: `push` bytes, and ask `next` until
/// it has no more.
///
/// A block that breaks a rule is told of, and reading goes on behind it. Where its length cannot be believed, the next
/// place is looked for at which a block stands.
public struct PcapngReader {
    var bytes: [UInt8] = []
    /// Where in `bytes` the next block begins.
    private var offset = 0
    /// How much of the file came before `bytes`.
    private var base: UInt64 = 0
    private var isFinished = false
    /// Is the next block still to be found?
    private var isLost = false
    private var isBigEndian = false
    /// What stands in for an interface that could not be read, so that those behind it keep their numbers.
    private var lostInterface: Item?
    /// The interfaces of the section so far.
    public internal(set) var interfaces: [Interface] = []
    /// Where the block begins inside which the file ends, as it does when its writer was killed; nil if it does not.
    public private(set) var cut: UInt64?
    /// The first thing that is wrong with the file, or nil.
    public private(set) var damage: Damage?
    /// How many things are wrong.
    public private(set) var damages = 0

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

        /// Is it the same in another file? Its times may be in another unit.
        public func isSame(_ other: Interface) -> Bool {
            link == other.link && name.utf8.elementsEqual(other.name.utf8)
                && description.utf8.elementsEqual(other.description.utf8)
        }
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
        /// Something is wrong here; what can be read behind it follows.
        case damage(Damage)
    }

    /// What is wrong with a file, and where.
    public struct Damage: Error, Sendable, Equatable {
        /// Bytes before the block.
        public let offset: UInt64
        /// The rule that it breaks.
        public let rule: String
    }

    /// Interfaces that a section may have: more are damage.
    static let maximumInterfaces = 4096
    /// A longer block is damage: a length that was hit by chance must not have a reader wait for gigabytes.
    static let maximumBlock = 16 << 20

    /// A reader of a file that comes in pieces.
    public init() {}

    /// A reader of a file's bytes; nil unless they begin with a section header.
    public init?(_ bytes: [UInt8]) {
        guard PcapngReader.isPcapng(bytes) else { return nil }
        self.bytes = bytes
        isFinished = true
    }

    /// Do these bytes, twelve or more, begin a pcapng file?
    public static func isPcapng(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 12, bytes[0] == 0x0A, bytes[1] == 0x0D, bytes[2] == 0x0D, bytes[3] == 0x0A else {
            return false
        }
        let little: [UInt8] = [0x4D, 0x3C, 0x2B, 0x1A]
        return bytes[8..<12].elementsEqual(little) || bytes[8..<12].elementsEqual(little.reversed())
    }

    /// The next bytes of the file.
    public mutating func push(_ piece: some Collection<UInt8>) {
        bytes.removeFirst(offset)
        base += UInt64(offset)
        offset = 0
        bytes.append(contentsOf: piece)
    }

    /// There are no more bytes.
    public mutating func finish() { isFinished = true }

    /// Is the file neither damaged nor cut, as far as it was read?
    public var isWhole: Bool { damage == nil && cut == nil }

    /// The next block that this reader knows; others are skipped. Nil when more bytes are needed, or at the end.
    public mutating func next() -> Item? {
        if let interface = lostInterface {
            lostInterface = nil
            return interface
        }
        while offset < bytes.count {
            if isLost { guard find(from: offset) else { return nil } }
            switch frame(at: offset) {
            case .block(let length):
                let start = offset
                offset += length
                if let item = item(start, length) { return item }
            case .broken(let rule): return lose(rule)
            case .incomplete:
                guard isFinished else { return nil }
                // Is it the last block that was cut, or its length that is wrong?
                let start = offset
                if find(from: start + 1) {
                    let found = offset
                    offset = start
                    let item = lose("a block's length stands at both its ends")
                    offset = found
                    isLost = false
                    return item
                }
                cut = base + UInt64(start)
            }
        }
        return nil
    }

    private mutating func item(_ start: Int, _ length: Int) -> Item? {
        let body = (start + 8)..<(start + length - 4)
        switch UInt32(number(start, 4)) {
        case PcapngBlock.section:
            guard body.count >= 16 else { return fail(start, "a section header has 16 bytes") }
            interfaces = []
            return .section
        case PcapngBlock.interface: return interface(start, body)
        case PcapngBlock.packet: return packet(start, body)
        case PcapngBlock.statistics: return statistics(start, body)
        default: return nil
        }
    }

    // MARK: Where blocks begin and end

    private enum Frame {
        case block(length: Int)
        case broken(rule: String)
        case incomplete
    }

    private mutating func frame(at start: Int) -> Frame {
        guard bytes.count - start >= 12 else { return .incomplete }
        // A section header's type reads the same in both orders; its magic number tells the order of the rest.
        if number(start, 4) == UInt64(PcapngBlock.section) {
            let isBig = bytes[start + 8] == 0x1A
            guard PcapngReader.isPcapng(Array(bytes[start..<start + 12])) else {
                return .broken(rule: "a section header's byte-order magic is 1A2B3C4D")
            }
            isBigEndian = isBig
        }
        let length = size(start + 4)
        guard length >= 12, length % 4 == 0 else {
            return .broken(rule: "a block's length is a multiple of 4, from 12")
        }
        guard length <= PcapngReader.maximumBlock else { return .broken(rule: "a block has at most 16 MiB") }
        guard length <= bytes.count - start else { return .incomplete }
        guard size(start + length - 4) == length else {
            return .broken(rule: "a block's length stands at both its ends")
        }
        return .block(length: length)
    }

    /// The block at `offset` cannot be believed.
    private mutating func lose(_ rule: String) -> Item {
        isLost = true
        let start = offset
        if number(start, 4) == UInt64(PcapngBlock.interface), interfaces.count < PcapngReader.maximumInterfaces {
            let interface = Interface(link: .none, name: "", description: "", resolution: 9)
            interfaces.append(interface)
            lostInterface = .interface(interface)
        }
        offset += 1
        return fail(start, rule)
    }

    /// Moves `offset` to the next place where a block stands; false when it is not there yet, or there is none.
    private mutating func find(from start: Int) -> Bool {
        offset = start
        while offset < bytes.count {
            switch isBlock(at: offset) {
            case true?:
                isLost = false
                return true
            case false?: offset += 1
            case nil:
                if !isFinished { return false }
                offset += 1
            }
        }
        return false
    }

    /// Does a block of a known kind stand here, all of it? Nil: too little is there to tell.
    private mutating func isBlock(at start: Int) -> Bool? {
        guard bytes.count - start >= 12 else { return nil }
        let isSection = number(start, 4) == UInt64(PcapngBlock.section)
        if !isSection {
            // What tells at once that it is none: who follows a channel must not wait for the end of a block that never was.
            let length = size(start + 4)
            switch UInt32(number(start, 4)) {
            case PcapngBlock.interface: guard length <= 4096, number(start + 10, 2) == 0 else { return false }
            case PcapngBlock.statistics: guard length <= 4096, size(start + 8) < interfaces.count else { return false }
            case PcapngBlock.packet:
                guard bytes.count - start >= 28 else { return nil }
                guard length <= 256 << 10, size(start + 8) < interfaces.count, size(start + 20) <= length else {
                    return false
                }
            default: return false
            }
        }
        let order = isBigEndian
        switch frame(at: start) {
        case .block: return true
        case .broken: break
        case .incomplete:
            isBigEndian = order
            return nil
        }
        isBigEndian = order
        return false
    }

    mutating func fail(_ start: Int, _ rule: String) -> Item {
        let damage = Damage(offset: base + UInt64(start), rule: rule)
        if self.damage == nil { self.damage = damage }
        damages += 1
        return .damage(damage)
    }

    /// A 32-bit count, held inside what an Int of a small processor can say.
    func size(_ start: Int) -> Int { Int(clamping: number(start, 4)) }

    func number(_ start: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count {
            let shift = UInt64(8 * (isBigEndian ? count - 1 - index : index))
            value |= UInt64(bytes[start + index]) << shift
        }
        return value
    }
}
