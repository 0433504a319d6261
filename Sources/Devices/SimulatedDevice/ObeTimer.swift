// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Stands in for an OBE interrupt that the hardware lacks: it looks at OBF once a period, from the moment that somebody
/// wants to know. Its descriptor is ready when it looked, and when the doorbell beside it was rung.
final class ObeTimer {
    private let epoll: FileDescriptor
    private let timer: FileDescriptor
    private let period: UInt64

    init(period: UInt64, beside doorbell: Int32) throws(SystemError) {
        self.period = period
        timer = try Self.owned(
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC)), "timerfd_create")
        epoll = try Self.owned(epoll_create1(Int32(EPOLL_CLOEXEC)), "epoll_create1")
        for descriptor in [timer.raw, doorbell] {
            guard cl_epoll_control(epoll.raw, EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, 0) == 0 else {
                throw SystemError(.current, "epoll_ctl")
            }
        }
    }

    private static func owned(_ descriptor: Int32, _ call: String) throws(SystemError) -> FileDescriptor {
        guard descriptor >= 0 else { throw SystemError(.current, call) }
        return FileDescriptor(owning: descriptor)
    }

    /// Ready when the timer or the doorbell is.
    var descriptor: Int32 { epoll.raw }

    /// Starts the period, unless it runs.
    func start() {
        var now = itimerspec()
        if timerfd_gettime(timer.raw, &now) == 0 && (now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0) { return }
        var setting = itimerspec()
        setting.it_value.tv_sec = .init(truncatingIfNeeded: period / 1_000_000_000)
        setting.it_value.tv_nsec = .init(truncatingIfNeeded: period % 1_000_000_000)
        _ = timerfd_settime(timer.raw, 0, &setting, nil)
    }

    /// Did the period end?
    func takeExpiry() -> Bool {
        var expirations: UInt64 = 0
        let result = withUnsafeMutableBytes(of: &expirations) { Syscalls.read(timer.raw, into: $0) }
        if case .success(8) = result { return true }
        return false
    }
}
