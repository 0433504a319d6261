// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// The recorders' clock, CLOCK_BOOTTIME, made from the loop's CLOCK_MONOTONIC without a call of the system: the two differ
/// by the time that the machine was suspended. A timer that the kernel cancels when the wall clock is set, or the machine
/// wakes up (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), tells when to look again.
final class RecordClock: EventSource {
    private var offset: UInt64
    private let timer: Int32
    /// Called when the wall clock was set, or the machine was suspended.
    var stepped: () -> Void = {}

    /// A clock that notices no step yet.
    override init() {
        offset = Clock.boot &- Clock.monotonic
        timer = timerfd_create(CLOCK_REALTIME, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
        super.init()
    }

    deinit { if timer >= 0 { close(timer) } }

    /// CLOCK_BOOTTIME for a time of CLOCK_MONOTONIC, both in nanoseconds.
    func time(_ monotonic: UInt64) -> UInt64 { monotonic &+ offset }

    /// Begins to notice steps. A system that has no such timer is one that is never suspended.
    func listen(_ loop: EventLoop) {
        guard timer >= 0, arm() else { return }
        do throws(SystemError) { try loop.add(self, descriptor: timer, interest: .input) } catch { return }
    }

    private func arm() -> Bool {
        var time = itimerspec()
        time.it_value.tv_sec = .max
        return timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME) | Int32(TFD_TIMER_CANCEL_ON_SET), &time, nil) == 0
    }

    override func ready(_ readiness: Readiness, now: UInt64) {
        var count: UInt64 = 0
        withUnsafeMutableBytes(of: &count) { _ = Syscalls.read(timer, into: $0) }
        _ = arm()
        offset = Clock.boot &- Clock.monotonic
        stepped()
    }
}

extension Int64 {
    /// CLOCK_REALTIME minus CLOCK_BOOTTIME, as recorders are told.
    static var wallOffset: Int64 { Int64(bitPattern: Clock.real &- Clock.boot) }
}
