// SPDX-License-Identifier: Apache-2.0
import CCapture
import CLinux
import LinuxIO

/// The dump that a dying process writes: everything that needs memory, names or a disk is done at start.
public enum FatalDump {
    /// The file's name in the capture folder.
    public static let name = "crash.kcsdump"
    /// How many dumps of earlier crashes are kept, "crash-1.kcsdump" being the latest.
    public static let kept = 4

    /// What was found and made at start.
    public struct Prepared: Sendable {
        /// Where the dump will go: open for as long as the process lives, as nobody can tell when it dies.
        public let descriptor: Int32
        /// The dump of the life before, if that one crashed.
        public let previous: String?
    }

    /// Puts the dump of an earlier crash aside, opens the file for the next one, and reserves `bytes` on the disk where
    /// the file system can.
    public static func prepare(folder: String, bytes: Int) throws(SystemError) -> Prepared {
        try Syscalls.makeFolders(folder, mode: 0o700)
        let path = folder + "/" + name
        var previous: String?
        if let status = try? Syscalls.stat(path), status.size > 0 {
            for number in stride(from: kept, to: 1, by: -1) {
                try? Syscalls.rename(folder + "/crash-\(number - 1).kcsdump", to: folder + "/crash-\(number).kcsdump")
            }
            let aside = folder + "/crash-1.kcsdump"
            try Syscalls.rename(path, to: aside)
            previous = aside
        }
        let file = try Syscalls.open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
        // Best effort; the size stays 0, which says that there was no crash.
        _ = Syscalls.allocate(file.raw, Int64(bytes), keepingSize: true)
        return Prepared(descriptor: file.release(), previous: previous)
    }

    /// From now on SEGV, BUS, ILL, TRAP, FPE and ABRT write the dump to `descriptor` before the process dies of them.
    /// For the calling thread, whose alternate stack this sets; other threads write on their own stacks.
    public static func install(_ descriptor: Int32) throws(SystemError) {
        let failure = cc_dump_install(descriptor)
        guard failure == 0 else { throw SystemError(Errno(rawValue: failure), "sigaction") }
    }

    /// Leaves the signals to the system again.
    public static func uninstall() { _ = cc_dump_install(-1) }

    /// Writes the dump now, without a signal: what a watchdog does before it ends a process that hangs.
    public static func write(_ descriptor: Int32) -> Result<Void, Errno> {
        let failure = cc_dump_write(descriptor, 0, 0, 0)
        return failure == 0 ? .success(()) : .failure(Errno(rawValue: failure))
    }

    /// Bytes that a dump of rings with these capacities takes.
    public static func bytes(capacities: [Int]) -> Int {
        capacities.reduce(CC_DUMP_HEADER) {
            $0 + CC_DUMP_RING_HEADER + RingLayout.bytes(capacity: $1)
        }
    }
}
