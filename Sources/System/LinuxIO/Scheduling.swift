// SPDX-License-Identifier: Apache-2.0
import CLinux

/// How the kernel schedules this process, and what of it stays in memory.
public enum Scheduling {
    /// Gives the calling thread real-time scheduling, SCHED_FIFO, at a priority of 1 to 99. Threads and programs that it
    /// starts are not affected. The corresponding C function is `sched_setscheduler`.
    public static func setFIFO(priority: Int32) -> Errno? {
        var parameter = sched_param()
        parameter.sched_priority = priority
        return succeeding { sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter) }.errno
    }

    /// Where this process could run before it was kept on one processor; nil when it never was.
    nonisolated(unsafe) private static var processorsBefore: cpu_set_t?

    /// Keeps the calling thread on one processor, and the threads that it starts. To be called on one thread only.
    /// The corresponding C function is `sched_setaffinity`.
    public static func setProcessor(_ processor: Int32) -> Errno? {
        guard processor >= 0, processor < Int32(MemoryLayout<cpu_set_t>.size * 8) else { return .invalidArgument }
        if processorsBefore == nil {
            var set = cpu_set_t()
            if let errno = succeeding({ sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set) }).errno {
                return errno
            }
            if let errno = succeeding({ cl_set_processor(processor) }).errno { return errno }
            processorsBefore = set
            return nil
        }
        return succeeding { cl_set_processor(processor) }.errno
    }

    /// Lets a child of this process run wherever this process could before `setProcessor`.
    public static func releaseFromProcessor(_ process: Int32) {
        guard var set = processorsBefore else { return }
        _ = sched_setaffinity(process, MemoryLayout<cpu_set_t>.size, &set)
    }

    /// Keeps the process in memory: programs, libraries and data that are there now, and everything else once it was
    /// used, so that the stacks of threads cost what is used of them. `notPermitted` unless there is no limit, or one that
    /// does not count: the process would later run out of memory at any point.
    /// The corresponding C functions are `mlockall` and `mlock`.
    public static func lockMemory() -> Errno? {
        if memoryLockLimit != nil && cl_has_capability(lockCapability) == 0 { return .notPermitted }
        if let errno = succeeding({ mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) }).errno { return errno }
        // What is locked on use already is read in now. A segment that can't be is no reason to give up the others.
        cl_each_segment { _ = mlock($0!, $1) }
        cl_touch_stack()
        return nil
    }

    /// CAP_IPC_LOCK of linux/capability.h.
    private static let lockCapability: Int32 = 14

    /// Bytes that may be locked without a capability; nil for no limit.
    public static var memoryLockLimit: UInt64? {
        guard let limit = ResourceLimit.memoryLock.value else { return 0 }
        return limit.current == ResourceLimit.infinity ? nil : limit.current
    }
}
