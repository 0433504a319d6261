// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Memory that the other processor maps as well, and may change at any moment, also between two looks at it.
///
/// So nothing is parsed in place: what is needed is copied out once, and only the copy is looked at. Every access is
/// checked against the window's end. The memory is borrowed; whoever mapped it keeps it mapped.
public struct Window {
    private let base: UnsafeMutableRawPointer
    /// Bytes that may be accessed.
    public let count: Int

    /// A window on `count` bytes at `base`.
    public init(_ base: UnsafeMutableRawPointer, count: Int) {
        precondition(count >= 0)
        self.base = base
        self.count = count
    }

    /// Fills `target` from `offset` on, each byte read once; false, and nothing done, if that is not all in the window.
    public func copyOut(_ offset: Int, into target: UnsafeMutableRawBufferPointer) -> Bool {
        guard contains(offset, target.count) else { return false }
        if let address = target.baseAddress { cl_copy_from_shared(address, base + offset, target.count) }
        return true
    }

    /// Writes `source` at `offset`; false, and nothing done, if that is not all in the window.
    public func copyIn(_ offset: Int, _ source: UnsafeRawBufferPointer) -> Bool {
        guard contains(offset, source.count) else { return false }
        if let address = source.baseAddress { cl_copy_to_shared(base + offset, address, source.count) }
        return true
    }

    /// Four bytes, most significant first, read once; nil if they are not all in the window.
    public func readUInt32BigEndian(_ offset: Int) -> UInt32? {
        var word: UInt32 = 0
        guard withUnsafeMutableBytes(of: &word, { copyOut(offset, into: $0) }) else { return nil }
        return UInt32(bigEndian: word)
    }

    /// Writes four bytes, most significant first; false, and nothing done, if they are not all in the window.
    public func writeUInt32BigEndian(_ value: UInt32, at offset: Int) -> Bool {
        withUnsafeBytes(of: value.bigEndian) { copyIn(offset, $0) }
    }

    /// Writes two bytes, most significant first; false, and nothing done, if they are not all in the window.
    public func writeUInt16BigEndian(_ value: UInt16, at offset: Int) -> Bool {
        withUnsafeBytes(of: value.bigEndian) { copyIn(offset, $0) }
    }

    private func contains(_ offset: Int, _ size: Int) -> Bool {
        offset >= 0 && size >= 0 && offset <= count && size <= count - offset
    }
}
