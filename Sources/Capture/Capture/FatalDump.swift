// SPDX-License-Identifier: Apache-2.0
import CCapture
import CLinux
import LinuxIO

/// The dump that a dying process writes: everything that needs memory, names or a disk is done at start.
public enum FatalDump {
    /// The file's name in the capture folder.
    public static let name = "crash.kcsdump"
    /// How many dumps of earlier crashes are kept, each as "crash-UTC.kcsdump" by its time: what a log names stays what it is.
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
            let aside = folder + "/" + freeName(folder, UTCTime.compact(UInt64(clamping: status.modified)))
            try Syscalls.rename(path, to: aside)
            previous = aside
            prune(folder)
        }
        let file = try Syscalls.open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
        // Best effort; the size stays 0, which says that there was no crash.
        _ = Syscalls.allocate(file.raw, Int64(bytes), keepingSize: true)
        return Prepared(descriptor: file.release(), previous: previous)
    }

    private static let (start, end) = ("crash-", ".kcsdump")

    /// A name for a dump of that time, in which several may have been written.
    private static func freeName(_ folder: String, _ time: String) -> String {
        func name(_ number: Int) -> String {
            "\(start)\(time)\(number == 1 ? "" : "-\(number / 10)\(number % 10)")\(end)"
        }
        // Behind the last that is there: the place of one that was removed is before it.
        var next = 1
        for number in 1...98 where (try? Syscalls.stat("\(folder)/\(name(number))")) != nil { next = number + 1 }
        return name(next)
    }

    /// Removes all but the latest dumps of earlier crashes. Names are in the order of time.
    private static func prune(_ folder: String) {
        let names = ((try? Syscalls.list(folder)) ?? []).map { Array($0.utf8) }.filter {
            $0.starts(with: start.utf8) && $0.suffix(end.utf8.count).elementsEqual(end.utf8)
        }
        // The end of a name does not count: "…Z.kcsdump" is before "…Z-02.kcsdump".
        let sorted = names.map { $0.dropLast(end.utf8.count) }.sorted { $0.lexicographicallyPrecedes($1) }
        for name in sorted.dropLast(kept) {
            try? Syscalls.unlink("\(folder)/\(String(decoding: name, as: UTF8.self))\(end)")
        }
    }

    /// From now on SEGV, BUS, ILL, TRAP, FPE and ABRT write a line that begins with `prefix`, and the dump to `descriptor`, unless that is
    /// negative, before the process dies of them; and nobody's exit() ends the process in any other way.
    /// For the calling thread, whose alternate stack this sets; other threads write on their own stacks.
    public static func install(_ descriptor: Int32, prefix: String = "") throws(SystemError) {
        let failure = prefix.withCString { cc_dump_install(descriptor, $0) }
        guard failure == 0 else { throw SystemError(Errno(rawValue: failure), "sigaction") }
    }

    /// Leaves the signals to the system again, and lets the process end.
    public static func uninstall() { cc_dump_uninstall() }

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
