// SPDX-License-Identifier: Apache-2.0
import CLinux
import IPMIController
import LinuxIO

/// The files behind the controller's stores. All of it runs on the worker thread; nothing returns before the change is
/// on storage.
///
/// Whatever stands at a path may be somebody else's: only regular files are opened, and a journal replaces nothing but a
/// journal of its kind.
enum StoreFile {
    /// Makes a change of the file at `path`.
    static func apply(_ change: StoreChange, to path: String) -> StoreResult {
        do {
            if Path.hasFolder(path) { try Syscalls.makeFolders(Path.parent(of: path)) }
            switch change {
            case .append(let offset, let bytes): return try append(bytes, at: offset, to: path)
            case .replace(let bytes): return try replace(path, with: bytes)
            case .patch(let offset, let bytes): return try patch(bytes, at: offset, of: path)
            }
        } catch {
            return result(error.errno)
        }
    }

    /// Replaces a file that was found to be a damaged journal.
    static func renew(_ path: String, with bytes: [UInt8]) -> StoreResult {
        do { return try replace(path, with: bytes, isJudged: true) } catch { return result(error.errno) }
    }

    /// Stands for a file that is no regular one.
    static let notRegular = Errno(rawValue: EBADFD)

    private static func result(_ errno: Errno) -> StoreResult {
        errno == .noSpace || errno == .quotaExceeded ? .full : .failed
    }

    private static func append(
        _ bytes: [UInt8], at offset: UInt64, to path: String
    ) throws(SystemError) -> StoreResult {
        // Gone: the next change has to write it anew.
        guard (try? Syscalls.stat(path)) != nil, let offset = Int64(exactly: offset) else { return .unknown }
        guard let file = try open(path, O_RDWR) else { return .failed }
        // Somebody else cut, replaced or removed the file: what is in it is no longer what the controller believes.
        guard start(of: file).starts(with: mark) else { return .unknown }
        guard case .success(let end) = Syscalls.seekToEnd(file.raw), end >= offset else { return .unknown }
        guard end == offset || Syscalls.truncate(file.raw, to: offset).errno == nil else { return .unknown }
        guard let failure = write(bytes, at: offset, to: file) else { return .stored }
        guard Syscalls.truncate(file.raw, to: offset).errno == nil, Syscalls.syncData(file.raw).errno == nil else {
            return .unknown
        }
        return result(failure)
    }

    /// Writes into a file that keeps its size, owner, mode and names.
    private static func patch(
        _ bytes: [UInt8], at offset: UInt64, of path: String
    ) throws(SystemError) -> StoreResult {
        guard let file = try open(path, O_RDWR), case .success(let end) = Syscalls.seekToEnd(file.raw),
            let offset = Int64(exactly: offset), offset + Int64(bytes.count) <= end
        else { return .failed }
        return write(bytes, at: offset, to: file).map { result($0) } ?? .stored
    }

    private static func write(_ bytes: [UInt8], at offset: Int64, to file: borrowing FileDescriptor) -> Errno? {
        if let failure = bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0, at: offset) }).errno { return failure }
        let failure = Syscalls.syncData(file.raw).errno
        // An EEPROM in sysfs has its bytes when the write returns, and nothing to sync.
        return failure == .invalidArgument ? nil : failure
    }

    /// Writes a new file beside the old, and puts it in its place, under its owner and mode. A link stays one.
    private static func replace(
        _ path: String, with bytes: [UInt8], isJudged: Bool = false
    ) throws(SystemError) -> StoreResult {
        var path = path
        var old: FileStatus?
        if let real = try? Syscalls.realPath(path) {
            path = real
            guard let file = try open(path, O_RDONLY) else { return .failed }
            let present = isJudged ? [] : start(of: file)
            if bytes.starts(with: mark), !present.isEmpty, !bytes.starts(with: present) { return .failed }
            old = try Syscalls.status(of: file.raw)
        } else if (try? Syscalls.readLink(path)) != nil {
            // A link to what is not there, a file system that is not mounted perhaps, is not replaced by a file.
            return .failed
        }
        let new = path + ".new"
        do throws(SystemError) {
            // What a crash left here is of no use to anybody.
            try? Syscalls.unlink(new)
            let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            if let old {
                try Syscalls.setOwner(file.raw, old.user, old.group)
                try Syscalls.setMode(file.raw, old.mode & 0o7777)
            }
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

    /// A whole file; nil if there is none. What is no regular file is not read: to open a device may do something, and to
    /// read from a pipe may last for ever.
    static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            guard try Syscalls.stat(path).isRegular else { throw SystemError(notRegular, "open", path) }
            return try Syscalls.readFile(path, limit: limit)
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw error
        }
    }

    /// So many copies of damaged files are kept beside one; the last is replaced.
    private static let mostCopies = 9

    /// Keeps a copy of a damaged file's bytes beside it, and says under which name; nil if it cannot.
    static func setAside(_ bytes: [UInt8], of path: String) -> String? {
        var name = path
        for number in 1...mostCopies {
            name = path + ".damaged-" + String(number)
            if (try? Syscalls.stat(name)) == nil { break }
        }
        do { return try replace(name, with: bytes, isJudged: true) == .stored ? name : nil } catch { return nil }
    }

    /// How every journal begins.
    private static let mark: [UInt8] = [0x4B, 0x43, 0x53, 0x4A]

    /// Mark, format and kind of a journal, or what there is in their place.
    private static func start(of file: borrowing FileDescriptor) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 6)
        let count = try? bytes.withUnsafeMutableBytes({ Syscalls.read(file.raw, into: $0, at: 0) }).get()
        return [UInt8](bytes[..<(count ?? 0)])
    }

    /// Opens a regular file; nil for anything else. Never waits.
    private static func open(_ path: String, _ flags: Int32) throws(SystemError) -> FileDescriptor? {
        let file = try Syscalls.open(path, flags | O_NONBLOCK | O_NOCTTY)
        guard try Syscalls.status(of: file.raw).isRegular else { return nil }
        return file
    }
}
