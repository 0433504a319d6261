// SPDX-License-Identifier: Apache-2.0
import CLinux

/// How the kernel schedules this process, and what of it stays in memory.
public enum Scheduling {
    /// Gives the calling thread real-time scheduling, SCHED_FIFO, at a priority of 1 to 99. Threads and programs that it
    /// starts are not affected.
    public static func setFIFO(priority: Int32) -> Errno? { cl_set_fifo(priority) == 0 ? nil : .current }

    /// Keeps the calling thread on one processor, and the threads that it starts.
    public static func setProcessor(_ processor: Int32) -> Errno? { cl_set_processor(processor) == 0 ? nil : .current }

    /// Lets a child of this process run wherever this process could before `setProcessor`.
    public static func releaseFromProcessor(_ process: Int32) { cl_release_from_processor(process) }

    /// Keeps the process in memory: programs, libraries and data that are there now, and everything else once it was
    /// used. `notPermitted` unless there is no limit, or one that does not count.
    public static func lockMemory() -> Errno? { cl_lock_memory() == 0 ? nil : .current }

    /// Bytes that may be locked without a capability; nil for no limit.
    public static var memoryLockLimit: UInt64? {
        let limit = cl_memory_lock_limit()
        return limit == .max ? nil : limit
    }
}
