// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import HotPath
import LinuxIO

/// A thread that looks after the loop's thread: it interrupts a device call that sleeps although it was promised not to,
/// and reports a handler that does not return. It sleeps while nothing happens.
final class Watchdog: @unchecked Sendable {
    /// A device call may take this long, in nanoseconds.
    static let deviceLimit: UInt64 = 100_000_000
    /// The signal that makes a device call return: it has no other use.
    static let interrupter = SIGURG

    private let activity: Activity
    private let hangTimeout: UInt64
    private let loopThread = cl_thread_id()
    private let culprit: (UInt64) -> Void
    private let lock = Lock()
    private var isStopping = false
    private var thread: Thread?

    /// Watches the calling thread. `begin` is called first on the watchdog's thread; `culprit` is called there with the
    /// call that hangs, and does not return.
    init(
        _ activity: Activity, hangTimeout: UInt64, begin: @escaping () -> Void = {},
        culprit: @escaping (UInt64) -> Void
    ) {
        self.activity = activity
        self.hangTimeout = hangTimeout
        self.culprit = culprit
        _ = Signals.makeInterrupter(Self.interrupter)
        thread = Thread.start { [self] in
            begin()
            run()
        }
    }

    /// Ends the thread.
    func stop() {
        lock.lock()
        isStopping = true
        lock.unlock()
        activity.interrupt()
        thread?.join()
        thread = nil
    }

    private var mustStop: Bool {
        lock.lock()
        defer { lock.unlock() }
        return isStopping
    }

    private func run() {
        let period = min(Self.deviceLimit / 4, max(hangTimeout / 8, 1_000_000))
        var call: UInt64 = 0
        var callTime: UInt64 = 0
        var deviceCall: UInt64 = 0
        var deviceTime: UInt64 = 0
        var last = Clock.monotonic
        var quiet = 0
        while !mustStop {
            let now = Clock.monotonic
            // Time in which this thread did not run either is nobody's fault: the process was stopped, or the machine.
            let passed = min(now - last, 2 * period)
            last = now
            let seenCall = activity.call
            let seenDevice = activity.deviceCall
            if seenCall != call || seenCall == 0 { (call, callTime) = (seenCall, 0) } else { callTime += passed }
            if seenDevice != deviceCall || seenDevice == 0 {
                (deviceCall, deviceTime) = (seenDevice, 0)
            } else {
                deviceTime += passed
            }
            if seenCall != 0 && callTime >= hangTimeout { culprit(seenCall) }
            if seenDevice != 0 && deviceTime >= Self.deviceLimit {
                _ = cl_signal_thread(loopThread, Self.interrupter)
                deviceTime = 0
            }
            quiet = seenCall == 0 && seenDevice == 0 ? quiet + 1 : 0
            if quiet > 8 {
                quiet = 0
                activity.sleepUntilActive()
            } else {
                var time = timespec(tv_sec: 0, tv_nsec: numericCast(period))
                nanosleep(&time, nil)
            }
        }
    }
}
