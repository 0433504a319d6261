// SPDX-License-Identifier: Apache-2.0

/// How a channel waits for a device that cannot be opened. Times are CLOCK_MONOTONIC in nanoseconds.
struct DeviceWait {
    /// Between two attempts, while its absence is normal.
    private static let early: UInt64 = 250_000_000
    /// Afterwards.
    private static let late: UInt64 = 5_000_000_000
    /// After EBUSY of the kernel's own.
    private static let kernelBusy: UInt64 = 30_000_000_000

    private var began: UInt64 = 0
    private var attempts: UInt64 = 0
    private var hasWarned = false
    private var nextOpen: UInt64 = 0

    /// A wait begins.
    mutating func begin(_ now: UInt64) {
        began = now
        attempts = 0
    }

    /// Has nothing been tried in this wait?
    var isFirst: Bool { attempts == 0 }

    /// Has the kernel had its time since it said EBUSY?
    func mayOpen(_ now: UInt64) -> Bool { now >= nextOpen }

    /// The kernel said EBUSY.
    mutating func noteKernelsWord(_ now: UInt64) { nextOpen = now + Self.kernelBusy }

    /// Somebody wants it opened nevertheless.
    mutating func forgetKernelsWord() { nextOpen = 0 }

    /// Is it worth a warning, which it is once?
    mutating func isOverdue(_ now: UInt64, after limit: UInt64) -> Bool {
        guard !hasWarned, now &- began > limit else { return false }
        hasWarned = true
        return true
    }

    /// When the next attempt is due.
    mutating func nextAttempt(_ now: UInt64) -> UInt64 {
        attempts += 1
        return now + (hasWarned ? Self.late : Self.early)
    }

    /// The device was opened.
    mutating func succeed() {
        hasWarned = false
        nextOpen = 0
    }
}
