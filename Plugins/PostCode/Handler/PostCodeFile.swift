// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// The file in which codes survive. For the worker's thread.
enum PostCodeFile {
    /// A file of this plugin is never longer.
    private static let limit = 1 << 20

    /// What is in it; empty when there is none.
    static func read(_ path: String) throws(SystemError) -> [UInt8] {
        do {
            return try Syscalls.readFile(path, limit: limit)
        } catch {
            if error.errno == .noSuchFile { return [] }
            throw error
        }
    }

    /// Puts a new file in its place: after a loss of power there is the old one or the new one.
    static func replace(_ path: String, with text: String) throws(SystemError) {
        if Path.hasFolder(path) { try Syscalls.makeFolders(Path.parent(of: path)) }
        let new = path + ".new"
        let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
        let written = [UInt8](text.utf8).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        if case .failure(let errno) = written { throw SystemError(errno, "write", new) }
        if case .failure(let errno) = Syscalls.sync(file.raw) { throw SystemError(errno, "fsync", new) }
        try Syscalls.rename(new, to: path)
    }
}
