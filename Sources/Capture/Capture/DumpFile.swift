// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// A dump on the disk. Blocks: not for the thread that serves channels.
public enum DumpFile {
    /// Writes a dump to `FOLDER/STEM-<UTC>.pcapng`, mode 0600, and returns its path when file and name have reached the
    /// disk. `wall` is the time of the name, nanoseconds since 1970. An unfinished file is removed.
    public static func write(
        _ dump: CaptureDump, folder: String, stem: String, wall: UInt64
    ) throws(SystemError) -> String {
        try Syscalls.makeFolders(folder, mode: 0o700)
        let lead = folder + "/" + stem + "-" + UTCTime.compact(wall)
        var attempt = 1
        while true {
            let path = lead + (attempt == 1 ? "" : "-\(attempt)") + ".pcapng"
            let file: FileDescriptor
            do {
                file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            } catch {
                // Two dumps in one second.
                guard error.errno == .exists, attempt < 100 else { throw error }
                attempt += 1
                continue
            }
            do {
                try write(dump, to: file.raw, path)
                try sync(folder)
            } catch {
                try? Syscalls.unlink(path)
                throw error
            }
            return path
        }
    }

    private static func write(_ dump: CaptureDump, to descriptor: Int32, _ path: String) throws(SystemError) {
        var dump = dump
        while let chunk = dump.next() {
            if case .failure(let errno) = chunk.withUnsafeBytes({ Syscalls.writeAll(descriptor, $0) }) {
                throw SystemError(errno, "write", path)
            }
        }
        try Syscalls.sync(descriptor).get("fsync", path)
    }

    /// A file is not safe while its name is not.
    private static func sync(_ folder: String) throws(SystemError) {
        let directory = try Syscalls.open(folder, O_RDONLY | O_DIRECTORY)
        try Syscalls.sync(directory.raw).get("fsync", folder)
    }
}
