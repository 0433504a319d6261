// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Who, besides root and the user that this process runs as, could put something else into a file's place.
public enum FileTrust {
    /// Why an open file is not trusted: itself, or a folder on its way, in words; nil when nobody else can change it.
    /// `path` is the file's, all links resolved; `status` that of what is open.
    public static func fault(_ path: String, _ status: FileStatus) -> String? {
        if let finding = writers(path, status) { return "the \(status.isFolder ? "folder" : "file") is \(finding)" }
        var folder = path
        repeat {
            folder = Path.parent(of: folder)
            guard let status = try? Syscalls.stat(folder) else { return "its folder \(folder) cannot be looked at" }
            if let finding = writers(folder, status) { return "its folder \(folder) is \(finding)" }
        } while !folder.utf8.elementsEqual("/".utf8) && !folder.utf8.elementsEqual(".".utf8)
        return nil
    }

    private static func writers(_ path: String, _ status: FileStatus) -> String? {
        let own = CurrentProcess.user
        guard status.user == 0 || status.user == own else {
            return "owned by user \(status.user), who is neither root nor user \(own), which this process runs as"
        }
        // In a sticky folder nobody but its owner, and the owner of what is in it, changes what is there.
        if status.isFolder && status.mode & 0o1000 != 0 { return nil }
        let mode = "mode 0\(String(status.mode & 0o7777, radix: 8))"
        if status.mode & 0o002 != 0 { return "writable by others (\(mode))" }
        let list = AccessControlList(of: path)
        if let user = list.writingUsers.first(where: { $0 != 0 && $0 != own }) {
            return "writable by user \(user), by its access control list"
        }
        if let group = list.writingGroups.first { return "writable by group \(group), by its access control list" }
        // With a list, the mode's bits of the group are the list's mask.
        guard list.writingUsers.isEmpty else { return nil }
        if status.mode & 0o020 != 0 && Accounts.primaryGroup(ofUser: status.user) != status.group {
            return "writable by group \(status.group), which is not its owner's own (\(mode))"
        }
        return nil
    }
}
