// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import LinuxIO

/// A note that the daemon lives, in a file that an end in order takes away: who finds it starts after one that was not.
/// Nothing else tells of SIGKILL, of `_exit` in a plugin, and of a loss of power.
struct LifeMarker {
    private let path: String

    init(stateDirectory: String) { path = "\(stateDirectory)/running" }

    /// The life begins. The answer says how the one before ended, if that was not in order.
    func begin() -> String? {
        let boot = (try? Syscalls.readFile("/proc/sys/kernel/random/boot_id", limit: 256)) ?? []
        let own = "\(CurrentProcess.identifier)"
        let left = (try? Syscalls.readFile(path, limit: 512)).map { String(decoding: $0, as: UTF8.self).lines } ?? []
        try? Syscalls.makeFolders(Path.parent(of: path))
        if let file = try? Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600) {
            let bytes = Array((own + "\n").utf8) + boot
            _ = bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        }
        guard left.count == 2, let process = Int32(left[0]) else { return nil }
        guard left[1].utf8.elementsEqual(boot.filter { $0 != 0x0A }) else {
            return "the machine went down while kcsmuxd, process \(process), was running"
        }
        // Another daemon with the same folder is none that ended.
        guard process == CurrentProcess.identifier || kill(process, 0) != 0 else { return nil }
        return
            "the life before, process \(process), was not stopped, and left no report: it was killed, or ended itself;"
            + " only recorders with 'persist' hold what it did"
    }

    /// The life ends in order.
    func end() { try? Syscalls.unlink(path) }
}
