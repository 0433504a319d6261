// SPDX-License-Identifier: Apache-2.0

/// A cursor over bytes that may say anything. Every read is checked against the end and answers nil beyond it; a failed
/// read leaves the cursor where it was.
///
/// It borrows the bytes: they must stay valid, and private to this process, for as long as the reader is used.
public struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// Bytes read so far.
    public private(set) var offset = 0

    /// Reads from the first byte of `bytes` on.
    public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Bytes not read yet.
    public var remaining: Int { bytes.count - offset }

    /// Whether everything was read.
    public var isAtEnd: Bool { offset == bytes.count }

    /// One byte.
    public mutating func readUInt8() -> UInt8? {
        guard remaining >= 1 else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Two bytes, most significant first.
    public mutating func readUInt16BigEndian() -> UInt16? {
        read(UInt16.self).map { UInt16(bigEndian: $0) }
    }

    /// Two bytes, least significant first.
    public mutating func readUInt16LittleEndian() -> UInt16? {
        read(UInt16.self).map { UInt16(littleEndian: $0) }
    }

    /// Four bytes, most significant first.
    public mutating func readUInt32BigEndian() -> UInt32? {
        read(UInt32.self).map { UInt32(bigEndian: $0) }
    }

    /// Four bytes, least significant first.
    public mutating func readUInt32LittleEndian() -> UInt32? {
        read(UInt32.self).map { UInt32(littleEndian: $0) }
    }

    /// Eight bytes, most significant first.
    public mutating func readUInt64BigEndian() -> UInt64? {
        read(UInt64.self).map { UInt64(bigEndian: $0) }
    }

    /// Eight bytes, least significant first.
    public mutating func readUInt64LittleEndian() -> UInt64? {
        read(UInt64.self).map { UInt64(littleEndian: $0) }
    }

    /// The next `count` bytes, borrowed. A negative count is nil as well.
    public mutating func readBytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, count <= remaining else { return nil }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Everything that is left, borrowed; it may be empty.
    public mutating func readRest() -> UnsafeRawBufferPointer {
        defer { offset = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset...])
    }

    /// Passes over `count` bytes; false, and nothing done, if there are not that many.
    public mutating func skip(_ count: Int) -> Bool { readBytes(count) != nil }

    private mutating func read<Word: FixedWidthInteger & BitwiseCopyable>(_ type: Word.Type) -> Word? {
        let size = MemoryLayout<Word>.size
        guard remaining >= size else { return nil }
        defer { offset += size }
        return bytes.loadUnaligned(fromByteOffset: offset, as: type)
    }
}
