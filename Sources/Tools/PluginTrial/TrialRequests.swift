// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// The host CPU's requests to a handler of messages, one at a time, and what becomes of their replies.
struct TrialRequests {
    /// The token of the request that awaits a reply.
    private(set) var pending: UInt64?
    /// When the host CPU gets completion code C3 instead of a reply.
    private(set) var deadline: UInt64 = 0
    private var count: UInt64 = 0
    private var replied: UInt64?

    /// How long a handler may take for a reply: kcsmuxd's default, 4 s.
    private static let replyTime: UInt64 = 4_000_000_000
    /// The longest reply that a KCS transfer carries, in bytes.
    private static let longestReply = 1000

    /// What a reply is.
    enum Reply {
        case accepted
        /// To a request that is no longer pending.
        case stale
        /// A mistake, in words.
        case misuse(String)
    }

    /// A new request, in place of one that may be pending. The answer is its token.
    mutating func begin(now: UInt64) -> UInt64 {
        count += 1
        pending = count
        deadline = now + Self.replyTime
        return count
    }

    /// No reply is awaited any more.
    mutating func end() { pending = nil }

    mutating func reply(_ token: UInt64, length: Int) -> Reply {
        guard token == pending else {
            if token == replied { return .misuse("reply() was called a second time for one request, and refused") }
            guard token >= 1 && token <= count else {
                return .misuse("reply() was called with token \(token), which no request has")
            }
            return .stale
        }
        guard length <= Self.longestReply else {
            return .misuse("reply() of \(length) bytes is longer than \(Self.longestReply), and was refused")
        }
        (pending, replied) = (nil, token)
        return .accepted
    }
}
