// SPDX-License-Identifier: Apache-2.0
//
// The one loop that knows EINTR, and the one place that takes errno over. Every function of this module goes through here.
import CLinux

/// Makes a call that answers -1 on failure, and makes it again for as long as a signal interrupts it.
@inline(__always)
public func retryingInterrupts<Value: FixedWidthInteger>(_ call: () -> Value) -> Result<Value, Errno> {
    retryingInterrupts(if: true, call)
}

/// As `retryingInterrupts`; with `retryOnInterrupt` false, that a signal came is an error as any other.
@inline(__always)
public func retryingInterrupts<Value: FixedWidthInteger>(
    if retryOnInterrupt: Bool, _ call: () -> Value
) -> Result<Value, Errno> {
    while true {
        let value = call()
        if _fastPath(value != -1) { return .success(value) }
        let errno = Errno.current
        if errno != .interrupted || !retryOnInterrupt { return .failure(errno) }
    }
}

/// As `retryingInterrupts`, for a call whose answer says no more than that it succeeded.
@inline(__always)
func succeeding(_ call: () -> Int32) -> Result<Void, Errno> {
    retryingInterrupts(call).map { _ in () }
}

extension Result where Failure == Errno {
    /// The value; a failure is thrown as that of `operation` on `subject`.
    @inline(__always)
    public func get(_ operation: String, _ subject: String = "") throws(SystemError) -> Success {
        switch self {
        case .success(let value): return value
        case .failure(let errno): throw SystemError(errno, operation, subject)
        }
    }
}

extension Result where Failure == Errno, Success == Int32 {
    /// The open descriptor that a call answered, with an owner.
    func descriptor(_ operation: String, _ subject: String = "") throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try get(operation, subject))
    }
}

extension Result where Failure == Errno, Success == Void {
    /// Why it failed; nil when it did not.
    public var errno: Errno? {
        if case .failure(let errno) = self { return errno }
        return nil
    }
}
