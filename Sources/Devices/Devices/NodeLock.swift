// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// kcsmuxd's own claim on a device node: a locked file in a folder of its own, which nobody else may write. The lock ends with
/// the process, however that ends, and taking it needs no second open of the node.
public final class NodeLock {
    /// Where the files are, if it can be made.
    static let folder = "/run/kcsmux"

    /// Where they are otherwise: the state folder. To be set at start, before devices are opened.
    nonisolated(unsafe) public static var fallbackFolder: String?

    private let file: FileDescriptor
    private let path: String

    /// Claims the node; nil when another kcsmuxd has it.
    static func claim(_ status: FileStatus) throws(SystemError) -> NodeLock? {
        let folder = try usableFolder()
        let path = "\(folder)/device-\(status.deviceKey).lock"
        while true {
            let file = try Syscalls.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            switch FileLock.take(file.raw) {
            case .success: break
            case .failure(.wouldBlock): return nil
            case .failure(let errno): throw SystemError(errno, "flock", path)
            }
            // Whoever had it before may have removed the name between the open and the lock.
            let own = try Syscalls.status(of: file.raw).identity
            if let named = try? Syscalls.stat(path), named.identity == own { return NodeLock(file, path) }
        }
    }

    /// The folder must be ours alone to write, or anybody could take the names.
    private static func usableFolder() throws(SystemError) -> String {
        if isUsable(folder) { return folder }
        guard let fallbackFolder else { throw SystemError(.permissionDenied, "lock devices in", folder) }
        try Syscalls.makeFolders(fallbackFolder)
        return fallbackFolder
    }

    private static func isUsable(_ folder: String) -> Bool {
        do throws(SystemError) {
            try Syscalls.makeFolders(folder)
            let status = try Syscalls.stat(folder)
            return status.isFolder && (status.user == CurrentProcess.user || status.user == 0)
                && status.mode & 0o022 == 0
                && Syscalls.isWritable(folder)
        } catch { return false }
    }

    private init(_ file: consuming FileDescriptor, _ path: String) {
        self.file = file
        self.path = path
    }

    // While the lock is held the name is still this file's.
    deinit { try? Syscalls.unlink(path) }
}
