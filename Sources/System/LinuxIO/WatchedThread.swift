// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The thread that makes this value, for others of the process that watch it.
public struct WatchedThread: Sendable {
    private let identifier = CurrentThread.identifier
    private let clock: clockid_t

    /// The calling thread.
    public init() {
        var clock = CLOCK_MONOTONIC
        pthread_getcpuclockid(pthread_self(), &clock)
        self.clock = clock
    }

    /// The processor time that it has used, in nanoseconds. The corresponding C function is `pthread_getcpuclockid`.
    public var processorTime: UInt64 { Clock.read(clock) }

    /// Does it sleep, rather than compute or wait for a processor? False where the system does not tell.
    public var isWaiting: Bool {
        guard let bytes = try? Syscalls.readFile("/proc/self/task/\(identifier)/stat", limit: 4096),
            let end = bytes.lastIndex(of: UInt8(ascii: ")")), end + 2 < bytes.count
        else { return false }
        // "812 (kcsmuxd) S …": the name may hold anything, its end is the last parenthesis.
        return bytes[end + 2] == UInt8(ascii: "S") || bytes[end + 2] == UInt8(ascii: "D")
    }

    /// Sends it a signal. The corresponding C function is `tgkill`.
    public func signal(_ number: Int32) { _ = Signals.send(number, toThread: identifier) }
}
