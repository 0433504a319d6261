// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a closure crosses into the new thread as an opaque pointer, retained once and released there.
import CLinux

/// A thread of this process, with every signal blocked: signals are the loop's business.
public struct Thread {
    private let handle: pthread_t

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Starts a thread; nil when the system has no more to give.
    public static func start(_ body: @escaping () -> Void) -> Thread? {
        var handle = pthread_t()
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        let result = pthread_create(
            &handle, nil,
            { argument in
                Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, argument)
        pthread_sigmask(SIG_SETMASK, &before, nil)
        guard result == 0 else {
            Unmanaged<Body>.fromOpaque(argument).release()
            return nil
        }
        return Thread(handle: handle)
    }

    /// Waits for its end.
    public func join() { pthread_join(handle, nil) }

    /// Waits for its end, at most so many nanoseconds. False: it still runs, and may be waited for again.
    /// The corresponding C function is `pthread_timedjoin_np`, which counts by the wall clock.
    public func join(within nanoseconds: UInt64) -> Bool {
        var end = timespec(nanoseconds: Clock.real &+ nanoseconds)
        return pthread_timedjoin_np(handle, nil, &end) == 0
    }

    /// Lets it go: what it holds is freed when it ends, and nobody can wait for it any more.
    public func detach() { pthread_detach(handle) }
}

/// The thread that asks.
public enum CurrentThread {
    /// A number of its own for as long as it lives, for an instruction.
    @inline(__always)
    public static var key: UInt { cl_thread() }

    /// The kernel's number of it. The corresponding C function is `gettid`.
    public static var identifier: Int32 { cl_thread_id() }

    /// Lets another thread that is ready run first. The corresponding C function is `sched_yield`.
    public static func yield() { _ = sched_yield() }

    /// Lets timers of this thread be so many nanoseconds late; the kernel's default is 50 us.
    /// The corresponding C function is `prctl(PR_SET_TIMERSLACK)`.
    public static func setTimerSlack(_ nanoseconds: UInt) { _ = cl_prctl(PR_SET_TIMERSLACK, nanoseconds) }
}
