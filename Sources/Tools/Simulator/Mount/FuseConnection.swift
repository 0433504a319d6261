// SPDX-License-Identifier: Apache-2.0
//
// The kernel's end of a mounted file system: requests come in one read each, answers go out in one write each, in any
// order. The layouts are those of <linux/fuse.h>.
//
// Unsafe: requests are read in the buffer that they were read into, by bounds-checked loads.
import CFuse
import CLinux
import LinuxIO

/// One request of the kernel's. Valid until the next one is received.
struct FuseRequest {
    /// What is wanted.
    let operation: UInt32
    /// Names the request in its answer.
    let unique: UInt64
    /// The file.
    let node: UInt64
    /// The thread that makes the system call; 0 where it is in another namespace.
    let thread: UInt32
    /// What follows the header.
    let body: UnsafeRawBufferPointer

    /// The structure at the start of the body; nil when the body is shorter.
    func argument<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? {
        guard body.count >= MemoryLayout<Value>.size else { return nil }
        return body.loadUnaligned(as: type)
    }

    /// The name that is the body.
    var name: String { String(decoding: body.prefix { $0 != 0 }, as: UTF8.self) }
}

/// A mounted file system's connection to the kernel.
final class FuseConnection {
    /// What `receive` found.
    enum Arrival {
        case request(FuseRequest)
        /// Nothing is waiting.
        case nothing
        /// Somebody unmounted it.
        case unmounted
    }

    private var session: UnsafeMutableRawPointer?
    private let buffer: UnsafeMutableRawBufferPointer
    private let answer: UnsafeMutableRawBufferPointer
    /// Readable when a request waits.
    let descriptor: Int32

    /// More than the longest request: `write` of `maximalWrite` bytes.
    private static let bufferSize = 16 * 1024
    private static let maximalWrite: UInt32 = 4096
    private static let longestAnswer = 8 * 1024

    /// Mounts; libfuse3 is loaded already.
    init(_ mountpoint: String) throws(HostFailure) {
        let session = mountpoint.withCString { path in
            "fsname=kcssim,subtype=kcs,default_permissions".withCString { cf_mount(path, $0) }
        }
        guard let session else { throw HostFailure("\(mountpoint) could not be mounted, for the reason above") }
        self.session = session
        descriptor = cf_descriptor(session)
        buffer = .allocate(byteCount: Self.bufferSize, alignment: 8)
        answer = .allocate(byteCount: Self.longestAnswer, alignment: 8)
        _ = Descriptors.setNonBlocking(descriptor)
        _ = Descriptors.closeOnExec(descriptor)
    }

    deinit {
        unmount()
        buffer.deallocate()
        answer.deallocate()
    }

    /// Unmounts. Calls under way fail.
    func unmount() {
        if let session { cf_unmount(session) }
        session = nil
    }

    /// Takes the next request.
    func receive() -> Arrival {
        switch Syscalls.read(descriptor, into: buffer) {
        case .failure(.noDevice): return .unmounted
        case .failure: return .nothing
        case .success(let count):
            let size = MemoryLayout<fuse_in_header>.size
            guard count >= size else { return .nothing }
            let header = buffer.loadUnaligned(as: fuse_in_header.self)
            return .request(
                FuseRequest(
                    operation: header.opcode, unique: header.unique, node: header.nodeid, thread: header.pid,
                    body: UnsafeRawBufferPointer(rebasing: buffer[size..<count])))
        }
    }

    // MARK: Answers

    /// Done, and nothing to say; or an error number.
    func reply(_ unique: UInt64, error: Int32 = 0) {
        send(unique, -error, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Done, with a structure.
    func reply<Value: BitwiseCopyable>(_ unique: UInt64, _ value: Value) {
        withUnsafeBytes(of: value) { send(unique, 0, $0) }
    }

    /// Done, with bytes.
    func reply(_ unique: UInt64, bytes: [UInt8]) { bytes.withUnsafeBytes { send(unique, 0, $0) } }

    /// So many bytes were written.
    func reply(_ unique: UInt64, written count: Int) { reply(unique, fuse_write_out(size: UInt32(count), padding: 0)) }

    /// The file system is ready.
    func replyToInit(_ unique: UInt64, _ offer: fuse_init_in) {
        var terms = fuse_init_out()
        terms.major = UInt32(FUSE_KERNEL_VERSION)
        terms.minor = min(offer.minor, 31)
        // O_TRUNC comes with the open, and means nothing here.
        terms.flags = offer.flags & UInt32(FUSE_ATOMIC_O_TRUNC)
        terms.max_background = 64
        terms.congestion_threshold = 48
        terms.max_write = Self.maximalWrite
        terms.time_gran = 1
        reply(unique, terms)
    }

    /// Wakes those who poll a file: they call poll anew.
    func wakePollers(_ handle: UInt64) {
        withUnsafeBytes(of: fuse_notify_poll_wakeup_out(kh: handle)) { send(0, Int32(FUSE_NOTIFY_POLL.rawValue), $0) }
    }

    private func send(_ unique: UInt64, _ error: Int32, _ payload: UnsafeRawBufferPointer) {
        var header = fuse_out_header()
        let size = MemoryLayout<fuse_out_header>.size
        header.len = UInt32(size + payload.count)
        header.error = error
        header.unique = unique
        precondition(size + payload.count <= answer.count, "answers are short")
        answer.storeBytes(of: header, as: fuse_out_header.self)
        UnsafeMutableRawBufferPointer(rebasing: answer[size...]).copyMemory(from: payload)
        // ENOENT: the caller was killed, and nobody wants the answer.
        _ = Syscalls.write(descriptor, UnsafeRawBufferPointer(rebasing: answer[..<Int(header.len)]))
    }
}
