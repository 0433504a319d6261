// SPDX-License-Identifier: Apache-2.0
//
// The one place that makes system calls on descriptors and knows EINTR. Each function reads errno at once.
import CLinux

/// Makes a call that answers -1 on failure, and makes it again for as long as a signal interrupts it.
@inline(__always)
public func retryingInterrupts<Value: FixedWidthInteger>(_ call: () -> Value) -> Result<Value, Errno> {
    while true {
        let value = call()
        if value != -1 { return .success(value) }
        let errno = Errno.current
        if errno != .interrupted { return .failure(errno) }
    }
}

/// The same for a call that answers minus the error number.
@inline(__always)
private func retryingDirectCall(_ call: () -> Int) -> Result<Int, Errno> {
    while true {
        let value = call()
        if value >= 0 { return .success(value) }
        let errno = Errno(rawValue: Int32(truncatingIfNeeded: -value))
        if errno != .interrupted { return .failure(errno) }
    }
}

/// System calls on descriptors. Where a result is thrown, it is as `SystemError` with the call's name.
public enum Syscalls {
    /// Opens a file, close-on-exec always. `flags` and `mode` as in open(2).
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(SystemError) -> FileDescriptor
    {
        switch retryingInterrupts({ path.withCString { cl_open($0, flags | O_CLOEXEC, mode) } }) {
        case .success(let raw): return FileDescriptor(owning: raw)
        case .failure(let errno): throw SystemError(errno, "open", path)
        }
    }

    /// Reads once; a count of 0 is the end of the file.
    public static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Result<Int, Errno> {
        retryingDirectCall { cl_read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// Writes once; fewer bytes than given may have been taken.
    public static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Result<Int, Errno> {
        retryingDirectCall { cl_write(descriptor, bytes.baseAddress, bytes.count) }
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

    /// The whole of a file, at most `limit` bytes; a longer one is `EFBIG`.
    public static func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            switch chunk.withUnsafeMutableBytes({ read(file.raw, into: $0) }) {
            case .success(0): return bytes
            case .success(let count):
                bytes.append(contentsOf: chunk[..<count])
                if bytes.count > limit { throw SystemError(.tooLarge, "read", path) }
            case .failure(let errno): throw SystemError(errno, "read", path)
            }
        }
    }

    /// Status of a path, following links.
    public static func stat(_ path: String) throws(SystemError) -> FileStatus {
        var status = CLinux.stat()
        guard path.withCString({ cl_stat($0, &status) }) == 0 else {
            throw SystemError(.current, "stat", path)
        }
        return FileStatus(status)
    }

    /// Status of an open descriptor.
    public static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
        var status = CLinux.stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError(.current, "fstat") }
        return FileStatus(status)
    }

    /// Makes a folder, and those above it, where they are missing.
    public static func makeFolders(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        if path.withCString({ CLinux.mkdir($0, mode) }) == 0 { return }
        switch Errno.current {
        case .exists:
            guard try stat(path).isFolder else { throw SystemError(.notDirectory, "mkdir", path) }
        case .noSuchFile:
            let parent = Path.parent(of: path)
            // By their length: comparing Strings would bring the code of Unicode's normalisation along.
            guard parent.utf8.count < path.utf8.count else { throw SystemError(.noSuchFile, "mkdir", path) }
            try makeFolders(parent, mode: mode)
            if path.withCString({ CLinux.mkdir($0, mode) }) != 0 && Errno.current != .exists {
                throw SystemError(.current, "mkdir", path)
            }
        case let errno: throw SystemError(errno, "mkdir", path)
        }
    }

    /// Removes a name from its folder.
    public static func unlink(_ path: String) throws(SystemError) {
        guard path.withCString({ CLinux.unlink($0) }) == 0 else { throw SystemError(.current, "unlink", path) }
    }

    /// The target of a symbolic link.
    public static func readLink(_ path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = path.withCString { readlink($0, &buffer, buffer.count - 1) }
        guard count >= 0 else { throw SystemError(.current, "readlink", path) }
        return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// The names in a folder, without "." and "..", in no order.
    public static func list(_ folder: String) throws(SystemError) -> [String] {
        guard let stream = folder.withCString({ opendir($0) }) else { throw SystemError(.current, "opendir", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = String(cString: cl_entry_name(entry))
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}

/// What stat(2) says of a file.
public struct FileStatus: Sendable {
    /// Device and inode: the file's identity, whatever its names.
    public let identity: FileIdentity
    /// Type and permission bits.
    public let mode: UInt32
    /// Owner.
    public let user: UInt32
    /// Group.
    public let group: UInt32
    /// Bytes.
    public let size: Int64
    /// Last modification, nanoseconds since the epoch.
    public let modified: Int64
    /// A character device's number; 0 for others.
    public let deviceNumber: UInt64
    /// A folder?
    public let isFolder: Bool
    /// A regular file?
    public let isRegular: Bool
    /// A character device?
    public let isCharacterDevice: Bool

    init(_ status: CLinux.stat) {
        var status = status
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        mode = UInt32(status.st_mode)
        user = UInt32(status.st_uid)
        group = UInt32(status.st_gid)
        size = Int64(status.st_size)
        modified = cl_modified_nanoseconds(&status)
        deviceNumber = UInt64(status.st_rdev)
        isFolder = cl_is_directory(&status) != 0
        isRegular = cl_is_regular(&status) != 0
        isCharacterDevice = cl_is_character_device(&status) != 0
    }
}

/// Tells one file from another, whatever their names are.
public struct FileIdentity: Equatable, Hashable, Sendable {
    /// The file system.
    public let device: UInt64
    /// The file in it.
    public let inode: UInt64
}
