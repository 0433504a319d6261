// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// The format of an append-only, checksummed log of changes.
///
/// Header, 16 bytes: "KCSJ", format 1, kind, two zeros, number of the first record LE32, CRC-32 LE32.
/// Record: bytes of payload LE16, number LE32, type, payload, CRC-32 LE32 over all before it. Numbers rise by one, so
/// that what is left of an older, longer log behind the end can never be taken for a record of this one, and a reader can
/// find its way again behind a damaged one.
///
/// Every later format has the same header, so that this one can tell such a file from damage.
enum Journal {
    static let format: UInt8 = 1
    static let headerSize = 16
    static let overhead = 11
    static let largestPayload = 64
    private static let mostDamaged: UInt32 = 0xFFFF

    struct Record: Equatable {
        var type: UInt8
        var payload: [UInt8]
    }

    /// What a file holds.
    struct Contents {
        /// The whole records, in their order.
        var records: [Record] = []
        /// Number that the next record gets.
        var next: UInt32 = 0
        /// Bytes up to the end of the last whole record; 0 without a whole header.
        var length = 0
        /// Bytes after that.
        var cut = 0
        /// What is there and not whole: records, and the header.
        var damaged = 0
    }

    static func header(kind: UInt8, first: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0x4B, 0x43, 0x53, 0x4A, format, kind, 0, 0]
        append(&bytes, first)
        append(&bytes, CRC32.of(bytes, 0..<bytes.count))
        return bytes
    }

    /// Do `bytes` begin with the header of a journal, of whatever kind?
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        bytes.count >= headerSize && header(kind: bytes[5], first: little32(bytes, 8))[...] == bytes[0..<headerSize]
    }

    /// The format of a whole header that is later than this one; nil if `bytes` begin with no such header.
    static func newerFormat(_ bytes: [UInt8]) -> UInt8? {
        guard bytes.count >= headerSize, bytes[0..<4] == [0x4B, 0x43, 0x53, 0x4A], bytes[4] > format,
            little32(bytes, 12) == CRC32.of(bytes, 0..<12)
        else { return nil }
        return bytes[4]
    }

    static func append(_ bytes: inout [UInt8], _ record: Record, number: UInt32) {
        precondition(record.payload.count <= largestPayload, "a journal record holds at most 64 bytes")
        let start = bytes.count
        bytes.append(UInt8(record.payload.count & 0xFF))
        bytes.append(UInt8(record.payload.count >> 8))
        append(&bytes, number)
        bytes.append(record.type)
        bytes += record.payload
        append(&bytes, CRC32.of(bytes, start..<bytes.count))
    }

    /// A file that holds `records` and nothing else.
    static func file(kind: UInt8, first: UInt32, _ records: [Record]) -> [UInt8] {
        var bytes = header(kind: kind, first: first)
        var number = first
        for record in records {
            append(&bytes, record, number: number)
            number &+= 1
        }
        return bytes
    }

    /// Reads a file's bytes: every whole record, in order. Behind a damaged one it goes on with the next that is whole.
    static func read(_ bytes: [UInt8], kind: UInt8) -> Contents {
        var contents = Contents()
        contents.cut = bytes.count
        guard bytes.count >= headerSize else { return contents }
        let first = little32(bytes, 8)
        let isWhole = isWhole(bytes) && bytes[5] == kind
        contents.damaged = isWhole ? 0 : 1
        contents.length = isWhole ? headerSize : 0
        contents.next = first
        // A number is known once a header or a record said so.
        var isKnown = isWhole
        var offset = headerSize
        var place = headerSize
        while place <= bytes.count - overhead {
            guard let end = recordEnd(bytes, place, isKnown ? contents.next : nil) else {
                place += 1
                continue
            }
            let number = little32(bytes, place + 2)
            if place > offset { contents.damaged += isKnown ? Int(truncatingIfNeeded: number &- contents.next) : 1 }
            contents.records.append(Record(type: bytes[place + 6], payload: [UInt8](bytes[(place + 7)..<(end - 4)])))
            contents.next = number &+ 1
            isKnown = true
            contents.length = end
            offset = end
            place = end
        }
        contents.cut = bytes.count - contents.length
        if isKnown && !isTorn(bytes, offset, contents.next) { contents.damaged += 1 }
        return contents
    }

    /// Is what stands at `place`, up to the end, the beginning of record `number`, as a crash leaves it? All else is damage.
    private static func isTorn(_ bytes: [UInt8], _ place: Int, _ number: UInt32) -> Bool {
        let left = bytes.count - place
        guard left >= 2 else { return true }
        guard let count = payload(bytes, place), left < overhead + count else { return false }
        for index in 2..<max(2, min(left, 6)) {
            let byte = UInt8(truncatingIfNeeded: number >> UInt32(8 * (index - 2)))
            if bytes[place + index] != byte { return false }
        }
        return true
    }

    /// The end of a whole record at `place`, if one is there. Its number is `expected`, or, as the records before it may be
    /// damaged, a little above.
    private static func recordEnd(_ bytes: [UInt8], _ place: Int, _ expected: UInt32?) -> Int? {
        guard let count = payload(bytes, place), bytes.count - place >= overhead + count else { return nil }
        if let expected, little32(bytes, place + 2) &- expected > mostDamaged { return nil }
        let end = place + 7 + count
        return little32(bytes, end) == CRC32.of(bytes, place..<end) ? end + 4 : nil
    }

    /// The size that a record at `place` says its payload has; nil if none has that.
    private static func payload(_ bytes: [UInt8], _ place: Int) -> Int? {
        guard bytes.count - place >= 2 else { return nil }
        let count = Int(bytes[place]) | Int(bytes[place + 1]) << 8
        return count <= largestPayload ? count : nil
    }

    static func append(_ bytes: inout [UInt8], _ value: UInt32) {
        for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    static func little32(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }
}

/// Where a journal ends, and what its next record is called.
struct JournalWriter {
    let kind: UInt8
    private var length = 0
    private var next: UInt32 = 1
    // Set while the file may hold more than the records known: the next change writes it anew.
    private var replaceNext = true

    init(kind: UInt8) { self.kind = kind }

    /// Goes on where `contents` ends. A file that had to be cut, or is damaged, is written anew at the next change.
    mutating func resume(_ contents: Journal.Contents) {
        length = contents.length
        next = contents.next
        replaceNext = contents.cut > 0 || contents.damaged > 0 || contents.length == 0
    }

    /// The file may hold part of a change that failed.
    mutating func distrust() { replaceNext = true }

    /// The change that adds `record`; and the writer as it is once that is on storage.
    ///
    /// - Parameter image: all records that the store needs with this one included; used when the journal is to be
    ///   written anew, which also is how it shrinks.
    func change(
        adding record: Journal.Record, size limit: Int, image: () -> [Journal.Record]
    ) -> (change: StoreChange, after: JournalWriter) {
        var after = self
        if !replaceNext && length + record.payload.count + Journal.overhead <= limit {
            var bytes: [UInt8] = []
            Journal.append(&bytes, record, number: next)
            after.next &+= 1
            after.length += bytes.count
            return (.append(offset: UInt64(length), bytes: bytes), after)
        }
        let records = image()
        let bytes = Journal.file(kind: kind, first: next, records)
        after.next &+= UInt32(truncatingIfNeeded: records.count)
        after.length = bytes.count
        after.replaceNext = false
        return (.replace(bytes: bytes), after)
    }
}
