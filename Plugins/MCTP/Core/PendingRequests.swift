// SPDX-License-Identifier: Apache-2.0
import MCTP

/// Requests of the host that clients are to answer, so that an answer goes out with its request's tag and TO = 0, as DSP0236
/// asks.
///
/// The socket protocol does not carry a tag. Where the message protocol has instance ids (PLDM, control), an answer says which
/// request it belongs to. Of any other type, a message to whoever asked answers the oldest request of that type that is open:
/// the next message is the answer where there is one, and with several they are answered in the order in which they came.
struct PendingRequests {
    private struct Request {
        var source: EID
        var local: EID
        var tag: MessageTag
        var type: MessageType
        /// Instance id in the low five bits, then the two bytes that name the command; nil for types without.
        var key: UInt32?
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

    /// Remembers a request that went to clients. False if it is none, or wants no answer.
    mutating func add(_ message: ReceivedMessage, now: UInt64) -> Bool {
        let key = Self.key(message.body.span)
        let isDatagram = key != nil && message.body[1] & 0x40 != 0
        guard message.tag.isOwner, !isDatagram, !Self.isAnswer(message.body.span) else { return false }
        // A tag, or an instance id, that is used for another request is not waited for any more.
        requests.removeAll {
            $0.deadline <= now
                || ($0.source == message.source && ($0.tag == message.tag || (key != nil && $0.key == key)))
        }
        if requests.count == Self.limit { requests.removeFirst() }
        requests.append(
            Request(
                source: message.source, local: message.destination, tag: message.tag, type: message.type, key: key,
                deadline: now &+ lifetime))
        return true
    }

    /// The tag that an answer to `destination` goes out with, and the address that the request was sent to; nil if the
    /// message answers no request that is known.
    mutating func take(answer body: Span<UInt8>, to destination: EID, now: UInt64) -> (tag: MessageTag, local: EID)? {
        let key = Self.key(body)
        let type = MessageType(body[0])
        guard !Self.tellsAnswers(type) || Self.isAnswer(body) else { return nil }
        requests.removeAll { $0.deadline <= now }
        guard
            let index = requests.firstIndex(where: {
                $0.source == destination && $0.type.number == type.number && $0.key == key
            })
        else { return nil }
        let request = requests.remove(at: index)
        return (request.tag.answer, request.local)
    }

    private static func tellsAnswers(_ type: MessageType) -> Bool {
        type.number == MessageType.control.number || type.number == MessageType.pldm.number || type.number == 4
            || type.number == 5
    }

    /// Whether the message says itself that it is an answer: PLDM and control by Rq (DSP0240 §8, DSP0236 §12), NVMe-MI by ROR,
    /// SPDM by its code (DSP0274 §8).
    static func isAnswer(_ body: Span<UInt8>) -> Bool {
        guard body.count >= 3 else { return false }
        switch MessageType(body[0]).number {
        case MessageType.control.number, MessageType.pldm.number: return body[1] & 0x80 == 0
        case 4: return body[1] & 0x80 != 0
        case 5: return body[2] & 0x80 == 0
        default: return false
        }
    }

    mutating func removeAll() { requests.removeAll(keepingCapacity: true) }

    /// PLDM: instance, PLDM type, command (DSP0240 §8). Control: instance, command.
    private static func key(_ body: Span<UInt8>) -> UInt32? {
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
