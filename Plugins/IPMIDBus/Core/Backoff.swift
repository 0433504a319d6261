// SPDX-License-Identifier: Apache-2.0

/// When to try again what failed: soon, and each time twice as late, until it worked.
public struct Backoff: Sendable {
    private let shortest: UInt64
    private let longest: UInt64
    private var next: UInt64

    /// Waits from `shortest` to `longest`, in nanoseconds.
    public init(_ shortest: UInt64, _ longest: UInt64) {
        self.shortest = shortest
        self.longest = longest
        next = shortest
    }

    /// It failed: how long to wait.
    public mutating func failed() -> UInt64 {
        let wait = next
        next = min(2 * next, longest)
        return wait
    }

    /// It worked.
    public mutating func worked() { next = shortest }
}
