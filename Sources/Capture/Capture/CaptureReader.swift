// SPDX-License-Identifier: Apache-2.0

/// Reads a capture in any of the project's forms (pcapng, raw dump, a recorder's file) from pieces as they come. Pcapng is
/// read as a stream; the others are short, and are only understood as a whole.
public struct CaptureReader {
    private enum Form {
        case unknown
        case pcapng
        case whole
        case none
    }

    private var form = Form.unknown
    private var reader = PcapngReader()
    /// What came before the form was known, or of a form that is read as a whole.
    private var gathered: [UInt8] = []
    /// What the bytes of another form were made into, as far as it was not read yet.
    private var dump: CaptureDump?
    private var dumpDamage: PcapngReader.Damage?

    /// A longer file of rings was made by nobody.
    private static let maximumWhole = 1 << 30

    /// A reader that waits for the first piece.
    public init() {}

    /// Is it a capture of no known form?
    public var isRefused: Bool {
        if case .none = form { return true }
        return false
    }

    /// The first thing that is wrong with the file, or nil.
    public var damage: PcapngReader.Damage? { reader.damage ?? dumpDamage }
    /// How many things are wrong.
    public var damages: Int { reader.damages + (dumpDamage == nil ? 0 : 1) }
    /// Where the block begins inside which the file ends; nil if it ends behind a block.
    public var cut: UInt64? { reader.cut }

    /// The interface that a packet names.
    public func interface(_ packet: PcapngReader.Packet) -> PcapngReader.Interface {
        reader.interfaces[packet.interface]
    }

    /// The next bytes of the file.
    public mutating func push(_ piece: ArraySlice<UInt8>) {
        switch form {
        case .pcapng: reader.push(piece)
        case .none: break
        case .whole:
            gathered.append(contentsOf: piece)
            if gathered.count > CaptureReader.maximumWhole { form = .none }
        case .unknown:
            gathered.append(contentsOf: piece)
            guard gathered.count >= 12 else { return }
            if PcapngReader.isPcapng(gathered) {
                form = .pcapng
                reader.push(gathered)
                gathered = []
            } else {
                form = RawDump.isRawDump(gathered) || gathered.starts(with: "KCSRING1".utf8) ? .whole : .none
            }
        }
    }

    /// There are no more bytes.
    public mutating func finish() {
        switch form {
        case .pcapng: reader.finish()
        case .unknown: form = .none
        case .none: break
        case .whole:
            if let raw = RawDump(gathered) {
                dump = CaptureDump(raw)
                if raw.damaged > 0 {
                    dumpDamage = PcapngReader.Damage(
                        offset: UInt64(gathered.count), rule: "\(raw.damaged) of the dump's recorders cannot be read")
                }
            } else if let ring = RingSnapshot(gathered) {
                dump = CaptureDump([ring])
            } else {
                form = .none
            }
            gathered = []
        }
    }

    /// What the next block says. Nil when more bytes are needed, or at the end.
    public mutating func next() -> PcapngReader.Item? {
        while true {
            if let item = reader.next() { return item }
            guard dump != nil else { return nil }
            if let blocks = dump?.next() {
                reader.push(blocks)
            } else {
                dump = nil
            }
        }
    }
}
