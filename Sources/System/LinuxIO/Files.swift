// SPDX-License-Identifier: Apache-2.0
//
// System calls on names of files and folders.
import CLinux

extension Syscalls {
    /// Opens a file, close-on-exec always. `flags` and `mode` as in open(2). The corresponding C function is `open`.
    public static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(SystemError) -> FileDescriptor
    {
        try retryingInterrupts { path.withCString { cl_open($0, flags | O_CLOEXEC, mode) } }.descriptor("open", path)
    }

    /// The whole of a file, at most `limit` bytes; a longer one is `EFBIG`.
    public static func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = try chunk.withUnsafeMutableBytes({ read(file.raw, into: $0) }).get("read", path)
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit { throw SystemError(.tooLarge, "read", path) }
        }
    }

    /// Status of a path, following links. The corresponding C function is `stat`.
    public static func stat(_ path: String) throws(SystemError) -> FileStatus {
        var status = CLinux.stat()
        try succeeding { path.withCString { cl_stat($0, &status) } }.get("stat", path)
        return FileStatus(status)
    }

    /// Status of an open descriptor. The corresponding C function is `fstat`.
    public static func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
        var status = CLinux.stat()
        try succeeding { fstat(descriptor, &status) }.get("fstat")
        return FileStatus(status)
    }

    /// Makes a folder, and those above it, where they are missing. The corresponding C function is `mkdir`.
    public static func makeFolders(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        switch makeFolder(path, mode) {
        case nil: return
        case .exists?:
            guard try stat(path).isFolder else { throw SystemError(.notDirectory, "mkdir", path) }
        case .noSuchFile?:
            let parent = Path.parent(of: path)
            // By their length: comparing Strings would bring the code of Unicode's normalisation along.
            guard parent.utf8.count < path.utf8.count else { throw SystemError(.noSuchFile, "mkdir", path) }
            try makeFolders(parent, mode: mode)
            if let errno = makeFolder(path, mode), errno != .exists { throw SystemError(errno, "mkdir", path) }
        case let errno?: throw SystemError(errno, "mkdir", path)
        }
    }

    private static func makeFolder(_ path: String, _ mode: UInt32) -> Errno? {
        succeeding { path.withCString { mkdir($0, mode) } }.errno
    }

    /// Makes a folder of a name that nobody has, `prefix` and six characters. The corresponding C function is `mkdtemp`.
    public static func makeTemporaryFolder(_ prefix: String) throws(SystemError) -> String {
        var template = Array((prefix + "XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(.current, "mkdtemp", prefix) }
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Makes a pipe with a name. The corresponding C function is `mkfifo`.
    public static func makePipe(_ path: String, mode: UInt32) throws(SystemError) {
        try succeeding { path.withCString { mkfifo($0, mode) } }.get("mkfifo", path)
    }

    /// Removes a name from its folder. The corresponding C function is `unlink`.
    public static func unlink(_ path: String) throws(SystemError) {
        try succeeding { path.withCString { CLinux.unlink($0) } }.get("unlink", path)
    }

    /// Removes an empty folder. The corresponding C function is `rmdir`.
    public static func removeFolder(_ path: String) throws(SystemError) {
        try succeeding { path.withCString { rmdir($0) } }.get("rmdir", path)
    }

    /// Gives a file another name; one that has that name already is replaced. The corresponding C function is `rename`.
    public static func rename(_ old: String, to new: String) throws(SystemError) {
        try succeeding { old.withCString { old in new.withCString { CLinux.rename(old, $0) } } }.get("rename", new)
    }

    /// Gives a file one more name, which nobody may have. The corresponding C function is `link`.
    public static func link(_ old: String, to new: String) throws(SystemError) {
        try succeeding { old.withCString { old in new.withCString { CLinux.link(old, $0) } } }.get("link", new)
    }

    /// May this process write the file, or into the folder? The corresponding C function is `access`.
    public static func isWritable(_ path: String) -> Bool { path.withCString { access($0, W_OK) } == 0 }

    /// Gives a file another mode. The corresponding C function is `chmod`.
    public static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        try succeeding { path.withCString { chmod($0, mode) } }.get("chmod", path)
    }

    /// Gives an open file, or a socket that is not bound yet, another mode. The corresponding C function is `fchmod`.
    public static func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError) {
        try succeeding { fchmod(descriptor, mode) }.get("fchmod")
    }

    /// Gives a file another group. The corresponding C function is `chown`.
    public static func setGroup(_ path: String, _ group: UInt32) throws(SystemError) {
        try succeeding { path.withCString { chown($0, uid_t.max, group) } }.get("chown", path)
    }

    /// Gives an open file another owner and group. The corresponding C function is `fchown`.
    public static func setOwner(_ descriptor: Int32, _ user: UInt32, _ group: UInt32) throws(SystemError) {
        try succeeding { fchown(descriptor, user, group) }.get("fchown")
    }

    /// The name that a path comes to without symbolic links. The corresponding C function is `realpath`.
    public static func realPath(_ path: String) throws(SystemError) -> String {
        guard let name = path.withCString({ realpath($0, nil) }) else { throw SystemError(.current, "realpath", path) }
        defer { free(name) }
        return String(cString: name)
    }

    /// The target of a symbolic link. The corresponding C function is `readlink`.
    public static func readLink(_ path: String) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        _ = try retryingInterrupts { path.withCString { readlink($0, &buffer, buffer.count - 1) } }.get(
            "readlink", path)
        return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// The names in a folder, without "." and "..", in no order. The corresponding C function is `readdir`.
    public static func list(_ folder: String) throws(SystemError) -> [String] {
        guard let stream = folder.withCString({ opendir($0) }) else { throw SystemError(.current, "opendir", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = String(cString: cl_entry_name(entry))
            // Byte by byte: comparing Strings would bring the code of Unicode's normalisation along.
            if !name.utf8.elementsEqual(".".utf8) && !name.utf8.elementsEqual("..".utf8) { names.append(name) }
        }
        return names
    }
}
