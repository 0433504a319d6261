// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Shared memory of a file, unmapped when its owner lets go of it.
public struct MemoryMap: ~Copyable {
    /// The first byte.
    public let base: UnsafeMutableRawPointer
    /// Bytes mapped.
    public let length: Int
    /// Is it somebody else's to unmap?
    private var isReleased = false

    /// Maps `length` bytes of a descriptor, shared, for reading and writing. The descriptor may be closed afterwards.
    public init(shared descriptor: Int32, offset: Int64 = 0, length: Int) throws(SystemError) {
        guard let base = cl_mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset) else {
            throw SystemError(.current, "mmap")
        }
        self.base = base
        self.length = length
    }

    deinit { if !isReleased { Self.unmap(base, length) } }

    /// Gives the memory to somebody who unmaps it.
    public consuming func release() -> UnsafeMutableRawPointer {
        isReleased = true
        return base
    }

    /// Unmaps memory that was released.
    public static func unmap(_ base: UnsafeMutableRawPointer, _ length: Int) { _ = munmap(base, length) }
}
