// SPDX-License-Identifier: Apache-2.0
import PluginHost

/// A handler's timers, on the trial's own clock.
struct TrialTimers {
    private var timers: [Timer] = []

    struct Timer {
        let handle: UInt32
        let context: UnsafeMutableRawPointer?
        let fire: HandlerInstance.TimerCallback
        /// In nanoseconds; 0 for never.
        var deadline: UInt64 = 0
    }

    /// False: there are as many as kcsmuxd allows.
    mutating func open(_ timer: Timer) -> Bool {
        guard timers.count < 256 else { return false }
        timers.append(timer)
        return true
    }

    /// False: there is no such timer.
    mutating func set(_ handle: UInt32, _ deadline: UInt64) -> Bool {
        guard let index = timers.firstIndex(where: { $0.handle == handle }) else { return false }
        timers[index].deadline = deadline
        return true
    }

    /// False: there is no such timer.
    mutating func close(_ handle: UInt32) -> Bool {
        guard let index = timers.firstIndex(where: { $0.handle == handle }) else { return false }
        timers.remove(at: index)
        return true
    }

    mutating func closeAll() { timers = [] }

    /// The timer that is due first, at `limit` at the latest; it is set no more.
    mutating func takeDue(by limit: UInt64) -> Timer? {
        let set = timers.indices.filter { timers[$0].deadline > 0 && timers[$0].deadline <= limit }
        guard let first = set.min(by: { timers[$0].deadline < timers[$1].deadline }) else { return nil }
        defer { timers[first].deadline = 0 }
        return timers[first]
    }
}
