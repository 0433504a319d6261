// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// The memory of handlers' channels after `destroy`. A plugin may call with the pointer of one nevertheless: later, or on a
/// thread that has not noticed yet, and such a call must find what refuses it rather than somebody else's memory. So the
/// last 256 stay.
///
/// Sendable because every access holds the lock.
final class RetiredChannels: @unchecked Sendable {
    /// Those of this process.
    static let all = RetiredChannels()

    private static let capacity = 256

    private let lock = Lock()
    /// What frees each of them.
    private var kept: [() -> Void] = []
    /// Where the oldest one is, once there are `capacity`.
    private var oldest = 0

    /// Has `free` called once as many others were retired.
    func keep(_ free: @escaping () -> Void) {
        lock.lock()
        defer { lock.unlock() }
        if kept.count < Self.capacity { return kept.append(free) }
        kept[oldest]()
        kept[oldest] = free
        oldest = (oldest + 1) % Self.capacity
    }
}
