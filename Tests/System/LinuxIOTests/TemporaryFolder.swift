// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// A folder that goes, with what is in it, when its owner lets go of it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/linuxio-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no temporary folder") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { remove(path) }

    private func remove(_ path: String) {
        for name in (try? Syscalls.list(path)) ?? [] { remove("\(path)/\(name)") }
        if unlink(path) != 0 { rmdir(path) }
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(self.path)/\(name)"
        let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }.get()
        return path
    }
}
