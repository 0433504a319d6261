// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// A value that several threads use, one at a time: with a lock that ThreadSanitizer knows, unlike `Mutex`.
final class Guarded<Value>: @unchecked Sendable {
    private let lock = Lock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
