// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The system's clocks, in nanoseconds. The corresponding C function is `clock_gettime`.
public enum Clock {
    /// Since boot, without time asleep; what deadlines are measured in (CLOCK_MONOTONIC).
    @inline(__always)
    public static var monotonic: UInt64 { read(CLOCK_MONOTONIC) }

    /// As `monotonic`, at the tick's resolution and a third of the cost; never ahead of it.
    @inline(__always)
    public static var coarse: UInt64 { read(CLOCK_MONOTONIC_COARSE) }

    /// Since boot, time asleep included; what captures carry (CLOCK_BOOTTIME).
    @inline(__always)
    public static var boot: UInt64 { read(CLOCK_BOOTTIME) }

    /// Since 1970, UTC; may step (CLOCK_REALTIME).
    public static var real: UInt64 { read(CLOCK_REALTIME) }

    /// Sleeps for so many nanoseconds, whatever signals come meanwhile.
    /// The corresponding C function is `clock_nanosleep`.
    public static func sleep(_ nanoseconds: UInt64) { sleep(until: monotonic &+ nanoseconds) }

    /// Sleeps until `monotonic` is at `deadline`.
    public static func sleep(until deadline: UInt64) {
        var time = timespec(nanoseconds: deadline)
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    @usableFromInline
    static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        _ = clock_gettime(clock, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}

extension timespec {
    /// So many nanoseconds.
    init(nanoseconds: UInt64) {
        self.init()
        tv_sec = .init(truncatingIfNeeded: nanoseconds / 1_000_000_000)
        tv_nsec = .init(truncatingIfNeeded: nanoseconds % 1_000_000_000)
    }
}
