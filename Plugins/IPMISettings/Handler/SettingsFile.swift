// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// The file that other software reads. For the worker's thread.
struct SettingsFile: Sendable {
    let path: String

    static let limit = 64 << 10

    /// What is in it; nil when there is none.
    func read() throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            // To open a device may do something, and to read from a pipe may last for ever.
            guard try Syscalls.stat(path).isRegular else { throw SystemError(.invalidArgument, "read", path) }
            return try Syscalls.readFile(path, limit: SettingsFile.limit)
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw error
        }
    }

    /// Puts a new file in its place: after a loss of power there is the old one or the new one. Its group may read it.
    func write(_ bytes: [UInt8]) throws(SystemError) {
        let folder = Path.parent(of: path)
        try Syscalls.makeFolders(folder)
        let new = path + ".new"
        let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o640)
        try bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0) }).get("write", new)
        try Syscalls.sync(file.raw).get("fsync", new)
        try Syscalls.rename(new, to: path)
        let directory = try Syscalls.open(folder, O_RDONLY | O_DIRECTORY)
        try Syscalls.sync(directory.raw).get("fsync", folder)
    }
}
