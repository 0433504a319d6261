// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// Writes letters to the kernel's sysrq trigger: "c" crashes into the dump kernel, "b" reboots at once. File systems are
/// synced first, for a bounded time: what is to be looked at afterwards lies on them, and a disk that hangs must not save
/// the machine from the reboot it needs.
final class Sysrq {
    /// How long syncing may take, in nanoseconds.
    static let syncLimit: UInt64 = 10_000_000_000

    private final class Attempt: LoopTimer {
        var finish: ((Bool) -> Void)?
        override func fire(now: UInt64) { finish?(false) }
    }

    private let loop: EventLoop
    private let path: String
    private let file: Int32
    /// Why it cannot be written.
    private let fault: String?

    /// Opens the trigger, before privileges or file systems go away.
    init(_ loop: EventLoop, path: String) {
        self.loop = loop
        self.path = path
        var fault: String?
        do {
            file = try Syscalls.open(path, O_WRONLY).release()
        } catch {
            file = -1
            fault = error.description
        }
        self.fault = fault
    }

    deinit { if file >= 0 { Syscalls.close(file) } }

    /// Why letters will not arrive; nil when they will.
    var problem: String? { fault }

    /// Syncs, then writes the letter; tells nil, or why it was not written.
    func trigger(_ letter: UInt8, done: @escaping (String?) -> Void) {
        let attempt = Attempt()
        attempt.finish = { [self] isSynced in
            loop.cancel(attempt)
            attempt.finish = nil
            let note = isSynced ? "" : "; file systems did not sync within \(Self.syncLimit / 1_000_000_000) s"
            done(write(letter).map { $0 + note })
        }
        loop.set(attempt, deadline: Clock.monotonic + Self.syncLimit)
        let mailbox = loop.mailbox
        // A thread of its own: the worker's queue may be what hangs.
        let thread = Thread.start {
            Syscalls.syncAll()
            mailbox.post { attempt.finish?(true) }
        }
        if let thread { thread.detach() } else { attempt.finish?(false) }
    }

    private func write(_ letter: UInt8) -> String? {
        guard file >= 0 else { return fault }
        var letter = letter
        switch withUnsafeBytes(of: &letter, { Syscalls.writeAll(file, $0) }) {
        case .success: return nil
        case .failure(let errno): return "write \(path): \(errno.description)"
        }
    }
}
