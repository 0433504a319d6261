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
import CLinux
import LinuxIO

/// The registers behind `/dev/raw-kcsN`.
final class NodeRegisters: Registers {
    private let node: OpenNode
    private let bytes: UnsafeMutablePointer<UInt8>

    init(_ node: OpenNode) {
        self.node = node
        bytes = .allocate(capacity: 2)
        bytes.initialize(repeating: 0, count: 2)
    }

    deinit { bytes.deallocate() }

    var descriptor: Int32 { node.descriptor }
    var hasInput: Bool { node.isReadable }
    var window: UnsafeMutableRawBufferPointer? { nil }

    func interest(input: Bool, output: Bool) -> DeviceEvents {
        var events: DeviceEvents = []
        if input { events.insert(.input) }
        if output { events.insert(.output) }
        return events
    }

    func events(_ readiness: DeviceEvents, awaitingOutput: Bool) -> DeviceEvents { readiness }

    func readIDR() throws(Errno) -> HostByte? {
        try check(cl_pread(node.descriptor, bytes, 2, 0), 2)
        return HostByte(value: bytes[0], str: bytes[1])
    }

    func readSTR() throws(Errno) -> UInt8 {
        try check(cl_pread(node.descriptor, bytes, 1, 1), 1)
        return bytes[0]
    }

    func writeSTR(_ value: UInt8) throws(Errno) {
        bytes[0] = value
        try check(cl_pwrite(node.descriptor, bytes, 1, 1), 1)
    }

    func writeODR(_ value: UInt8) throws(Errno) {
        bytes[0] = value
        try check(cl_pwrite(node.descriptor, bytes, 1, 0), 1)
    }

    func write(odr: UInt8, str: UInt8) throws(Errno) {
        bytes[0] = odr
        bytes[1] = str
        try check(cl_pwrite(node.descriptor, bytes, 2, 0), 2)
    }

    func close() {}

    private func check(_ count: Int, _ expected: Int) throws(Errno) {
        guard count != expected else { return }
        throw count < 0 ? Errno(rawValue: Int32(truncatingIfNeeded: -count)) : .inputOutput
    }
}
