// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: two words that a second thread reads.
import CLinux
import Events
import LinuxIO
import Schema

/// Ends the program when a callback of the plugin does not return: a rehearsal that hangs says nothing.
final class Guardian {
    /// How many callbacks were entered, and the place of the name of the one under way, or 0.
    private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
    private let patience: UInt64

    /// Watches from now on, to the end of the program.
    init?(patience: UInt64) {
        self.patience = patience
        words.initialize(repeating: 0, count: 2)
        let words = Moved(value: self.words)
        let thread = Thread.start {
            var (seen, since) = (UInt64(0), Clock.monotonic)
            while true {
                _ = CLinux.poll(nil, 0, 50)
                let count = cl_load64(words.value)
                let name = cl_load64(words.value + 1)
                if count != seen || name == 0 {
                    (seen, since) = (count, Clock.monotonic)
                } else if Clock.monotonic - since > patience {
                    Self.end(name, patience)
                }
            }
        }
        guard let thread else { return nil }
        thread.detach()
    }

    private static func end(_ name: UInt64, _ patience: UInt64) {
        let callback = UnsafePointer<CChar>(bitPattern: UInt(name)).map { String(cString: $0) } ?? "a callback"
        let line = "kcssim: error: \(callback) has not returned for \(Quantity.duration(patience)): it hangs\n"
        _ = Array(line.utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) }
        _exit(1)
    }

    /// `callback` is called now.
    func enter(_ callback: StaticString) {
        _ = cl_add64(words, 1)
        cl_store64(words + 1, UInt64(UInt(bitPattern: callback.utf8Start)))
    }

    /// It has returned.
    func leave() { cl_store64(words + 1, 0) }
}
