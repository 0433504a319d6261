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

    /// Raises the limit as far as the process may; false when it cannot be.
    public func raise() -> Bool {
        var limit = rlimit()
        guard cl_get_limit(number, &limit) == 0 else { return false }
        limit.rlim_cur = limit.rlim_max
        return cl_set_limit(number, &limit) == 0
    }

    private static func value(_ limit: rlim_t) -> UInt64 { limit == rlim_t.max ? infinity : UInt64(limit) }

    private var number: Int32 {
        switch self {
        case .descriptors: return CL_LIMIT_DESCRIPTORS
        case .memoryLock: return CL_LIMIT_MEMORY_LOCK
        }
    }
}
