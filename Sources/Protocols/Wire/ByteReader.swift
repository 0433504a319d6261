// SPDX-License-Identifier: Apache-2.0

/// A cursor over bytes that may say anything. Every read is checked against the end and answers nil beyond it; a failed
/// read leaves the cursor where it was.
///
/// It borrows the bytes, which stay as they are for as long as the reader is used.
public struct ByteReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// Bytes read so far.
    public private(set) var offset = 0

    /// Reads from the first byte of `bytes` on.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// Bytes not read yet.
    public var remaining: Int { bytes.count - offset }

    /// Whether everything was read.
    public var isAtEnd: Bool { offset == bytes.count }

    /// One byte.
    @_lifetime(self: copy self)
    public mutating func readUInt8() -> UInt8? {
        guard remaining >= 1 else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Two bytes, most significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt16BigEndian() -> UInt16? { readBigEndian(UInt16.self) }

    /// Two bytes, least significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt16LittleEndian() -> UInt16? { readBigEndian(UInt16.self)?.byteSwapped }

    /// Four bytes, most significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt32BigEndian() -> UInt32? { readBigEndian(UInt32.self) }

    /// Four bytes, least significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt32LittleEndian() -> UInt32? { readBigEndian(UInt32.self)?.byteSwapped }

    /// Eight bytes, most significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt64BigEndian() -> UInt64? { readBigEndian(UInt64.self) }

    /// Eight bytes, least significant first.
    @_lifetime(self: copy self)
    public mutating func readUInt64LittleEndian() -> UInt64? { readBigEndian(UInt64.self)?.byteSwapped }

    /// The next `count` bytes, borrowed. A negative count is nil as well.
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func readBytes(_ count: Int) -> Span<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        let start = offset
        offset += count
        return bytes.extracting(start..<offset)
    }

    /// Everything that is left, borrowed; it may be empty.
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func readRest() -> Span<UInt8> {
        let start = offset
        offset = bytes.count
        return bytes.extracting(start..<offset)
    }

    /// Passes over `count` bytes; false, and nothing done, if there are not that many.
    @_lifetime(self: copy self)
    public mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, count <= remaining else { return false }
        offset += count
        return true
    }

    @_lifetime(self: copy self)
    private mutating func readBigEndian<Word: FixedWidthInteger>(_ type: Word.Type) -> Word? {
        let size = Word.bitWidth / 8
        guard remaining >= size else { return nil }
        var word: Word = 0
        for index in offset..<offset + size { word = word << 8 | Word(truncatingIfNeeded: bytes[index]) }
        offset += size
        return word
    }
}
