// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the events' memory is the caller's, for the time of one call.
import CLinux

/// A set of descriptors that are waited for together; each carries one word of its owner's. The corresponding C functions
/// are `epoll_create1`, `epoll_ctl` and `epoll_wait`.
public struct Epoll: ~Copyable {
    private let file: FileDescriptor

    /// An empty set.
    public init() throws(SystemError) {
        file = try retryingInterrupts { epoll_create1(Int32(EPOLL_CLOEXEC)) }.descriptor("epoll_create1")
    }

    /// The set's own descriptor, readable when one in it is ready.
    public var raw: Int32 { file.raw }

    /// Adds a descriptor; `events` are those of epoll_ctl(2).
    public func add(_ descriptor: Int32, _ events: UInt32, _ data: UInt64) -> Result<Void, Errno> {
        control(EPOLL_CTL_ADD, descriptor, events, data)
    }

    /// Waits for other events of a descriptor.
    public func modify(_ descriptor: Int32, _ events: UInt32, _ data: UInt64) -> Result<Void, Errno> {
        control(EPOLL_CTL_MOD, descriptor, events, data)
    }

    /// Takes a descriptor out.
    public func remove(_ descriptor: Int32) { _ = control(EPOLL_CTL_DEL, descriptor, 0, 0) }

    /// Waits so many milliseconds, negative for ever. A signal ends the wait with `EINTR`, as it may have made a timer due.
    @inline(__always)
    public func wait(_ events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32) -> Result<Int, Errno> {
        retryingInterrupts(if: false) {
            Int(epoll_wait(file.raw, events.baseAddress, Int32(events.count), milliseconds))
        }
    }

    /// Waits so many nanoseconds, negative for ever, as `wait` otherwise; `ENOSYS` before Linux 5.11.
    /// The corresponding C function is `epoll_pwait2`.
    public func wait(_ events: UnsafeMutableBufferPointer<epoll_event>, nanoseconds: Int64) -> Result<Int, Errno> {
        let count = cl_epoll_pwait2(file.raw, events.baseAddress!, Int32(events.count), nanoseconds)
        return count >= 0 ? .success(Int(count)) : .failure(Errno(rawValue: -count))
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ data: UInt64) -> Result<
        Void, Errno
    > {
        succeeding { cl_epoll_control(file.raw, operation, descriptor, events, data) }
    }
}

extension epoll_event {
    /// The word that was given with the descriptor: a union in C.
    @inline(__always)
    public var word: UInt64 {
        var event = self
        return cl_epoll_data(&event)
    }
}
