// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What the kernel grants this process of something. The corresponding C functions are `getrlimit` and `setrlimit`.
public enum ResourceLimit {
    /// Descriptors.
    case descriptors
    /// Bytes locked in memory.
    case memoryLock

    /// No limit.
    public static let infinity = UInt64.max

    /// The limit that counts, and the one up to which the process may raise it; nil when they cannot be read.
    public var value: (current: UInt64, maximum: UInt64)? {
        var limit = rlimit()
        guard cl_get_limit(number, &limit) == 0 else { return nil }
        return (Self.value(limit.rlim_cur), Self.value(limit.rlim_max))
    }

    /// Raises the limit that counts as far as the process may. What it was; nil when it cannot be raised.
    public func raise() -> UInt64? {
        var limit = rlimit()
        guard cl_get_limit(number, &limit) == 0 else { return nil }
        let before = Self.value(limit.rlim_cur)
        limit.rlim_cur = limit.rlim_max
        return cl_set_limit(0, number, &limit) == 0 ? before : nil
    }

    /// Sets the limit that counts of a child of this process. The corresponding C function is `prlimit`.
    public func set(_ value: UInt64, of process: Int32) {
        var limit = rlimit()
        guard cl_get_limit(number, &limit) == 0 else { return }
        limit.rlim_cur = value == Self.infinity ? rlim_t.max : rlim_t(clamping: value)
        _ = cl_set_limit(process, number, &limit)
    }

    private static func value(_ limit: rlim_t) -> UInt64 { limit == rlim_t.max ? infinity : UInt64(limit) }

    private var number: Int32 {
        switch self {
        case .descriptors: return CL_LIMIT_DESCRIPTORS
        case .memoryLock: return CL_LIMIT_MEMORY_LOCK
        }
    }
}
