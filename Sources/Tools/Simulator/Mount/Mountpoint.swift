// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// The folder to mount on.
enum Mountpoint {
    /// Makes it where it is missing, and refuses one that something is mounted on.
    static func prepare(_ path: String) throws(HostFailure) {
        let status: FileStatus
        do { status = try Syscalls.stat(path) } catch {
            // What a server leaves that was killed.
            if error.errno == .notConnected {
                throw HostFailure(
                    "\(path) is left over from a mount whose server is gone; to remove it: fusermount3 -u \(path)")
            }
            guard error.errno == .noSuchFile else { throw HostFailure(error.description) }
            do { return try Syscalls.makeFolders(path) } catch { throw HostFailure(error.description) }
        }
        guard status.isFolder else { throw HostFailure("\(path) is not a folder") }
        if let parent = try? Syscalls.stat(path + "/.."), parent.identity.device != status.identity.device {
            throw HostFailure("something is mounted on \(path) already; to remove it: fusermount3 -u \(path)")
        }
    }
}
