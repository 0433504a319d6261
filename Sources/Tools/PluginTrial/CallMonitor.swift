// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: two words that a second thread reads.
import CLinux
import Common
import Events
import LinuxIO
import Schema

/// Ends the program when a callback of a plugin does not return: a trial that hangs says nothing. One is enough for all
/// trials of a process.
public final class CallMonitor {
    /// How many callbacks were entered, and the address of the name of the one under way, or 0.
    private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)

    /// Watches from now on, to the end of the program, that no callback takes longer than `limit` nanoseconds. Nil: there
    /// is no thread left.
    public init?(limit: UInt64) {
        words.initialize(repeating: 0, count: 2)
        nonisolated(unsafe) let words = self.words
        let thread = Thread.start {
            var (seen, since) = (UInt64(0), Clock.monotonic)
            while true {
                Clock.sleep(50_000_000)
                let count = cl_load64(words)
                let name = cl_load64(words + 1)
                if count != seen || name == 0 {
                    (seen, since) = (count, Clock.monotonic)
                } else if Clock.monotonic - since > limit {
                    Self.end(name, limit)
                }
            }
        }
        guard let thread else { return nil }
        thread.detach()
    }

    private static func end(_ name: UInt64, _ limit: UInt64) {
        let callback = UnsafePointer<CChar>(bitPattern: UInt(name)).map { String(cString: $0) } ?? "a callback"
        let line = "kcssim: error: \(callback) has not returned for \(TimeSpan(nanoseconds: limit).text): it hangs\n"
        _ = Array(line.utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) }
        _exit(1)
    }

    /// Makes a call of the plugin's `callback`.
    func call<Result>(_ callback: StaticString, _ body: () -> Result) -> Result {
        _ = cl_add64(words, 1)
        cl_store64(words + 1, UInt64(UInt(bitPattern: callback.utf8Start)))
        defer { cl_store64(words + 1, 0) }
        return body()
    }
}
