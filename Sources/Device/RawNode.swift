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

final class RawNode {
    private let node: FileDescriptor
    private let lock: NodeLock
    private let scratch: UnsafeMutablePointer<UInt8>

    var descriptor: Int32 { node.raw }

    /// Opens the node once, after looking whether anybody has it.
    static func open(_ path: String) -> Result<RawNode, OpenFailure> {
        do {
            let status = try Syscalls.stat(path)
            guard let lock = try NodeLock.claim(status) else {
                return .failure(.busy(owner: NodeOwner.find(status) ?? "another kcsd", isKernelsWord: false))
            }
            if let owner = NodeOwner.find(status) { return .failure(.busy(owner: owner, isKernelsWord: false)) }
            return .success(RawNode(try Syscalls.open(path, O_RDWR), lock))
        } catch {
            switch error.errno {
            case .noSuchFile, .noSuchDeviceOrAddress, .noDevice, .notDirectory: return .failure(.absent)
            case .busy:
                let owner = (try? Syscalls.stat(path)).flatMap { NodeOwner.find($0) }
                return .failure(.busy(owner: owner, isKernelsWord: true))
            default: return .failure(.failed(error.description))
            }
        }
    }

    private init(_ node: consuming FileDescriptor, _ lock: NodeLock) {
        self.node = node
        self.lock = lock
        scratch = .allocate(capacity: 2)
        scratch.initialize(repeating: 0, count: 2)
    }

    deinit { scratch.deallocate() }

    /// Is there a byte to read at this moment?
    var isReadable: Bool {
        var request = pollfd(fd: node.raw, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0 && request.revents & Int16(POLLIN) != 0
    }

    /// IDR and STR in one call; only after readiness was reported.
    @inline(__always)
    func readBoth() -> Received {
        let count = pread(node.raw, scratch, 2, 0)
        if count == 2 { return .byte(scratch[0], str: scratch[1]) }
        return .failed(count < 0 ? .current : .inputOutput)
    }

    /// STR; never sleeps.
    @inline(__always)
    func readSTR() -> Int32 {
        let count = pread(node.raw, scratch, 1, 1)
        if count == 1 { return Int32(scratch[0]) }
        return -(count < 0 ? Errno.current.rawValue : EIO)
    }

    /// ODR, OBF known clear. 0 or minus the error number.
    @inline(__always)
    func writeODR(_ value: UInt8) -> Int32 {
        scratch[0] = value
        return outcome(pwrite(node.raw, scratch, 1, 0), 1)
    }

    /// STR alone. 0 or minus the error number.
    @inline(__always)
    func writeSTR(_ value: UInt8) -> Int32 {
        scratch[0] = value
        return outcome(pwrite(node.raw, scratch, 1, 1), 1)
    }

    /// STR, then ODR, in one call; OBF known clear, or bit 0 of `str` clear. 0 or minus the error number.
    @inline(__always)
    func writeBoth(odr: UInt8, str: UInt8) -> Int32 {
        scratch[0] = odr
        scratch[1] = str
        return outcome(pwrite(node.raw, scratch, 2, 0), 2)
    }

    @inline(__always)
    private func outcome(_ count: Int, _ expected: Int) -> Int32 {
        if count == expected { return 0 }
        return -(count < 0 ? Errno.current.rawValue : EIO)
    }
}
