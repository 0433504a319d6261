// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: words that the loop's thread writes with plain atomic stores and the watchdog reads, so that saying "I am in
// this call" costs a store and a load.
import CLinux
import LinuxIO

/// Which handler call, or device call, the loop's thread is in. The watchdog looks at it; it never measures time itself.
public final class Activity: @unchecked Sendable {
    /// What a handler is being called for.
    public enum Callback: UInt64 {
        /// `create` of the plugin's descriptor; the others likewise.
        case create = 1
        case start, stop, destroy, data, inputReady, outputReady, message, reset, stats
        /// A function that the handler gave to one of kcsmuxd's services.
        case timer, watch, post, result

        /// The descriptor's name for it.
        public var name: String { "\(literal)" }

        /// The same, as a constant that a dying process can still read.
        @inline(__always)
        public var literal: StaticString {
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
    public let marks: ActivityMarks

    /// Nothing runs.
    public init() {
        words = .allocate(capacity: 8)
        words.initialize(repeating: 0, count: 8)
        words[4] = UInt64(UInt(bitPattern: Unmanaged.passUnretained(sleeper).toOpaque()))
        marks = ActivityMarks(words: words)
    }

    deinit { words.deallocate() }

    // MARK: The watchdog's thread

    /// The handler call under way, or 0.
    public var call: UInt64 { cl_load64(words) }
    /// The device call under way, or 0.
    public var deviceCall: UInt64 {
        let count = cl_load64(words + 1)
        return count & 1 == 0 ? 0 : count
    }

    /// Sleeps until the loop's thread makes another call, or `interrupt` is called.
    public func sleepUntilActive() {
        cl_store64(words + 2, 1)
        // The loop's thread stores its call, then loads this flag, with no fence between: the barrier here is for both.
        // Where the kernel has none, this thread only ever dozes.
        guard cl_barrier_all_threads() == 0 else {
            var doze = timespec(tv_sec: 0, tv_nsec: 250_000_000)
            nanosleep(&doze, nil)
            return cl_store64(words + 2, 0)
        }
        // A handler's call begins before the device's call ends, so this order finds one of them, if what was stored first
        // is seen first: hence the second barrier.
        if deviceCall == 0 && cl_barrier_all_threads() == 0 && call == 0 {
            sleeper.sleep { cl_load64(words + 2) != 0 }
        }
        cl_store64(words + 2, 0)
    }

    /// Ends `sleepUntilActive`.
    public func interrupt() { marks.wake() }

    /// The channel's number in a call.
    public static func channel(_ call: UInt64) -> Int { Int(call >> 8 & 0xFFFF) }
    /// The callback in a call.
    public static func callback(_ call: UInt64) -> Callback? { Callback(rawValue: call & 0xFF) }
}

/// The loop's thread's side: a value, so that a mark costs its stores and nothing else.
public struct ActivityMarks {
    /// [0] the call: sequence, channel and callback, or 0. [1] how often a device call began or ended: odd while one is
    /// under way. [2] the watchdog sleeps. [3] the sequence, in place. [4] where it sleeps.
    fileprivate let words: UnsafeMutablePointer<UInt64>

    /// What is added to a call's number for the next one of that channel and callback.
    static let step: UInt64 = 1 << 24

    /// The number of a call. `sequence` leaves the lower 24 bits free.
    static func call(sequence: UInt64, channel: Int, _ callback: Activity.Callback) -> UInt64 {
        sequence | UInt64(channel & 0xFFFF) << 8 | callback.rawValue
    }

    /// A handler is about to be called.
    @inline(__always)
    public func enter(channel: Int, _ callback: Activity.Callback) {
        words[3] &+= Self.step
        cl_store64_relaxed(words, Self.call(sequence: words[3], channel: channel, callback))
        if cl_load64_relaxed(words + 2) != 0 { wake() }
    }

    /// It has returned.
    @inline(__always)
    public func leave() { cl_store64_relaxed(words, 0) }

    /// A device call is about to be made.
    @inline(__always)
    public func enterDevice() {
        leaveDevice()
        if cl_load64_relaxed(words + 2) != 0 { wake() }
    }

    /// A device call is about to be made, and `wake` has to be called first if the answer is false.
    @inline(__always)
    func enterDeviceAwake() -> Bool {
        leaveDevice()
        return cl_load64_relaxed(words + 2) == 0
    }

    /// It has returned.
    @inline(__always)
    public func leaveDevice() { cl_store64_relaxed(words + 1, cl_load64_relaxed(words + 1) &+ 1) }

    /// A device call has returned, and a handler's call begins: the watchdog is awake.
    @inline(__always)
    func enterFromDevice(_ call: UInt64) {
        cl_store64_relaxed(words, call)
        leaveDevice()
    }

    /// A device call is about to be made in a handler's call: the watchdog is awake.
    @inline(__always)
    func enterDeviceInCall() { leaveDevice() }

    @inline(never)
    func wake() {
        let sleeper = Unmanaged<CallSleeper>.fromOpaque(
            UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: words[4])).unsafelyUnwrapped)
        sleeper._withUnsafeGuaranteedRef { $0.wake { cl_store64(words + 2, 0) } }
    }
}

/// One thread sleeps, another wakes it.
private final class CallSleeper: @unchecked Sendable {
    private let lock = Lock()

    func sleep(while condition: () -> Bool) {
        lock.lock()
        while condition() { lock.wait() }
        lock.unlock()
    }

    /// Changes what the sleeper waits for, and wakes it.
    func wake(_ change: () -> Void) {
        lock.lock()
        change()
        lock.wake()
        lock.unlock()
    }
}
