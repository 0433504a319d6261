// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The system's clocks, in nanoseconds.
public enum Clock {
    /// Since boot, without time asleep; what deadlines are measured in (CLOCK_MONOTONIC).
    @inline(__always)
    public static var monotonic: UInt64 { cl_clock(CLOCK_MONOTONIC) }

    /// As `monotonic`, at the tick's resolution and a third of the cost; never ahead of it.
    @inline(__always)
    public static var coarse: UInt64 { cl_clock(CLOCK_MONOTONIC_COARSE) }

    /// Since boot, time asleep included; what captures carry (CLOCK_BOOTTIME).
    @inline(__always)
    public static var boot: UInt64 { cl_clock(CLOCK_BOOTTIME) }

    /// Since 1970, UTC; may step (CLOCK_REALTIME).
    public static var real: UInt64 { cl_clock(CLOCK_REALTIME) }
}
