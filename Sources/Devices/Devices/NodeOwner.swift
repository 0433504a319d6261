// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Finds out who has a device node open, without opening it: a second open upsets the drivers of some kernels, which
/// clear the first opener's interrupt mask on their way to EBUSY.
public enum NodeOwner {
    /// "process 812 (obmc-console)", or nil when no process that this one can see holds the node.
    public static func find(_ status: FileStatus) -> String? {
        guard let processes = try? Syscalls.list("/proc") else { return nil }
        let own = CurrentProcess.identifier
        for name in processes {
            guard let process = Int32(name), process != own else { continue }
            if holds(process, status) { return "process \(process)\(command(process))" }
        }
        return nil
    }

    /// The nodes of one channel have its number: who has the other one open, in words, where only one can be.
    static func findSibling(_ path: String) -> String? {
        for (prefix, other) in [("raw-kcs", "ipmi-kcs"), ("ipmi-kcs", "raw-kcs")] {
            let folder = Path.parent(of: path)
            let start = folder == "/" ? "/\(prefix)" : "\(folder)/\(prefix)"
            guard path.utf8.starts(with: start.utf8) else { continue }
            let sibling = (folder == "/" ? "/" : "\(folder)/") + other + String(path.utf8.dropFirst(start.utf8.count))!
            if let status = try? Syscalls.stat(sibling), let owner = find(status) {
                return "\(owner), which has \(sibling) open"
            }
        }
        return nil
    }

    private static func holds(_ process: Int32, _ status: FileStatus) -> Bool {
        let folder = "/proc/\(process)/fd"
        guard let descriptors = try? Syscalls.list(folder) else { return false }
        for descriptor in descriptors {
            // A link that names no path is a socket, a pipe or the like.
            guard let target = try? Syscalls.readLink("\(folder)/\(descriptor)"),
                target.utf8.first == UInt8(ascii: "/"),
                let other = try? Syscalls.stat("\(folder)/\(descriptor)")
            else { continue }
            if status.isSameDevice(as: other) { return true }
        }
        return false
    }

    private static func command(_ process: Int32) -> String {
        guard let bytes = try? Syscalls.readFile("/proc/\(process)/comm", limit: 256) else { return "" }
        let name = String(decoding: bytes.filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
        return name.isEmpty ? "" : " (\(name))"
    }
}

extension FileStatus {
    /// The same file, or the same character device under another name?
    public func isSameDevice(as other: FileStatus) -> Bool {
        if isCharacterDevice && other.isCharacterDevice { return deviceNumber == other.deviceNumber }
        return identity == other.identity
    }

    /// The same for every name of a file, or of a character device, and for no other.
    public var deviceKey: String {
        isCharacterDevice ? "c\(deviceNumber)" : "\(identity.device)-\(identity.inode)"
    }
}
