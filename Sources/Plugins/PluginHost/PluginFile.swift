// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Finds the file of a plugin, and looks at it before any of its code runs.
public struct PluginFile: Sendable {
    /// The file, all links resolved where the system can.
    public let path: String
    /// Tells it from others, and from a later version of itself.
    public let identity: FileIdentity
    /// When it was last changed, nanoseconds since the epoch.
    public let modified: Int64

    /// Whether files that others than their owner can change are refused.
    public enum Trust: Sendable {
        /// They are.
        case strict
        /// They are not.
        case any
    }

    /// Finds a plugin by its short name in `folders`, in that order, or by a path that contains "/".
    public static func find(_ name: String, in folders: [String], trust: Trust) -> Result<PluginFile, LoadFailure> {
        if Path.hasFolder(name) { return check(name, trust) }
        guard isName(name) else {
            return .failure(LoadFailure(name, .found, "a short name is [a-z][a-z0-9-]*; a path contains \"/\""))
        }
        for folder in folders {
            let path = "\(folder)/libkcs-\(name).so"
            if (try? Syscalls.stat(path)) != nil { return check(path, trust) }
        }
        let places = folders.isEmpty ? "nowhere to look" : "no libkcs-\(name).so in \(folders.joined(separator: ", "))"
        return .failure(LoadFailure(name, .found, places))
    }

    /// May a plugin be called that? [a-z][a-z0-9-]*
    public static func isName(_ name: String) -> Bool {
        var isFirst = true
        for byte in name.utf8 {
            let isLetter = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            let isOther = (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || byte == UInt8(ascii: "-")
            guard isLetter || (isOther && !isFirst) else { return false }
            isFirst = false
        }
        return !isFirst
    }

    private static func check(_ path: String, _ trust: Trust) -> Result<PluginFile, LoadFailure> {
        do {
            // What is checked is what is open: a file that is swapped afterwards lies in a folder that nobody else may
            // write, and its identity is compared once it is loaded.
            // A pipe would keep a plain open waiting.
            let file = try Syscalls.open(path, O_RDONLY | O_NONBLOCK)
            let status = try Syscalls.status(of: file.raw)
            guard status.isRegular else {
                return .failure(LoadFailure(path, .sharedLibrary, "it is not a regular file"))
            }
            let resolved = (try? Syscalls.readLink("/proc/self/fd/\(file.raw)")) ?? path
            if trust == .strict {
                if let finding = writers(status) {
                    return .failure(LoadFailure(path, .trusted, "the file is \(finding)"))
                }
                let folder = Path.parent(of: resolved)
                let handle = try Syscalls.open(folder, O_PATH | O_DIRECTORY)
                if let finding = writers(try Syscalls.status(of: handle.raw)) {
                    return .failure(LoadFailure(path, .trusted, "its folder \(folder) is \(finding)"))
                }
            }
            if let finding = LibraryHeader.fault(file.raw, size: status.size) {
                return .failure(LoadFailure(path, .sharedLibrary, finding))
            }
            return .success(PluginFile(path: resolved, identity: status.identity, modified: status.modified))
        } catch {
            return .failure(LoadFailure(path, .found, error.errno.description))
        }
    }

    private static func writers(_ status: FileStatus) -> String? {
        let mode = "mode 0\(String(status.mode & 0o7777, radix: 8))"
        if status.mode & 0o002 != 0 { return "writable by others (\(mode))" }
        if status.mode & 0o020 != 0 && Accounts.primaryGroup(ofUser: status.user) != status.group {
            return "writable by group \(status.group), which is not its owner's own (\(mode))"
        }
        return nil
    }
}
