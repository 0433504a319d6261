// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// Requests of the host that clients are to answer.
///
/// The socket protocol has no place for a tag. But an answer of a protocol with instance ids says which request it
/// belongs to, so that it can go out with that request's tag and TO = 0, as DSP0236 asks.
struct PendingRequests {
    private struct Request {
        var source: EID
        var local: EID
        var tag: MessageTag
        /// Instance id in the low five bits, then the two bytes that name the command.
        var key: UInt32
        var deadline: UInt64
    }

    /// Requests that are remembered at a time; the oldest one makes room.
    static let limit = 64
    private let lifetime: UInt64
    private var requests: [Request] = []

    init(lifetime: UInt64 = 30_000_000_000) {
        self.lifetime = lifetime
        requests.reserveCapacity(Self.limit)
    }

    var count: Int { requests.count }

    /// Remembers a request that went to clients. False if the message is none that can be matched to its answer.
    mutating func add(_ message: ReceivedMessage, now: UInt64) -> Bool {
        let body = message.body
        guard message.tag.isOwner, let key = Self.key(body), body[1] & 0xC0 == 0x80 else { return false }
        requests.removeAll { $0.deadline <= now || ($0.source == message.source && $0.key == key) }
        if requests.count == Self.limit { requests.removeFirst() }
        requests.append(
            Request(
                source: message.source, local: message.destination, tag: message.tag, key: key,
                deadline: now &+ lifetime))
        return true
    }

    /// The tag that an answer to `destination` goes out with, and the address that the request was sent to; nil if the
    /// message answers no request that is known.
    mutating func take(answer body: UnsafeRawBufferPointer, to destination: EID, now: UInt64) -> (
        tag: MessageTag, local: EID
    )? {
        guard let key = Self.key(body), body[1] & 0x80 == 0 else { return nil }
        guard let index = requests.firstIndex(where: { $0.source == destination && $0.key == key }) else { return nil }
        let request = requests.remove(at: index)
        return request.deadline > now ? (request.tag.answer, request.local) : nil
    }

    mutating func removeAll() { requests.removeAll(keepingCapacity: true) }

    /// PLDM: instance, PLDM type, command (DSP0240 §8). Control: instance, command.
    private static func key(_ body: UnsafeRawBufferPointer) -> UInt32? {
        guard body.count >= 3 else { return nil }
        let instance = UInt32(body[1] & 0x1F)
        switch MessageType(body[0]) {
        case .control: return UInt32(body[2]) << 8 | instance
        case .pldm:
            guard body.count >= 4 else { return nil }
            return 1 << 31 | UInt32(body[3]) << 16 | UInt32(body[2] & 0x3F) << 8 | instance
        default: return nil
        }
    }
}
