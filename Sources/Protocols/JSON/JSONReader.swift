// SPDX-License-Identifier: Apache-2.0
import Common

/// Why a text is not JSON, or not to be read here.
public struct JSONError: Error, Equatable, Sendable {
    /// Bytes before the place.
    public let offset: Int
    /// The rule that does not hold there.
    public let rule: String

    /// "at byte 12: a string ends with a quotation mark".
    public var description: String { "at byte \(offset): \(rule)" }
}

/// What a reader accepts at most.
public struct JSONLimits: Sendable {
    /// Bytes of the text.
    public var bytes: Int
    /// Arrays and objects inside each other.
    public var depth: Int
    /// Members of one object: they are compared with each other.
    public var members: Int

    /// Limits; by default those for a text from somebody who is not trusted.
    public init(bytes: Int = 16 << 10, depth: Int = 16, members: Int = 64) {
        self.bytes = bytes
        self.depth = depth
        self.members = members
    }
}

/// Reads RFC 8259 to the letter. Beyond it, a name that an object has twice is an error, because what it means differs
/// from reader to reader, and so is half of a surrogate pair.
public struct JSONReader {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var offset = 0
    private var depth = 0

    private init(_ bytes: [UInt8], _ limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The one value that the bytes, UTF-8, are the text of.
    public static func read(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytes else {
            throw JSONError(offset: limits.bytes, rule: "a text has at most \(limits.bytes) bytes")
        }
        var reader = JSONReader(bytes, limits)
        reader.skipBlanks()
        let value = try reader.value()
        reader.skipBlanks()
        guard reader.offset == bytes.count else { throw reader.error("nothing follows the value") }
        return value
    }

    private func error(_ rule: String) -> JSONError { JSONError(offset: offset, rule: rule) }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        if isDigit || next == UInt8(ascii: "-") { return .number(try number()) }
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("a value is expected, and the text ends")
        default: throw error("a value is an object, an array, a string, a number, true, false or null")
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard bytes[offset...].starts(with: word.utf8) else { throw error("a bare word is true, false or null") }
        offset += word.utf8.count
        return value
    }

    private mutating func descend() throws(JSONError) {
        depth += 1
        if depth > limits.depth { throw error("at most \(limits.depth) arrays and objects are inside each other") }
        offset += 1
        skipBlanks()
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try descend()
        var elements: [JSONValue] = []
        if !take(UInt8(ascii: "]")) {
            while true {
                elements.append(try value())
                skipBlanks()
                if take(UInt8(ascii: "]")) { break }
                guard take(UInt8(ascii: ",")) else { throw error("an element is followed by a comma or ]") }
                skipBlanks()
            }
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try descend()
        var members: [JSONMember] = []
        if !take(UInt8(ascii: "}")) {
            while true {
                guard next == UInt8(ascii: "\"") else {
                    throw error("a member begins with its name in quotation marks")
                }
                guard members.count < limits.members else {
                    throw error("an object has at most \(limits.members) members")
                }
                let start = offset
                let name = try string()
                if members.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
                    throw JSONError(offset: start, rule: "an object has no name twice")
                }
                skipBlanks()
                guard take(UInt8(ascii: ":")) else { throw error("a member's name is followed by a colon") }
                skipBlanks()
                members.append(JSONMember(name, try value()))
                skipBlanks()
                if take(UInt8(ascii: "}")) { break }
                guard take(UInt8(ascii: ",")) else { throw error("a member is followed by a comma or }") }
                skipBlanks()
            }
        }
        depth -= 1
        return .object(members)
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if take(UInt8(ascii: "0")) {
            if isDigit { throw error("a number has no leading zero") }
        } else {
            try digits()
        }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return JSONNumber(checked: String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private var isDigit: Bool { next.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ?? false }

    private mutating func digits() throws(JSONError) {
        guard isDigit else { throw error("a number has a digit here") }
        while isDigit { offset += 1 }
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        offset += 1
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw error("a string ends with a quotation mark") }
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(&text)
            case 0..<0x20: throw error("a control character is written as an escape")
            case 0x20..<0x80:
                text.append(byte)
                offset += 1
            default:
                let count = UTF8Sequence.length(bytes[offset...])
                guard count > 0 else { throw error("the text is UTF-8") }
                text.append(contentsOf: bytes[offset..<(offset + count)])
                offset += count
            }
        }
    }

    private mutating func escape(_ text: inout [UInt8]) throws(JSONError) {
        let start = offset
        offset += 1
        guard let byte = next else { throw error("a string ends with a quotation mark") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if unit >= 0xD800 && unit < 0xDC00 {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw JSONError(offset: start, rule: "a high surrogate is followed by a low one")
                }
                let low = try hexadecimal()
                guard low >= 0xDC00 && low < 0xE000 else {
                    throw JSONError(offset: start, rule: "a high surrogate is followed by a low one")
                }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(unit) else {
                throw JSONError(offset: start, rule: "a low surrogate follows a high one")
            }
            text.append(contentsOf: UTF8.encode(scalar)!)
        default: throw JSONError(offset: start, rule: "an escape is \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Hex.value(byte) else { throw error("\\u has four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }
}

/// Well-formed sequences of UTF-8 beyond ASCII (Unicode 15, table 3-7).
enum UTF8Sequence {
    /// Bytes of the sequence at the beginning of `bytes`; 0 when there is none.
    static func length(_ bytes: ArraySlice<UInt8>) -> Int {
        let first = bytes[bytes.startIndex]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: count = 2
        case 0xE0...0xEF:
            count = 3
            if first == 0xE0 { second = 0xA0...0xBF }
            if first == 0xED { second = 0x80...0x9F }
        case 0xF0...0xF4:
            count = 4
            if first == 0xF0 { second = 0x90...0xBF }
            if first == 0xF4 { second = 0x80...0x8F }
        default: return 0
        }
        guard bytes.count >= count, second.contains(bytes[bytes.startIndex + 1]) else { return 0 }
        for index in 2..<max(count, 2) where !(0x80...0xBF).contains(bytes[bytes.startIndex + index]) { return 0 }
        return count
    }
}
