// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Stands in for an OBE interrupt that the hardware lacks: it looks at OBF once a period, from the moment that somebody
/// wants to know. Its descriptor is ready when it looked, and when the doorbell beside it was rung.
final class ObeTimer {
    private let epoll: Epoll
    private let timer: TimerDescriptor
    private let period: UInt64

    init(period: UInt64, beside doorbell: Int32) throws(SystemError) {
        self.period = period
        timer = try TimerDescriptor()
        epoll = try Epoll()
        try epoll.add(timer.raw, EPOLLIN.rawValue, 0).get("epoll_ctl")
        try epoll.add(doorbell, EPOLLIN.rawValue, 0).get("epoll_ctl")
    }

    /// Ready when the timer or the doorbell is.
    var descriptor: Int32 { epoll.raw }

    /// Starts the period, unless it runs.
    func start() {
        if !timer.isSet { timer.set(period) }
    }

    /// Did the period end?
    func takeExpiry() -> Bool { timer.takeExpiry() }
}
