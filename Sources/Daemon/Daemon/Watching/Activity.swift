// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: words that the loop's thread writes and the watchdog's thread reads, each with one atomic access.
import CLinux
import Events
import LinuxIO

/// What a handler is being called for.
enum Callback: UInt64 {
    /// `create` of the plugin's descriptor; the others likewise.
    case create = 1
    case start, stop, destroy, data, inputReady, outputReady, message, reset, stats
    /// A function that the handler gave to one of the host's services.
    case timer, watch, post, result

    /// The descriptor's name for it: a constant that a dying process can still read.
    var name: StaticString {
        switch self {
        case .create: return "create"
        case .start: return "start"
        case .stop: return "stop"
        case .destroy: return "destroy"
        case .data: return "data"
        case .inputReady: return "input_ready"
        case .outputReady: return "output_ready"
        case .message: return "message"
        case .reset: return "reset"
        case .stats: return "stats"
        case .timer: return "a timer"
        case .watch: return "a watch"
        case .post: return "a post"
        case .result: return "a service's result"
        }
    }
}

/// Which handler call, or device call, the loop's thread is in. That thread says so with two stores and a load, and never
/// reads a clock for it; the watchdog's thread looks, and measures. Sendable because every word is accessed atomically.
final class Activity: @unchecked Sendable {
    /// A call that the watchdog has found to last.
    struct Overrun {
        /// How long it took, in nanoseconds, as far as the watchdog saw it.
        let took: UInt64
        /// Did it wait for something, rather than compute?
        let isWaiting: Bool
    }

    /// [0] the call: sequence, channel and callback, or 0. [1] how often a device call began or ended: odd while one is
    /// under way. [2] the watchdog sleeps. [3] the call that was found to last, [4] when it was first seen, in the clock of
    /// [5]: 0 the loop thread's processor time, 1 CLOCK_MONOTONIC.
    private let words: UnsafeMutablePointer<UInt64>
    /// Who owns the words, where another process can see them.
    private let shared: SharedActivity?
    private let sleep = Lock()
    private var sequence: UInt64 = 0
    /// The thread that handlers are called on: the one that makes this object.
    let thread = WatchedThread()

    private static let step: UInt64 = 1 << 24

    /// Nothing runs.
    init(_ shared: SharedActivity? = nil) {
        self.shared = shared
        words = shared?.base ?? .allocate(capacity: 6)
        words.initialize(repeating: 0, count: 6)
    }

    deinit { if shared == nil { words.deallocate() } }

    // MARK: The loop's thread

    /// A handler is about to be called.
    func enter(channel: Int, _ callback: Callback) {
        sequence &+= Self.step
        cl_store64(words, sequence | UInt64(channel & 0xFFFF) << 8 | callback.rawValue)
        if cl_load64(words + 2) != 0 { interrupt() }
    }

    /// It has returned. The answer is what the watchdog has found of it.
    func leave() -> Overrun? {
        let call = words[0]
        cl_store64(words, 0)
        guard cl_load64(words + 3) == call else { return nil }
        let isWaiting = cl_load64(words + 5) != 0
        let now = isWaiting ? Clock.monotonic : thread.processorTime
        return Overrun(took: now &- cl_load64(words + 4), isWaiting: isWaiting)
    }

    /// A device call that could sleep is about to be made.
    func enterDevice() {
        cl_store64(words + 1, words[1] &+ 1)
        if cl_load64(words + 2) != 0 { interrupt() }
    }

    /// It has returned.
    func leaveDevice() { cl_store64(words + 1, words[1] &+ 1) }

    // MARK: The watchdog's thread

    /// The handler call under way, or 0.
    var call: UInt64 { cl_load64(words) }
    /// The device call under way, or 0.
    var deviceCall: UInt64 {
        let count = cl_load64(words + 1)
        return count & 1 == 0 ? 0 : count
    }

    /// That call lasts, since a time of the loop thread's processor clock, or, if it is waiting, of CLOCK_MONOTONIC.
    func note(_ call: UInt64, lastsSince time: UInt64, isWaiting: Bool) {
        cl_store64(words + 4, time)
        cl_store64(words + 5, isWaiting ? 1 : 0)
        cl_store64(words + 3, call)
    }

    /// Sleeps until the loop's thread makes a call, or `interrupt` is called. (That thread stores its call and then loads
    /// the flag, this one stores the flag and then loads the call: one of them sees the other.)
    func sleepUntilActive() {
        sleep.lock()
        cl_store64(words + 2, 1)
        if call == 0 && deviceCall == 0 {
            while cl_load64(words + 2) != 0 { sleep.wait() }
        }
        cl_store64(words + 2, 0)
        sleep.unlock()
    }

    /// Ends `sleepUntilActive`.
    func interrupt() {
        sleep.lock()
        cl_store64(words + 2, 0)
        sleep.wake()
        sleep.unlock()
    }

    /// The channel's number in a call.
    static func channel(_ call: UInt64) -> Int { Int(call >> 8 & 0xFFFF) }
    /// The callback in a call.
    static func callback(_ call: UInt64) -> Callback? { Callback(rawValue: call & 0xFF) }
}
