// SPDX-License-Identifier: Apache-2.0
//
// System calls on open descriptors, one function each.
//
// Unsafe: buffers whose length is told with them, for the time of one call.
import CLinux

/// System calls on files and descriptors. Where a result is thrown, it is as `SystemError` with the call's name.
public enum Syscalls {
    /// Reads once; a count of 0 is the end of the file. The corresponding C function is `read`.
    @inline(__always)
    public static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, retryOnInterrupt: Bool = true
    ) -> Result<Int, Errno> {
        retryingInterrupts(if: retryOnInterrupt) { CLinux.read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Reads once at a place of its own. The corresponding C function is `pread`.
    @inline(__always)
    public static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64, retryOnInterrupt: Bool = true
    ) -> Result<Int, Errno> {
        retryingInterrupts(if: retryOnInterrupt) {
            CLinux.pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
        }
    }

    /// Writes once; fewer bytes than given may have been taken. The corresponding C function is `write`.
    @inline(__always)
    public static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, retryOnInterrupt: Bool = true
    ) -> Result<Int, Errno> {
        retryingInterrupts(if: retryOnInterrupt) { CLinux.write(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// Writes once at a place of its own. The corresponding C function is `pwrite`.
    @inline(__always)
    public static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64, retryOnInterrupt: Bool = true
    ) -> Result<Int, Errno> {
        retryingInterrupts(if: retryOnInterrupt) {
            CLinux.pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
        }
    }

    /// Writes all of `bytes`, in as many calls as it takes. For files and blocking descriptors.
    public static func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Result<Void, Errno> {
        var rest = bytes
        while rest.count > 0 {
            switch write(descriptor, rest) {
            case .success(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .failure(let errno): return .failure(errno)
            }
        }
        return .success(())
    }

    /// Writes all of `bytes` from `offset` on.
    public static func writeAll(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64
    ) -> Result<Void, Errno> {
        var done = 0
        while done < bytes.count {
            switch write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[done...]), at: offset + Int64(done)) {
            case .success(let count): done += count
            case .failure(let errno): return .failure(errno)
            }
        }
        return .success(())
    }

    /// Bytes of a file up to its end. The corresponding C function is `lseek`.
    public static func seekToEnd(_ descriptor: Int32) -> Result<Int64, Errno> {
        retryingInterrupts { Int64(lseek(descriptor, 0, SEEK_END)) }
    }

    /// Where the next read or write takes place.
    public static func seek(_ descriptor: Int32, to offset: Int64) -> Result<Int64, Errno> {
        retryingInterrupts { Int64(lseek(descriptor, off_t(offset), SEEK_SET)) }
    }

    /// Cuts a file, or lengthens it by a hole. The corresponding C function is `ftruncate`.
    public static func truncate(_ descriptor: Int32, to size: Int64) -> Result<Void, Errno> {
        succeeding { ftruncate(descriptor, off_t(size)) }
    }

    /// Reserves blocks from the file's start on, and lengthens the file to them; with `keepingSize` the file stays as long as
    /// it is. The corresponding C functions are `posix_fallocate` and `fallocate`.
    public static func allocate(_ descriptor: Int32, _ size: Int64, keepingSize: Bool = false) -> Result<Void, Errno> {
        if keepingSize { return succeeding { fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, off_t(size)) } }
        while true {
            let result = posix_fallocate(descriptor, 0, off_t(size))
            if result == 0 { return .success(()) }
            if result != EINTR { return .failure(Errno(rawValue: result)) }
        }
    }

    /// Returns when what was written is on storage. The corresponding C function is `fsync`.
    public static func sync(_ descriptor: Int32) -> Result<Void, Errno> { succeeding { fsync(descriptor) } }

    /// As `sync`, without what is not needed to read the data. The corresponding C function is `fdatasync`.
    public static func syncData(_ descriptor: Int32) -> Result<Void, Errno> { succeeding { fdatasync(descriptor) } }

    /// Returns when all file systems were written. The corresponding C function is `sync`.
    public static func syncAll() { CLinux.sync() }

    /// Closes a descriptor that no `FileDescriptor` owns. Never to be repeated: the number may be another's by then.
    /// The corresponding C function is `close`.
    public static func close(_ descriptor: Int32) { _ = CLinux.close(descriptor) }

    /// Makes a request of a driver with an argument that it reads or fills. The corresponding C function is `ioctl`.
    public static func control(
        _ descriptor: Int32, _ request: UInt, _ argument: UnsafeMutableRawPointer?
    ) -> Result<Void, Errno> {
        succeeding { cl_ioctl(descriptor, request, argument) }
    }
}
