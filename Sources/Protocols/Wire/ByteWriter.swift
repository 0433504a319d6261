// SPDX-License-Identifier: Apache-2.0

/// A record that is built from its first byte on, up to a fixed length. What does not fit is not written, and remembered: a
/// caller that built a whole record looks at `overflowed` once at its end.
public struct ByteWriter {
    /// What was written.
    public private(set) var bytes: [UInt8] = []
    private let capacity: Int
    /// Whether something did not fit. Nothing is written from then on.
    public private(set) var overflowed = false

    /// An empty record that may have `capacity` bytes.
    public init(capacity: Int) {
        self.capacity = capacity
        bytes.reserveCapacity(capacity)
    }

    /// Bytes written so far.
    public var count: Int { bytes.count }

    /// Bytes that still fit.
    public var remaining: Int { overflowed ? 0 : capacity - bytes.count }

    /// One byte.
    public mutating func writeUInt8(_ value: UInt8) { writeBigEndian(value) }

    /// Two bytes, most significant first.
    public mutating func writeUInt16BigEndian(_ value: UInt16) { writeBigEndian(value) }

    /// Two bytes, least significant first.
    public mutating func writeUInt16LittleEndian(_ value: UInt16) { writeBigEndian(value.byteSwapped) }

    /// Four bytes, most significant first.
    public mutating func writeUInt32BigEndian(_ value: UInt32) { writeBigEndian(value) }

    /// Four bytes, least significant first.
    public mutating func writeUInt32LittleEndian(_ value: UInt32) { writeBigEndian(value.byteSwapped) }

    /// Eight bytes, most significant first.
    public mutating func writeUInt64BigEndian(_ value: UInt64) { writeBigEndian(value) }

    /// Eight bytes, least significant first.
    public mutating func writeUInt64LittleEndian(_ value: UInt64) { writeBigEndian(value.byteSwapped) }

    /// All of `source`, or nothing.
    public mutating func writeBytes(_ source: [UInt8]) {
        guard hasRoom(source.count) else { return }
        bytes.append(contentsOf: source)
    }

    /// `count` times the same byte, or nothing.
    public mutating func writeRepeated(_ value: UInt8, count: Int) {
        guard count >= 0, hasRoom(count) else { return }
        bytes.append(contentsOf: repeatElement(value, count: count))
    }

    private mutating func hasRoom(_ size: Int) -> Bool {
        if size > remaining { overflowed = true }
        return size <= remaining
    }

    private mutating func writeBigEndian<Word: FixedWidthInteger>(_ value: Word) {
        let size = Word.bitWidth / 8
        guard hasRoom(size) else { return }
        for index in 1...size { bytes.append(UInt8(truncatingIfNeeded: value >> Word(Word.bitWidth - 8 * index))) }
    }
}
