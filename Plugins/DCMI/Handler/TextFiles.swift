// SPDX-License-Identifier: Apache-2.0
import CLinux
import DCMI
import LinuxIO

/// The files in which the texts survive, each nothing but the text. For the worker's thread.
struct TextFiles: Sendable {
    let folder: String

    func path(_ text: StoredText) -> String {
        switch text {
        case .assetTag: folder + "/asset-tag"
        case .controllerID: folder + "/mc-id"
        }
    }

    /// A stored text; nil when none was.
    func read(_ text: StoredText) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let path = path(text)
            // To open a device may do something, and to read from a pipe may last for ever.
            guard try Syscalls.stat(path).isRegular else { throw SystemError(.invalidArgument, "read", path) }
            return try Syscalls.readFile(path, limit: 4096)
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw error
        }
    }

    /// Puts a new file in the text's place: after a loss of power there is the old one or the new one.
    func write(_ change: TextChange) throws(SystemError) {
        let path = path(change.text)
        try Syscalls.makeFolders(folder)
        if let status = try? Syscalls.stat(path), !status.isRegular {
            throw SystemError(.invalidArgument, "write", path)
        }
        let new = path + ".new"
        let file = try Syscalls.open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
        try change.bytes.withUnsafeBytes({ Syscalls.writeAll(file.raw, $0) }).get("write", new)
        try Syscalls.sync(file.raw).get("fsync", new)
        try Syscalls.rename(new, to: path)
        let directory = try Syscalls.open(folder, O_RDONLY | O_DIRECTORY)
        try Syscalls.sync(directory.raw).get("fsync", folder)
    }
}
