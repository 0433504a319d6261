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

    /// Is that the very same file, unchanged?
    func isSame(_ other: PluginFile) -> Bool { identity == other.identity && modified == other.modified }

    /// Whether files that others than their owner can change are refused.
    public enum Trust: Sendable {
        /// They are.
        case strict
        /// They are not.
        case any
    }

    /// The path of a plugin by its short name in `folders`, in that order, or by a path that contains "/".
    static func find(_ name: String, in folders: [String]) -> Result<String, LoadFailure> {
        if Path.hasFolder(name) { return .success(name) }
        guard isName(name) else {
            return .failure(LoadFailure(name, .found, "a short name is [a-z][a-z0-9-]*; a path contains \"/\""))
        }
        for folder in folders {
            let path = "\(folder)/libkcs-\(name).so"
            if (try? Syscalls.stat(path)) != nil { return .success(path) }
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

    /// Looks at what is open, and makes of that same what is to be loaded: no name is looked up a second time.
    static func open(_ path: String, _ trust: Trust) -> Result<(file: PluginFile, image: PluginImage), LoadFailure> {
        do {
            // A pipe would keep a plain open waiting.
            let file = try Syscalls.open(path, O_RDONLY | O_NONBLOCK)
            let status = try Syscalls.status(of: file.raw)
            guard status.isRegular else {
                return .failure(LoadFailure(path, .sharedLibrary, "it is not a regular file"))
            }
            let resolved = (try? Syscalls.readLink("/proc/self/fd/\(file.raw)")) ?? path
            if trust == .strict, let finding = FileTrust.fault(resolved, status) {
                return .failure(LoadFailure(path, .trusted, finding))
            }
            if let finding = LibraryHeader.fault(file.raw, size: status.size) {
                return .failure(LoadFailure(path, .sharedLibrary, finding))
            }
            let found = PluginFile(path: resolved, identity: status.identity, modified: status.modified)
            return .success((found, PluginImage(file.raw, found, trust: trust)))
        } catch {
            return .failure(LoadFailure(path, .found, error.errno.description))
        }
    }
}
