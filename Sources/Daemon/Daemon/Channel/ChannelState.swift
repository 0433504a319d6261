// SPDX-License-Identifier: Apache-2.0

/// Where a channel is in its life. Times are CLOCK_MONOTONIC in nanoseconds.
public enum ChannelState: Equatable {
    /// Not wanted: disabled in the file, or stopped by the operator.
    case stopped
    /// Its plugins or options do not allow it to run.
    case refused(String)
    /// Its device is not to be had yet.
    case waiting(String)
    /// Its device is open, and its process is on its way.
    case starting
    /// Its device is open and its handlers run.
    case running
    /// It failed, and starts again at a time.
    case backingOff(until: UInt64, String)
    /// It failed, and its policy, or its handler, says that it stays so.
    case failed(String)

    /// One word.
    public var name: String {
        switch self {
        case .stopped: return "stopped"
        case .refused: return "refused"
        case .waiting: return "waiting"
        case .starting: return "starting"
        case .running: return "running"
        case .backingOff: return "restarting"
        case .failed: return "failed"
        }
    }

    /// Why, where there is a reason to tell.
    public var reason: String? {
        switch self {
        case .stopped, .starting, .running: return nil
        case .refused(let text), .waiting(let text), .backingOff(_, let text), .failed(let text): return text
        }
    }
}

/// What a channel has counted since the daemon started.
public struct ChannelCounters {
    /// Bytes read from IDR.
    public var bytesIn: UInt64 = 0
    /// Bytes written to ODR.
    public var bytesOut: UInt64 = 0
    /// Bytes that were there at open, and thrown away.
    public var stale: UInt64 = 0
    /// The host CPU's bytes that no handler was there for.
    public var dropped: UInt64 = 0
    /// Register accesses of handlers that were refused because OBF was set.
    public var refused: UInt64 = 0
    /// Bytes of the BMC discarded by *replace* before the host CPU read them.
    public var replaced: UInt64 = 0
    /// Times that the host CPU left a byte in ODR for longer than a second while another waited.
    public var obfStalls: UInt64 = 0
    /// Starts after a failure.
    public var restarts: UInt64 = 0
    /// Calls that took longer than the channel's call_budget.
    public var slowCalls: UInt64 = 0
    /// Replies to messages that were no longer owed one.
    public var staleReplies: UInt64 = 0
}
