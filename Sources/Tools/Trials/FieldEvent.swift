// SPDX-License-Identifier: Apache-2.0
import Common

/// Something that a capture tells of a channel, as far as a plugin has part in it.
public struct FieldEvent: Equatable, Sendable {
    /// Nanoseconds since 1970.
    public let time: UInt64
    /// What it was.
    public let body: Body

    /// What happened.
    public enum Body: Equatable, Sendable {
        /// The device was opened, with so many stale bytes, and the handler started for that reason (`kcs_start.reason`).
        case started(reason: UInt8, stale: Int)
        /// The handler stopped.
        case stopped
        /// The channel was reset.
        case reset
        /// The host CPU's byte was taken out of IDR.
        case byte(UInt8, isCommand: Bool)
        /// The host CPU sent a whole request.
        case request([UInt8])
        /// The host CPU lets the byte in ODR lie.
        case hostStalls
        /// It has read it.
        case hostReads
        /// The BMC wrote registers, or answered a request.
        case answer(Answer)
        /// Records are missing here.
        case gap(String)
    }

    /// An event of that time.
    public init(_ time: UInt64, _ body: Body) {
        self.time = time
        self.body = body
    }
}

/// What the host CPU got.
public enum Answer: Equatable, Sendable {
    /// ODR alone.
    case odr(UInt8)
    /// Some bits of STR.
    case str(mask: UInt8, value: UInt8)
    /// Both in one step, the byte before having been read, or not.
    case both(odr: UInt8, mask: UInt8, value: UInt8, isReplacing: Bool)
    /// The answer to a request.
    case reply([UInt8])
    /// It was left waiting.
    case nothing

    /// As the line of a transcript has it, behind `< `.
    public var line: String {
        switch self {
        case .odr(let value): "odr \(Hex.number(value))"
        case .str(let mask, let value): Self.bits(mask, value)
        case .both(let odr, let mask, let value, let isReplacing):
            "\(isReplacing ? "replace" : "odr") \(Hex.number(odr)) \(Self.bits(mask, value))"
        case .reply(let bytes): "reply \(Hex.numbers(bytes))"
        case .nothing: "no reply"
        }
    }

    /// Bits that the mask does not name do not count.
    private static func bits(_ mask: UInt8, _ value: UInt8) -> String {
        "str mask \(Hex.number(mask)) value \(Hex.number(value & mask))"
    }

    /// What a line of a transcript says of registers or replies, `< ` in front of it; nil for every other line. `request` is
    /// what was asked last: a handler that declines leaves kcsmuxd to answer C1, one that is too late C3.
    public init?(_ line: String, request: [UInt8]?) {
        let words = line.split(separator: " ")
        guard words.count >= 2, words[0] == "<" else { return nil }
        let numbers = words.map { $0.hasPrefix("0x") ? UInt8($0.dropFirst(2), radix: 16) : nil }
        func code(_ code: UInt8) -> Answer? {
            request.map { .reply([$0[0] | 4, $0[1], code]) }
        }
        switch words[1] {
        case "odr", "replace":
            guard words.count >= 3, let odr = numbers[2] else { return nil }
            guard words.count == 8, let mask = numbers[5], let value = numbers[7] else {
                self = .odr(odr)
                return
            }
            self = .both(odr: odr, mask: mask, value: value & mask, isReplacing: words[1] == "replace")
        case "str":
            guard words.count == 6, let mask = numbers[3], let value = numbers[5] else { return nil }
            self = .str(mask: mask, value: value & mask)
        case "reply": self = .reply(numbers.dropFirst(2).compactMap { $0 })
        case "no" where words.count == 3 && words[2] == "reply": self = .nothing
        case "declined":
            guard let answer = code(0xC1) else { return nil }
            self = answer
        case "too" where request != nil:
            guard let answer = code(0xC3) else { return nil }
            self = answer
        default: return nil
        }
    }
}
