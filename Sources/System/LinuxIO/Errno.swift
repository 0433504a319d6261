// SPDX-License-Identifier: Apache-2.0
import CLinux

/// An error number of the kernel, as `errno` holds it.
public struct Errno: RawRepresentable, Error, Equatable, Sendable {
    /// The number, as in `errno.h`.
    public let rawValue: Int32

    /// An error number as it is.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The calling thread's error number: valid right after a failed call only.
    public static var current: Errno { Errno(rawValue: cl_errno()) }

    /// `EPERM`
    public static let notPermitted = Errno(rawValue: EPERM)
    /// `ENOENT`
    public static let noSuchFile = Errno(rawValue: ENOENT)
    /// `EINTR`
    public static let interrupted = Errno(rawValue: EINTR)
    /// `EIO`
    public static let inputOutput = Errno(rawValue: EIO)
    /// `ENXIO`
    public static let noSuchDeviceOrAddress = Errno(rawValue: ENXIO)
    /// `EAGAIN`
    public static let wouldBlock = Errno(rawValue: EAGAIN)
    /// `EACCES`
    public static let permissionDenied = Errno(rawValue: EACCES)
    /// `EBUSY`
    public static let busy = Errno(rawValue: EBUSY)
    /// `EEXIST`
    public static let exists = Errno(rawValue: EEXIST)
    /// `ENODEV`
    public static let noDevice = Errno(rawValue: ENODEV)
    /// `EISDIR`
    public static let isDirectory = Errno(rawValue: EISDIR)
    /// `ENOTDIR`
    public static let notDirectory = Errno(rawValue: ENOTDIR)
    /// `EINVAL`
    public static let invalidArgument = Errno(rawValue: EINVAL)
    /// `ENOSPC`
    public static let noSpace = Errno(rawValue: ENOSPC)
    /// `EPIPE`
    public static let brokenPipe = Errno(rawValue: EPIPE)
    /// `ENOSYS`
    public static let notImplemented = Errno(rawValue: ENOSYS)
    /// `EOPNOTSUPP`
    public static let notSupported = Errno(rawValue: EOPNOTSUPP)
    /// `EFBIG`
    public static let tooLarge = Errno(rawValue: EFBIG)
    /// `EADDRINUSE`
    public static let addressInUse = Errno(rawValue: EADDRINUSE)
    /// `ENAMETOOLONG`
    public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
    /// `ENOTSOCK`
    public static let notSocket = Errno(rawValue: ENOTSOCK)
    /// `ENOBUFS`
    public static let noBuffers = Errno(rawValue: ENOBUFS)
    /// `EMSGSIZE`
    public static let messageTooLong = Errno(rawValue: EMSGSIZE)
    /// `ECONNRESET`
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    /// `ECONNABORTED`
    public static let connectionAborted = Errno(rawValue: ECONNABORTED)
    /// `ECANCELED`
    public static let canceled = Errno(rawValue: ECANCELED)
    /// `EDQUOT`
    public static let quotaExceeded = Errno(rawValue: EDQUOT)
    /// `ENOTCONN`
    public static let notConnected = Errno(rawValue: ENOTCONN)
    /// `ECONNREFUSED`
    public static let connectionRefused = Errno(rawValue: ECONNREFUSED)

    /// The C library's words for it, "No such file or directory".
    public var description: String { String(cString: strerror(rawValue)) }
}

/// A system call that failed: which, on what, and why.
public struct SystemError: Error, Equatable, Sendable {
    /// The kernel's reason.
    public let errno: Errno
    /// The call, "open".
    public let operation: String
    /// What it was made on: a path, or a name; may be empty.
    public let subject: String

    /// A failed call with its subject.
    public init(_ errno: Errno, _ operation: String, _ subject: String = "") {
        self.errno = errno
        self.operation = operation
        self.subject = subject
    }

    /// "open /dev/raw-kcs1: No such file or directory".
    public var description: String {
        operation + (subject.isEmpty ? "" : " " + subject) + ": " + errno.description
    }
}
