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
    public func join(within nanoseconds: UInt64) -> Bool { cl_join_within(handle, nanoseconds) == 0 }

    /// Lets it go: what it holds is freed when it ends, and nobody can wait for it any more.
    public func detach() { pthread_detach(handle) }
}
