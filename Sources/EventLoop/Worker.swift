// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// One thread for what must not run on the loop's: files and their synchronisation. Jobs run in the order given. The
/// queue is bounded; a job that finds it full is refused, and its owner decides what to give up.
///
/// Sendable because the queue is only touched under its lock.
public final class Worker: @unchecked Sendable {
    private struct Job {
        let work: () -> Void
        let done: () -> Void
    }

    private let lock = Lock()
    private let mailbox: Mailbox
    private let capacity: Int
    private var queue: [Job] = []
    private var isStopping = false
    private var isIdle = true
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
        queue.append(Job(work: work, done: done))
        lock.wake()
        return true
    }

    /// Finishes what is queued and ends the thread. Results of jobs are still posted.
    public func finish() {
        lock.lock()
        isStopping = true
        lock.wake()
        let thread = self.thread
        lock.unlock()
        thread?.join()
    }

    private func run() {
        while true {
            lock.lock()
            while queue.isEmpty && !isStopping { lock.wait() }
            guard !queue.isEmpty else { return lock.unlock() }
            let job = queue.removeFirst()
            lock.unlock()
            job.work()
            mailbox.post(job.done)
        }
    }
}
