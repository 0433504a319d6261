// SPDX-License-Identifier: Apache-2.0
import CLinux
import Events
import LinuxIO

/// A thread that looks after the loop's thread: it interrupts a device call that sleeps although it was promised not to,
/// finds handler calls that last longer than their channel's budget, and reports one that does not return. It sleeps while
/// no call is made.
final class Watchdog: @unchecked Sendable {
    /// A device call may take this long, in nanoseconds.
    static let deviceLimit: UInt64 = 100_000_000
    /// The signal that makes a device call return: it has no other use.
    static let interrupter = SIGURG
    /// It falls asleep after so many looks that find no call.
    private static let quietLooks = 2

    private let activity: Activity
    private let names: ChannelNames
    private let hangTimeout: UInt64
    private let culprit: (UInt64) -> Void
    private let lock = Lock()
    private var isStopping = false
    private var thread: Thread?

    /// A call as it was seen first.
    private struct Seen {
        var call: UInt64 = 0
        /// For how long it has been seen, in nanoseconds of this thread's own time.
        var lasted: UInt64 = 0
        var began: UInt64 = 0
        var processorTime: UInt64 = 0

        mutating func see(_ call: UInt64, after passed: UInt64) {
            if call == self.call { lasted += passed } else { (self.call, lasted) = (call, 0) }
        }
    }

    /// Watches the calling thread. `begin` is called first on the watchdog's thread; `culprit` is called there with the
    /// call that hangs, and does not return.
    init(
        _ activity: Activity, _ names: ChannelNames, hangTimeout: UInt64, begin: @escaping () -> Void = {},
        culprit: @escaping (UInt64) -> Void
    ) {
        self.activity = activity
        self.names = names
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
        var handler = Seen()
        var device = Seen()
        var last = Clock.monotonic
        var quiet = 0
        while !mustStop {
            let now = Clock.monotonic
            // Time in which this thread did not run either is nobody's fault: the process was stopped, or the machine.
            let passed = min(now - last, 2 * period)
            last = now
            handler.see(activity.call, after: passed)
            device.see(activity.deviceCall, after: passed)
            if handler.call != 0 { judge(&handler, now) }
            if device.call != 0 && device.lasted >= Self.deviceLimit {
                activity.thread.signal(Self.interrupter)
                device.lasted = 0
            }
            quiet = handler.call == 0 && device.call == 0 ? quiet + 1 : 0
            if quiet > Self.quietLooks {
                quiet = 0
                activity.sleepUntilActive()
                last = Clock.monotonic
            } else {
                Clock.sleep(period)
            }
        }
    }

    /// How long it sleeps between two looks, in nanoseconds.
    private var period: UInt64 {
        min(Self.deviceLimit / 4, max(min(hangTimeout / 8, names.shortestBudget), 1_000_000))
    }

    /// A busy machine that does not let the handler run is not the handler's fault: what counts against the budget is its
    /// processor time, or that it waits.
    private func judge(_ seen: inout Seen, _ now: UInt64) {
        if seen.lasted == 0 {
            (seen.began, seen.processorTime) = (now, activity.thread.processorTime)
            return
        }
        let budget = names.budget(Activity.channel(seen.call))
        if activity.thread.processorTime &- seen.processorTime >= budget {
            activity.note(seen.call, lastsSince: seen.processorTime, isWaiting: false)
        } else if seen.lasted >= budget && activity.thread.isWaiting {
            activity.note(seen.call, lastsSince: seen.began, isWaiting: true)
        }
        if seen.lasted >= hangTimeout { culprit(seen.call) }
    }
}
