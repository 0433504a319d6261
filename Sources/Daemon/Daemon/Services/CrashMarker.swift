// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Names the channel whose handler took the daemon down, for the next start to be careful with it.
struct CrashMarker {
    private let path: String

    init(stateDirectory: String) { path = "\(stateDirectory)/culprit" }

    /// Leaves the channel's name. Called by the watchdog, when the loop's thread is lost.
    func leave(_ channel: String) {
        try? Syscalls.makeFolders(Path.parent(of: path))
        guard let file = try? Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600) else { return }
        let text = Array("\(channel)\n".utf8)
        _ = text.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
    }

    /// The culprit of the life before, told once.
    func take() -> String? {
        guard let bytes = try? Syscalls.readFile(path, limit: 256) else { return nil }
        try? Syscalls.unlink(path)
        let name = bytes.prefix { $0 != UInt8(ascii: "\n") }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}
