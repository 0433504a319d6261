// SPDX-License-Identifier: Apache-2.0

/// What a descriptor is ready for, or is waited on for.
public struct Readiness: OptionSet, Sendable {
    /// The kernel's bits (EPOLLIN and so on).
    public let rawValue: UInt32

    /// Bits as the kernel gives them.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There is something to read (EPOLLIN).
    public static let input = Readiness(rawValue: 0x001)
    /// There is room to write (EPOLLOUT).
    public static let output = Readiness(rawValue: 0x004)
    /// An error is waiting (EPOLLERR); always told.
    public static let error = Readiness(rawValue: 0x008)
    /// The other end is gone (EPOLLHUP); always told.
    public static let hangup = Readiness(rawValue: 0x010)
    /// Either of them. (A literal of several would be an array in a build that is not optimized.)
    public static let trouble = Readiness(rawValue: 0x018)
}

/// Somebody that the loop tells when a descriptor is ready. A source watches one descriptor at a time; subclass it.
///
/// The loop holds on to a source while it is registered, and until the turn in which it was removed is over, so a
/// callback may remove its own source, or any other.
open class EventSource {
    /// Where the loop keeps this source; negative when it is not registered.
    var slot = -1
    /// Has it asked to be called in the next turn?
    var isQueued = false

    /// Is it registered with a loop?
    public final var isRegistered: Bool { slot >= 0 }

    /// A source that is not registered.
    public init() {}

    /// The descriptor is ready. `now` is CLOCK_MONOTONIC at the turn's start, in nanoseconds. Also called, with no bits
    /// set, after `EventLoop.callInNextTurn`.
    open func ready(_ events: Readiness, now: UInt64) {}
}

/// Somebody that the loop tells when a time has come. Subclass it. The loop holds on to a timer while it is set.
open class LoopTimer {
    /// Place in the queue; negative when it is not set.
    var position = -1

    /// A timer that is not set.
    public init() {}

    /// The deadline has passed. The timer is no longer set; it may be set again from here.
    open func fire(now: UInt64) {}
}
