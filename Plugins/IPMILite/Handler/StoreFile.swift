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
        errno == .noSpace || errno == .quotaExceeded ? .full : .failed
    }

    private static func append(
        _ bytes: [UInt8], at offset: UInt64, to path: String
    ) throws(SystemError) -> StoreResult {
        // Gone: the next change has to write it anew.
        guard (try? Syscalls.stat(path)) != nil, let offset = Int64(exactly: offset) else { return .unknown }
        let file = try Syscalls.open(path, O_RDWR | O_NOFOLLOW)
        // Somebody else cut or removed the file: what is in it is no longer what the controller believes.
        guard case .success(let end) = Syscalls.seekToEnd(file.raw), end >= offset else { return .unknown }
        guard end == offset || Syscalls.truncate(file.raw, to: offset).errno == nil else { return .unknown }
        let failure =
            bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0, at: offset) }).errno
            ?? Syscalls.syncData(file.raw).errno
        guard let failure else { return .stored }
        guard Syscalls.truncate(file.raw, to: offset).errno == nil, Syscalls.syncData(file.raw).errno == nil else {
            return .unknown
        }
        return result(failure)
    }

    /// Writes a new file beside the old, and puts it in its place.
    private static func replace(_ path: String, with bytes: [UInt8]) throws(SystemError) -> StoreResult {
        let new = path + ".new"
        do throws(SystemError) {
            let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
            try bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0) }).get("write", new)
            try Syscalls.sync(file.raw).get("fsync", new)
            try Syscalls.rename(new, to: path)
        } catch {
            try? Syscalls.unlink(new)
            throw error
        }
        // From here on the new file may be the one that is found after a crash.
        guard let folder = try? Syscalls.open(Path.parent(of: path), O_RDONLY | O_DIRECTORY) else { return .unknown }
        return Syscalls.sync(folder.raw).errno == nil ? .stored : .unknown
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
