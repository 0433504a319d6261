// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// The format of an append-only, checksummed log of changes.
///
/// Header, 16 bytes: "KCSJ", format 1, kind, two zeros, number of the first record LE32, CRC-32 LE32.
/// Record: bytes of payload LE16, number LE32, type, payload, CRC-32 LE32 over all before it. Numbers rise by one, so
/// that what is left of an older, longer log behind the end can never be taken for a record of this one.
enum Journal {
    static let headerSize = 16
    static let overhead = 11
    static let largestPayload = 1024

    struct Record: Equatable {
        var type: UInt8
        var payload: [UInt8]
    }

    /// What a file holds.
    struct Contents {
        /// The records up to the first that is not whole.
        var records: [Record] = []
        /// Number that the next record gets.
        var next: UInt32 = 0
        /// Bytes up to the end of the last whole record; 0 without a whole header.
        var length = 0
        /// Bytes after that.
        var cut = 0
    }

    static func header(kind: UInt8, first: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0x4B, 0x43, 0x53, 0x4A, 0x01, kind, 0, 0]
        append(&bytes, first)
        append(&bytes, CRC32.of(bytes, 0..<bytes.count))
        return bytes
    }

    static func append(_ bytes: inout [UInt8], _ record: Record, number: UInt32) {
        precondition(record.payload.count <= largestPayload, "a journal record holds at most 1024 bytes")
        let start = bytes.count
        bytes.append(UInt8(record.payload.count & 0xFF))
        bytes.append(UInt8(record.payload.count >> 8))
        append(&bytes, number)
        bytes.append(record.type)
        bytes += record.payload
        append(&bytes, CRC32.of(bytes, start..<bytes.count))
    }

    /// Reads a file's bytes: whole records from the start, up to the first that is torn, damaged or out of order.
    static func read(_ bytes: [UInt8], kind: UInt8) -> Contents {
        var contents = Contents()
        contents.cut = bytes.count
        guard bytes.count >= headerSize else { return contents }
        let first = little32(bytes, 8)
        guard header(kind: kind, first: first)[...] == bytes[0..<headerSize] else { return contents }
        contents.next = first
        var offset = headerSize
        while bytes.count - offset >= overhead {
            let count = Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
            guard count <= largestPayload, bytes.count - offset >= overhead + count else { break }
            let end = offset + 7 + count
            guard little32(bytes, offset + 2) == contents.next, little32(bytes, end) == CRC32.of(bytes, offset..<end)
            else { break }
            contents.records.append(Record(type: bytes[offset + 6], payload: [UInt8](bytes[(offset + 7)..<end])))
            contents.next &+= 1
            offset = end + 4
        }
        contents.length = offset
        contents.cut = bytes.count - offset
        return contents
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

    /// Goes on where `contents` ends. A file that had to be cut is written anew at the next change.
    mutating func resume(_ contents: Journal.Contents) {
        length = contents.length
        next = contents.next
        replaceNext = contents.cut > 0 || contents.length == 0
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
        var bytes = Journal.header(kind: kind, first: next)
        for record in image() {
            Journal.append(&bytes, record, number: after.next)
            after.next &+= 1
        }
        after.length = bytes.count
        after.replaceNext = false
        return (.replace(bytes: bytes), after)
    }
}
