// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Work that other threads give to the loop's thread: an eventfd and a locked list. Sendable because every access to the
/// list holds the lock.
public final class Mailbox: EventSource, @unchecked Sendable {
    private let bell: FileDescriptor
    var descriptor: Int32 { bell.raw }
    private let lock = Lock()
    private var waiting: [() -> Void] = []

    /// Takes over an eventfd.
    init(_ bell: consuming FileDescriptor) {
        self.bell = bell
        super.init()
    }

    /// Has `work` called on the loop's thread, in a later turn. From any thread.
    public func post(_ work: @escaping () -> Void) {
        lock.lock()
        let wasEmpty = waiting.isEmpty
        waiting.append(work)
        lock.unlock()
        if wasEmpty {
            var one: UInt64 = 1
            withUnsafeBytes(of: &one) { _ = Syscalls.write(descriptor, $0) }
        }
    }

    /// Calls what was posted up to now.
    public override func ready(_ events: Readiness, now: UInt64) {
        var count: UInt64 = 0
        withUnsafeMutableBytes(of: &count) { _ = Syscalls.read(descriptor, into: $0) }
        lock.lock()
        let due = waiting
        waiting = []
        lock.unlock()
        for work in due { work() }
    }
}
