// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the window is memory that another processor writes to at the same time, so that no Swift type can own it. All
// access to it is in this file: bounds are checked, and each byte is copied once, by C that the compiler may not repeat.
import CLinux

/// Memory that the other processor maps as well, and may change at any moment, also between two looks at it.
///
/// So nothing is parsed in the window: what is needed is copied out once, and only the copy is looked at. Every access is
/// checked against the window's end. The memory is borrowed; whoever mapped it keeps it mapped.
@safe public struct Window {
    private let base: UnsafeMutableRawPointer
    /// Bytes that may be accessed.
    public let count: Int

    /// A window on `count` bytes at `base`, which stay mapped for as long as it is used.
    @unsafe public init(_ base: UnsafeMutableRawPointer, count: Int) {
        precondition(count >= 0)
        unsafe self.base = base
        self.count = count
    }

    /// Makes `target` the `size` bytes from `offset` on, each read once; false, and nothing done, if they are not all in the
    /// window.
    public func copyOut(_ offset: Int, _ size: Int, into target: inout [UInt8]) -> Bool {
        guard contains(offset, size) else { return false }
        target.removeAll(keepingCapacity: true)
        target.append(addingCapacity: size) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, initialized in
                if let start = memory.baseAddress { unsafe cl_copy_from_shared(start, base + offset, size) }
                initialized = size
            }
        }
        return true
    }

    /// Writes `source` at `offset`; false, and nothing done, if that is not all in the window.
    public func copyIn(_ offset: Int, _ source: Span<UInt8>) -> Bool {
        guard contains(offset, source.count) else { return false }
        unsafe source.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { unsafe cl_copy_to_shared(base + offset, start, bytes.count) }
        }
        return true
    }

    /// Four bytes, most significant first, read once; nil if they are not all in the window.
    public func readUInt32BigEndian(_ offset: Int) -> UInt32? {
        guard contains(offset, 4) else { return nil }
        var word: UInt32 = 0
        unsafe cl_copy_from_shared(&word, base + offset, 4)
        return UInt32(bigEndian: word)
    }

    /// Writes four bytes, most significant first; false, and nothing done, if they are not all in the window.
    public func writeUInt32BigEndian(_ value: UInt32, at offset: Int) -> Bool {
        guard contains(offset, 4) else { return false }
        var word = value.bigEndian
        unsafe cl_copy_to_shared(base + offset, &word, 4)
        return true
    }

    /// Writes two bytes, most significant first; false, and nothing done, if they are not all in the window.
    public func writeUInt16BigEndian(_ value: UInt16, at offset: Int) -> Bool {
        guard contains(offset, 2) else { return false }
        var word = value.bigEndian
        unsafe cl_copy_to_shared(base + offset, &word, 2)
        return true
    }

    private func contains(_ offset: Int, _ size: Int) -> Bool {
        offset >= 0 && size >= 0 && offset <= count && size <= count - offset
    }
}
