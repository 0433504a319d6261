// SPDX-License-Identifier: Apache-2.0
//
// The raw-KCS driver's node, used as the drivers that exist can bear it:
//   The descriptor blocks. O_NONBLOCK is tested the wrong way round in the driver as posted, so no logic rests on EAGAIN.
//   A data read is made only after readiness was reported; a data write only when STR showed OBF clear, which nobody but
//   the BMC can undo. A call that sleeps nevertheless is interrupted from outside and comes back as EINTR: it is told,
//   never repeated here.
//   Never more than the device's two bytes, never a file position.
//
// Unsafe: one buffer of two bytes, so that a call costs no allocation.
import LinuxIO

/// The registers behind `/dev/raw-kcsN`.
final class NodeRegisters: Registers {
    private let node: OpenNode
    private let bytes: UnsafeMutableRawBufferPointer

    init(_ node: OpenNode) {
        self.node = node
        bytes = .allocate(byteCount: 2, alignment: 1)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
        super.init()
    }

    deinit { bytes.deallocate() }

    override var descriptor: Int32 { node.descriptor }
    override var hasInput: Bool { node.isReadable }

    override func readIDR() throws(Errno) -> HostByte? {
        try read(2, at: 0)
        return HostByte(value: bytes[0], str: bytes[1])
    }

    override func readSTR() throws(Errno) -> UInt8 {
        try read(1, at: 1)
        return bytes[0]
    }

    override func writeSTR(_ value: UInt8) throws(Errno) {
        bytes[0] = value
        try write(1, at: 1)
    }

    override func writeODR(_ value: UInt8) throws(Errno) {
        bytes[0] = value
        try write(1, at: 0)
    }

    override func write(odr: UInt8, str: UInt8) throws(Errno) {
        bytes[0] = odr
        bytes[1] = str
        try write(2, at: 0)
    }

    override func close() { node.close() }

    private func read(_ count: Int, at offset: Int64) throws(Errno) {
        let buffer = UnsafeMutableRawBufferPointer(start: bytes.baseAddress, count: count)
        let result = Syscalls.read(node.descriptor, into: buffer, at: offset, retryOnInterrupt: false)
        guard try result.get() == count else { throw .inputOutput }
    }

    private func write(_ count: Int, at offset: Int64) throws(Errno) {
        let buffer = UnsafeRawBufferPointer(start: bytes.baseAddress, count: count)
        let result = Syscalls.write(node.descriptor, buffer, at: offset, retryOnInterrupt: false)
        guard try result.get() == count else { throw .inputOutput }
    }
}
