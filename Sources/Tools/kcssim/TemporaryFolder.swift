// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Simulator

/// Folders of this program's own, in $TMPDIR or else /tmp.
enum TemporaryFolder {
    /// A new one, whose name begins with `name`.
    static func make(_ name: String) throws -> String {
        let parent = CurrentProcess.environment("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw HostFailure("no folder can be made in \(parent): \(Errno.current.description)")
        }
        return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// Removes a folder, or file, and all that is in it.
    static func remove(_ path: String) {
        if CLinux.unlink(path) == 0 { return }
        for name in (try? Syscalls.list(path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
