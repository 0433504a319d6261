// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Locks on whole files, which end with the open file, however its process ends.
public enum FileLock {
    /// Takes the lock that flock(2) knows, without waiting; `EAGAIN` when another open file has it.
    /// The corresponding C function is `flock`.
    public static func take(_ descriptor: Int32) -> Result<Void, Errno> {
        succeeding { cl_flock(descriptor, LOCK_EX | LOCK_NB) }
    }

    /// Takes a lock of the other kind, which others can ask for without taking it; `EAGAIN` or `EACCES` when it is held.
    /// The corresponding C function is `fcntl(F_OFD_SETLK)`.
    public static func takeVisible(_ descriptor: Int32) -> Result<Void, Errno> {
        succeeding { cl_lock_file(descriptor) }
    }

    /// Lets go of a visible lock.
    public static func dropVisible(_ descriptor: Int32) { _ = cl_unlock_file(descriptor) }

    /// Does another open file hold the visible lock? Nil when that cannot be told.
    /// The corresponding C function is `fcntl(F_OFD_GETLK)`.
    public static func isHeld(_ descriptor: Int32) -> Bool? {
        let answer = cl_file_is_locked(descriptor)
        return answer < 0 ? nil : answer != 0
    }
}
