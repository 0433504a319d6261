// SPDX-License-Identifier: Apache-2.0
import Common
import MCTP

/// Requests of the host that clients are to answer, so that an answer goes out with its request's tag and TO = 0, as
/// DSP0236 asks.
///
/// The socket protocol does not carry a tag. Where messages have instance ids (PLDM, control), an answer says which request
/// it belongs to; of two that are the same the later one, for a host that asks again waits for that. Of any other type a
/// message to whoever asked answers the oldest request of that type that is open: the next message is the answer where there
/// is one, and with several they are answered in the order in which they came.
struct PendingRequests {
    private struct Request {
        var source: EID
        var local: EID
        var tag: MessageTag
        /// Of its type.
        var number: UInt8
        /// Instance id in the low five bits, then the two bytes that name the command; nil for types without.
        var key: UInt32?
        var deadline: UInt64
    }

    /// Requests that are remembered at a time; the oldest one makes room.
    static let limit = 256
    private static let nvme: UInt8 = 4
    private static let spdm: UInt8 = 5
    private let lifetime: UInt64
    // In the order in which they came, and so in that of their deadlines.
    private var requests: [Request] = []

    init(lifetime: UInt64 = 30_000_000_000) {
        self.lifetime = lifetime
        requests.reserveCapacity(Self.limit)
    }

    var count: Int { requests.count }

    /// Remembers a request that went to clients. False if it is none, or says that it wants no answer.
    mutating func add(_ message: ReceivedMessage, now: UInt64) -> Bool {
        let key = Self.key(message.body)
        guard message.tag.isOwner, key == nil || message.body[1] & 0xC0 != 0xC0 else { return false }
        forgetOld(now)
        // A host that uses a tag again does not wait for the one before.
        if key == nil { requests.removeAll { $0.key == nil && $0.source == message.source && $0.tag == message.tag } }
        if requests.count == Self.limit { requests.removeFirst() }
        requests.append(
            Request(
                source: message.source, local: message.destination, tag: message.tag, number: message.type.number,
                key: key, deadline: now &+ lifetime))
        return true
    }

    /// The tag that an answer to `destination` goes out with, and the address that the request was sent to; nil if the
    /// message answers no request that is known.
    mutating func take(answer body: UnsafeRawBufferPointer, to destination: EID, now: UInt64) -> (
        tag: MessageTag, local: EID
    )? {
        guard let first = body.first else { return nil }
        let number = MessageType(first).number
        guard !Self.tellsAnswers(number) || Self.isAnswer(body) else { return nil }
        forgetOld(now)
        let key = Self.key(body)
        let isMeant = { (request: Request) in
            request.source == destination && request.number == number && request.key == key
        }
        let found = key == nil ? requests.firstIndex(where: isMeant) : requests.lastIndex(where: isMeant)
        guard let found else { return nil }
        let request = requests.remove(at: found)
        return (request.tag.answer, request.local)
    }

    /// The same for a message that says which tag it answers.
    mutating func take(tag: MessageTag, answer body: UnsafeRawBufferPointer, to destination: EID, now: UInt64) -> (
        tag: MessageTag, local: EID
    )? {
        guard !tag.isOwner, let first = body.first else { return nil }
        forgetOld(now)
        let number = MessageType(first).number
        let found = requests.lastIndex {
            $0.source == destination && $0.number == number && $0.tag.answer == tag
        }
        guard let found else { return nil }
        return (tag, requests.remove(at: found).local)
    }

    mutating func removeAll() { requests.removeAll(keepingCapacity: true) }

    /// Whether the message says itself that it is an answer: PLDM and control by Rq (DSP0240 §8, DSP0236 §12), NVMe-MI by
    /// ROR, SPDM by its code (DSP0274 §8).
    static func isAnswer(_ body: UnsafeRawBufferPointer) -> Bool {
        guard body.count >= 3 else { return false }
        switch MessageType(body[0]).number {
        case MessageType.control.number, MessageType.pldm.number: return body[1] & 0x80 == 0
        case nvme: return body[1] & 0x80 != 0
        case spdm: return body[2] & 0x80 == 0
        default: return false
        }
    }

    private static func tellsAnswers(_ number: UInt8) -> Bool {
        number == MessageType.control.number || number == MessageType.pldm.number || number == nvme || number == spdm
    }

    private mutating func forgetOld(_ now: UInt64) {
        guard let first = requests.first, first.deadline <= now else { return }
        requests.removeAll { $0.deadline <= now }
    }

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
