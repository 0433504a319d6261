// SPDX-License-Identifier: Apache-2.0
//
// The raw-KCS driver's node, used as the drivers that exist can bear it:
//   The descriptor blocks. O_NONBLOCK is tested the wrong way round in the driver as posted, so no logic rests on EAGAIN.
//   A data read is made only after readiness was reported; a data write only when STR showed OBF clear, which nobody but
//   the BMC can undo. A call that sleeps nevertheless is interrupted from outside and comes back as EINTR: it is told,
//   never repeated here.
//   Never more than the device's two bytes, never a file position.
//
// Unsafe: one scratch buffer of two bytes, so that a call costs no allocation.
import CLinux
import LinuxIO

/// Owns a node's descriptor and the buffer.
final class RawNode {
    private let node: OpenNode
    /// The node's registers; for as long as this object lives.
    let registers: RawRegisters

    var descriptor: Int32 { registers.descriptor }
    var isReadable: Bool { node.isReadable }

    init(_ node: OpenNode) {
        self.node = node
        let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: 2)
        scratch.initialize(repeating: 0, count: 2)
        registers = RawRegisters(descriptor: node.descriptor, scratch: scratch)
    }

    deinit { registers.scratch.deallocate() }
}

/// The accesses: a value, which a byte's way through the daemon can use without counting references.
@usableFromInline
struct RawRegisters {
    @usableFromInline let descriptor: Int32
    @usableFromInline let scratch: UnsafeMutablePointer<UInt8>

    /// IDR, in bits 0 to 7, and STR, in bits 8 to 15, in one call; only after readiness was reported. Else minus the
    /// error number.
    @inlinable @inline(__always)
    func readBoth() -> Int32 {
        let count = cl_pread(descriptor, scratch, 2, 0)
        guard count == 2 else { return failure(count) }
        return Int32(scratch[0]) | Int32(scratch[1]) << 8
    }

    /// STR; never sleeps.
    @inline(__always)
    func readSTR() -> Int32 {
        let count = cl_pread(descriptor, scratch, 1, 1)
        return count == 1 ? Int32(scratch[0]) : failure(count)
    }

    /// ODR, OBF known clear. 0 or minus the error number.
    @inlinable @inline(__always)
    func writeODR(_ value: UInt8) -> Int32 {
        scratch[0] = value
        return outcome(cl_pwrite(descriptor, scratch, 1, 0), 1)
    }

    /// STR alone. 0 or minus the error number.
    @inline(__always)
    func writeSTR(_ value: UInt8) -> Int32 {
        scratch[0] = value
        return outcome(cl_pwrite(descriptor, scratch, 1, 1), 1)
    }

    /// STR, then ODR, in one call; OBF known clear, or bit 0 of `str` clear. 0 or minus the error number.
    @inline(__always)
    func writeBoth(odr: UInt8, str: UInt8) -> Int32 {
        scratch[0] = odr
        scratch[1] = str
        return outcome(cl_pwrite(descriptor, scratch, 2, 0), 2)
    }

    @inlinable @inline(__always)
    func outcome(_ count: Int, _ expected: Int) -> Int32 { count == expected ? 0 : failure(count) }

    @inlinable @inline(__always)
    func failure(_ count: Int) -> Int32 { count < 0 ? Int32(truncatingIfNeeded: count) : -EIO }
}
