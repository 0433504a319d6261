// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a job is one retained reference that travels from the submitter through the worker to the loop's thread, and is
// released there only.
import LinuxIO

/// One thread for what must not run on the loop's: files and their synchronisation. Jobs run in the order given. The
/// queue is bounded; a job that finds it full is refused, and its owner decides what to give up.
///
/// Sendable because the queue is only touched under its lock.
public final class Worker: @unchecked Sendable {
    private final class Job {
        let work: () -> Void
        let done: () -> Void

        init(work: @escaping () -> Void, done: @escaping () -> Void) {
            self.work = work
            self.done = done
        }
    }

    private let lock = Lock()
    private let mailbox: Mailbox
    private let capacity: Int
    private var queue: [Unmanaged<Job>] = []
    private var isStopping = false
    /// Jobs whose `done` is still to be called.
    private var untold = 0
    private var thread = Thread?.none

    /// A worker whose results come through `mailbox`. Its thread starts with the first job.
    public init(mailbox: Mailbox, capacity: Int = 256) {
        self.mailbox = mailbox
        self.capacity = capacity
    }

    /// Queues `work` for the worker's thread and, after it, `done` for the loop's. False when the queue is full, or the
    /// thread cannot be made: nothing will be called.
    public func submit(_ work: @escaping () -> Void, done: @escaping () -> Void) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        guard !isStopping, queue.count < capacity else { return false }
        if thread == nil {
            guard let started = Thread.start({ [self] in run() }) else { return false }
            thread = started
        }
        untold += 1
        queue.append(.passRetained(Job(work: work, done: done)))
        lock.wake()
        return true
    }

    /// Calls `done` on the loop's thread in a later turn, without any work.
    public func reply(_ done: @escaping () -> Void) { mailbox.post(done) }

    /// Is a job's `done` still to be called?
    public var hasUntoldResults: Bool {
        lock.lock()
        defer { lock.unlock() }
        return untold > 0
    }

    /// Finishes what is queued and ends the thread. Results of jobs are still posted. Nothing can be submitted any more;
    /// a worker whose thread was started must be finished before it can go.
    public func finish() { _ = finish(within: UInt64(Int32.max) * 1_000_000_000) }

    /// As `finish`, but waits no longer than so many nanoseconds. False: a job hangs, and with it the thread; the
    /// process is to end without it.
    public func finish(within nanoseconds: UInt64) -> Bool {
        lock.lock()
        isStopping = true
        lock.wake()
        let thread = self.thread
        self.thread = nil
        lock.unlock()
        guard let thread else { return true }
        if thread.join(within: nanoseconds) { return true }
        thread.detach()
        return false
    }

    private func finish(_ job: Unmanaged<Job>) {
        lock.lock()
        untold -= 1
        lock.unlock()
        job.takeRetainedValue().done()
    }

    private func run() {
        while true {
            lock.lock()
            while queue.isEmpty && !isStopping { lock.wait() }
            guard !queue.isEmpty else { return lock.unlock() }
            let job = queue.removeFirst()
            lock.unlock()
            job._withUnsafeGuaranteedRef { $0.work() }
            // What the closures hold is let go of on the loop's thread, as it is not made for two.
            mailbox.post { [self] in finish(job) }
        }
    }
}
