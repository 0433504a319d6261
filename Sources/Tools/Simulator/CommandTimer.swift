// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// Ends the program when a command takes longer than it may, wherever it waits.
public enum CommandTimer {
    /// What a command says by itself when its time is over is more exact, so it has this much longer, in nanoseconds.
    private static let grace: UInt64 = 500_000_000

    /// At `end`, by the monotonic clock, the program says why and exits with status 1.
    public static func start(end: UInt64, _ reason: String) {
        guard end < .max - grace else { return }
        let thread = Thread.start {
            while true {
                let now = Clock.monotonic
                if now >= end + grace { break }
                _ = CLinux.poll(nil, 0, Int32(clamping: (end + grace - now) / 1_000_000 + 1))
            }
            _ = Array("Error: \(reason)\n".utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) }
            _exit(1)
        }
        thread?.detach()
    }
}
