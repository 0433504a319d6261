// SPDX-License-Identifier: Apache-2.0
//
// What descriptors are beside what they lead to: flags, copies, readiness, and those that the kernel makes for waiting.
import CLinux

/// Properties of open descriptors.
public enum Descriptors {
    /// Is this number an open descriptor of the process?
    public static func isOpen(_ descriptor: Int32) -> Bool { cl_fcntl(descriptor, F_GETFD, 0) >= 0 }

    /// Keeps a descriptor from programs that this process starts, which one that was inherited is not.
    /// The corresponding C function is `fcntl(F_SETFD)`.
    public static func closeOnExec(_ descriptor: Int32) -> Result<Void, Errno> {
        succeeding { cl_fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }

    /// Makes calls on the open file answer `EAGAIN` where they would wait; whoever shares it is affected.
    /// The corresponding C function is `fcntl(F_SETFL)`.
    public static func setNonBlocking(_ descriptor: Int32) -> Result<Void, Errno> {
        switch retryingInterrupts({ cl_fcntl(descriptor, F_GETFL, 0) }) {
        case .failure(let errno): return .failure(errno)
        case .success(let flags): return succeeding { cl_fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
        }
    }

    /// A second descriptor of the same open file, close-on-exec, with a number of at least `least`.
    /// The corresponding C function is `fcntl(F_DUPFD_CLOEXEC)`.
    public static func duplicate(_ descriptor: Int32, least: Int32 = 0) throws(SystemError) -> FileDescriptor {
        try retryingInterrupts { cl_fcntl(descriptor, F_DUPFD_CLOEXEC, least) }.descriptor("fcntl")
    }

    /// Does a person look at it? The corresponding C function is `isatty`.
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Both ends of a new pipe, close-on-exec: what is written to the second comes out of the first.
    /// The corresponding C function is `pipe2`.
    public static func pipe() throws(SystemError) -> (input: Int32, output: Int32) {
        var ends: [Int32] = [-1, -1]
        try succeeding { pipe2(&ends, O_CLOEXEC) }.get("pipe2")
        return (ends[0], ends[1])
    }

    /// A count that wakes who waits for it, close-on-exec and not blocking. The corresponding C function is `eventfd`.
    public static func event() throws(SystemError) -> FileDescriptor {
        try retryingInterrupts { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }.descriptor("eventfd")
    }

    /// Readable when a process ends; nil before Linux 5.3. The corresponding C function is `pidfd_open`.
    public static func process(_ process: Int32) throws(SystemError) -> FileDescriptor {
        try retryingInterrupts { cl_process_descriptor(process) }.descriptor("pidfd_open")
    }
}

/// Waiting for a few descriptors, or looking at them. The corresponding C function is `poll`.
public enum Poll {
    /// Which of `requests` are ready, waited for until `deadline` (`Clock.monotonic`; nil: for ever) however many signals
    /// come. How many; `revents` says for what.
    public static func wait(_ requests: inout [pollfd], until deadline: UInt64?) -> Int {
        while true {
            let now = Clock.monotonic
            let left = deadline.map { Int32(clamping: $0 > now ? ($0 - now) / 1_000_000 + 1 : 0) } ?? -1
            let count = poll(&requests, nfds_t(requests.count), left)
            if count > 0 { return Int(count) }
            if count == 0, let deadline, Clock.monotonic >= deadline { return 0 }
            if count < 0, Errno.current != .interrupted { return 0 }
        }
    }

    /// Is there something to read, now or before the deadline? The end of what there is to read counts.
    public static func isReadable(_ descriptor: Int32, until deadline: UInt64 = 0) -> Bool {
        isReady(descriptor, Int16(POLLIN), until: deadline)
    }

    /// Would a write be taken at this moment?
    public static func isWritable(_ descriptor: Int32) -> Bool { isReady(descriptor, Int16(POLLOUT), until: 0) }

    /// As `isReadable`, for at most so many nanoseconds; a signal may end the wait. The corresponding C function is `ppoll`.
    public static func isReadable(_ descriptor: Int32, within nanoseconds: UInt64) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var timeout = timespec(
            tv_sec: .init(truncatingIfNeeded: nanoseconds / 1_000_000_000),
            tv_nsec: .init(truncatingIfNeeded: nanoseconds % 1_000_000_000))
        return ppoll(&request, 1, &timeout, nil) > 0
    }

    private static func isReady(_ descriptor: Int32, _ events: Int16, until deadline: UInt64) -> Bool {
        var requests = [pollfd(fd: descriptor, events: events, revents: 0)]
        return wait(&requests, until: deadline) > 0
    }
}

/// A timer as a descriptor, readable when its time has come. The corresponding C functions are `timerfd_create` and so on.
public struct TimerDescriptor: ~Copyable {
    private let file: FileDescriptor

    /// A timer that is not set, not blocking.
    public init() throws(SystemError) {
        file = try retryingInterrupts {
            timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
        }.descriptor("timerfd_create")
    }

    /// The number to wait on.
    public var raw: Int32 { file.raw }

    /// Rings once, in so many nanoseconds; 0 for never.
    public func set(_ nanoseconds: UInt64) {
        var setting = itimerspec()
        setting.it_value = timespec(nanoseconds: nanoseconds)
        _ = timerfd_settime(file.raw, 0, &setting, nil)
    }

    /// Is it set, and has not rung?
    public var isSet: Bool {
        var now = itimerspec()
        return timerfd_gettime(file.raw, &now) == 0 && (now.it_value.tv_sec != 0 || now.it_value.tv_nsec != 0)
    }

    /// Did it ring since the last time?
    public func takeExpiry() -> Bool {
        var expirations: UInt64 = 0
        let result = withUnsafeMutableBytes(of: &expirations) { Syscalls.read(file.raw, into: $0) }
        if case .success(8) = result { return true }
        return false
    }
}
