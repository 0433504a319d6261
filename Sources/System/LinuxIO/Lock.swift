// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: POSIX objects must not move, so each sits in memory of its own.
import CLinux

/// A mutex with a condition, between threads of this process.
public final class Lock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// An unlocked lock.
    public init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    /// Takes it, waiting for another thread to let go.
    public func lock() { pthread_mutex_lock(mutex) }
    /// Lets go.
    public func unlock() { pthread_mutex_unlock(mutex) }
    /// With the lock held: lets go until somebody calls `wake`, then takes it again.
    public func wait() { pthread_cond_wait(condition, mutex) }
    /// Wakes every thread in `wait`.
    public func wake() { pthread_cond_broadcast(condition) }
}
