// SPDX-License-Identifier: Apache-2.0
import CLinux
import IPMIController
import LinuxIO

/// The files behind the controller's stores. All of it runs on the worker thread; nothing returns before the change is
/// on storage.
enum StoreFile {
    /// Makes a change of the file at `path`.
    static func apply(_ change: StoreChange, to path: String) -> StoreResult {
        do {
            if Path.hasFolder(path) { try Syscalls.makeFolders(Path.parent(of: path)) }
            switch change {
            case .append(let offset, let bytes): return try append(bytes, at: offset, to: path)
            case .replace(let bytes): return try replace(path, with: bytes)
            }
        } catch {
            return result(error.errno)
        }
    }

    private static func result(_ errno: Errno) -> StoreResult {
        errno == Errno(rawValue: ENOSPC) || errno == Errno(rawValue: EDQUOT) ? .full : .failed
    }

    private static func append(
        _ bytes: [UInt8], at offset: UInt64, to path: String
    ) throws(SystemError) -> StoreResult {
        // Gone: the next change has to write it anew.
        guard access(path, F_OK) == 0 else { return .unknown }
        let file = try Syscalls.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        let end = lseek(file.raw, 0, SEEK_END)
        // Somebody else cut or removed the file: what is in it is no longer what the controller believes.
        guard end >= off_t(offset) else { return .unknown }
        guard end == off_t(offset) || ftruncate(file.raw, off_t(offset)) == 0 else { return .unknown }
        var errno = write(bytes, at: offset, to: file.raw)
        if errno == nil, fdatasync(file.raw) != 0 { errno = Errno(rawValue: cl_errno()) }
        guard let errno else { return .stored }
        guard ftruncate(file.raw, off_t(offset)) == 0, fdatasync(file.raw) == 0 else { return .unknown }
        return result(errno)
    }

    private static func write(_ bytes: [UInt8], at offset: UInt64, to descriptor: Int32) -> Errno? {
        var done = 0
        while done < bytes.count {
            let outcome = retryingInterrupts {
                // The slice from `done` on is inside the array.
                bytes.withUnsafeBytes {
                    pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(offset) + off_t(done))
                }
            }
            switch outcome {
            case .success(let count): done += count
            case .failure(let errno): return errno
            }
        }
        return nil
    }

    /// Writes a new file beside the old, and puts it in its place.
    private static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) -> StoreResult {
        let new = path + ".new"
        do throws(SystemError) {
            let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode: 0o600)
            if let errno = write(bytes, at: 0, to: file.raw) { throw SystemError(errno, "write", new) }
            guard fsync(file.raw) == 0 else { throw SystemError(Errno(rawValue: cl_errno()), "fsync", new) }
            guard rename(new, path) == 0 else { throw SystemError(Errno(rawValue: cl_errno()), "rename", path) }
        } catch {
            _ = unlink(new)
            throw error
        }
        // From here on the new file may be the one that is found after a crash.
        guard let folder = try? Syscalls.open(Path.parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC) else {
            return .unknown
        }
        return fsync(folder.raw) == 0 ? .stored : .unknown
    }

    /// A whole file; nil if there is none.
    static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
        do {
            return try Syscalls.readFile(path, limit: limit)
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw error
        }
    }
}
