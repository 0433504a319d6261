// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: words that the loop's thread writes with plain atomic stores and the watchdog reads, so that saying "I am in
// this call" costs a store and a load.
import CLinux

/// Which handler call, or device call, the loop's thread is in. The watchdog looks at it; it never measures time itself.
final class Activity: @unchecked Sendable {
    /// What a handler is being called for.
    enum Callback: UInt64 {
        case create = 1
        case start, stop, destroy, data, inputReady, outputReady, message, reset, stats, timer, watch, post, result

        /// The descriptor's name for it.
        var name: String { "\(literal)" }

        /// The same, as a constant that a dying process can still read.
        @inline(__always)
        var literal: StaticString {
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

    /// The words of `ActivityMarks`.
    private let words: UnsafeMutablePointer<UInt64>
    private let sleeper = CallSleeper()
    /// What the loop's thread writes them with; for as long as this object lives.
    let marks: ActivityMarks

    init() {
        words = .allocate(capacity: 8)
        words.initialize(repeating: 0, count: 8)
        marks = ActivityMarks(words: words, sleeper: .passUnretained(sleeper))
    }

    deinit { words.deallocate() }

    // MARK: The watchdog's thread

    /// The handler call under way, or 0.
    var call: UInt64 { cl_load64(words) }
    /// The device call under way, or 0.
    var deviceCall: UInt64 {
        let count = cl_load64(words + 1)
        return count & 1 == 0 ? 0 : count
    }

    /// Sleeps until the loop's thread makes another call, or `interrupt` is called.
    func sleepUntilActive() {
        cl_store64(words + 2, 1)
        // The loop's thread stores its call, then loads this flag, with no fence between: the barrier here is for both.
        // Where the kernel has none, this thread only ever dozes.
        guard cl_barrier_all_threads() == 0 else {
            var doze = timespec(tv_sec: 0, tv_nsec: 250_000_000)
            nanosleep(&doze, nil)
            return cl_store64(words + 2, 0)
        }
        if call == 0 && deviceCall == 0 { sleeper.sleep { cl_load64(words + 2) != 0 } }
        cl_store64(words + 2, 0)
    }

    /// Ends `sleepUntilActive`.
    func interrupt() { marks.wake() }

    /// The channel's number in a call.
    static func channel(_ call: UInt64) -> Int { Int(call >> 8 & 0xFFFF) }
    /// The callback in a call.
    static func callback(_ call: UInt64) -> Callback? { Callback(rawValue: call & 0xFF) }
}

/// The loop's thread's side: a value, so that a mark costs its stores and nothing else.
struct ActivityMarks {
    /// [0] the call: sequence, channel and callback, or 0. [1] how often a device call began or ended: odd while one is
    /// under way. [2] the watchdog sleeps. [3] the sequence, in place.
    fileprivate let words: UnsafeMutablePointer<UInt64>
    fileprivate let sleeper: Unmanaged<CallSleeper>

    /// A handler is about to be called.
    @inline(__always)
    func enter(channel: Int, _ callback: Activity.Callback) {
        words[3] &+= 1 << 24
        cl_store64_relaxed(words, words[3] | UInt64(channel & 0xFFFF) << 8 | callback.rawValue)
        if cl_load64_relaxed(words + 2) != 0 { wake() }
    }

    /// It has returned.
    @inline(__always)
    func leave() { cl_store64_relaxed(words, 0) }

    /// A device call is about to be made.
    @inline(__always)
    func enterDevice() {
        leaveDevice()
        if cl_load64_relaxed(words + 2) != 0 { wake() }
    }

    /// It has returned.
    @inline(__always)
    func leaveDevice() { cl_store64_relaxed(words + 1, cl_load64_relaxed(words + 1) &+ 1) }

    @inline(never)
    fileprivate func wake() { sleeper._withUnsafeGuaranteedRef { $0.wake { cl_store64(words + 2, 0) } } }
}
