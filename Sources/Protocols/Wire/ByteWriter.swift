// SPDX-License-Identifier: Apache-2.0

/// A cursor that fills a buffer of fixed size. What does not fit is not written, and remembered: a caller that built a
/// whole record looks at `overflowed` once at its end.
public struct ByteWriter {
    private let bytes: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    public private(set) var count = 0
    /// Whether something did not fit. Nothing is written from then on.
    public private(set) var overflowed = false

    /// Writes from the first byte of `bytes` on, which the writer borrows.
    public init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    /// Bytes that still fit.
    public var remaining: Int { overflowed ? 0 : bytes.count - count }

    /// What was written, borrowed.
    public var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[..<count]) }

    /// One byte.
    public mutating func writeUInt8(_ value: UInt8) { write(value) }

    /// Two bytes, most significant first.
    public mutating func writeUInt16BigEndian(_ value: UInt16) { write(value.bigEndian) }

    /// Two bytes, least significant first.
    public mutating func writeUInt16LittleEndian(_ value: UInt16) { write(value.littleEndian) }

    /// Four bytes, most significant first.
    public mutating func writeUInt32BigEndian(_ value: UInt32) { write(value.bigEndian) }

    /// Four bytes, least significant first.
    public mutating func writeUInt32LittleEndian(_ value: UInt32) { write(value.littleEndian) }

    /// Eight bytes, most significant first.
    public mutating func writeUInt64BigEndian(_ value: UInt64) { write(value.bigEndian) }

    /// Eight bytes, least significant first.
    public mutating func writeUInt64LittleEndian(_ value: UInt64) { write(value.littleEndian) }

    /// All of `source`, or nothing.
    public mutating func writeBytes(_ source: UnsafeRawBufferPointer) {
        guard let place = claim(source.count) else { return }
        if let base = source.baseAddress { place.copyMemory(from: base, byteCount: source.count) }
    }

    /// All of `source`, or nothing.
    public mutating func writeBytes(_ source: [UInt8]) {
        guard let place = claim(source.count) else { return }
        source.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { place.copyMemory(from: base, byteCount: bytes.count) }
        }
    }

    /// `count` times the same byte, or nothing.
    public mutating func writeRepeated(_ value: UInt8, count: Int) {
        guard let place = claim(count) else { return }
        place.initializeMemory(as: UInt8.self, repeating: value, count: count)
    }

    private mutating func claim(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let base = bytes.baseAddress, size >= 0, size <= remaining else {
            if size != 0 { overflowed = true }
            return nil
        }
        defer { count += size }
        return base + count
    }

    private mutating func write<Word: FixedWidthInteger & BitwiseCopyable>(_ value: Word) {
        claim(MemoryLayout<Word>.size)?.storeBytes(of: value, as: Word.self)
    }
}
