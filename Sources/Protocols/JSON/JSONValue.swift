// SPDX-License-Identifier: Apache-2.0

/// A value of RFC 8259. Numbers keep their text: nothing is rounded on the way through.
public enum JSONValue: Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number as it is written. Made from outside by `integer` and `unsigned` only, so that it is always one.
    case number(JSONNumber)
    /// Text.
    case string(String)
    /// Elements in their order.
    case array([JSONValue])
    /// Members in the order in which they are written; no name twice in what was read.
    case object([JSONMember])
}

/// The text of a number.
public struct JSONNumber: Equatable, Sendable {
    /// As it is written: `-12`, `1.5e3`.
    public let text: String

    /// Text that was checked to be a number.
    init(checked text: String) { self.text = text }

    /// A whole number.
    public init(_ value: Int64) { text = "\(value)" }
    /// A whole number without sign.
    public init(_ value: UInt64) { text = "\(value)" }

    /// The number, where it is written as a whole one and fits.
    public var int64: Int64? { Int64(text) }
    /// The number, where it is written as a whole one and fits.
    public var uint64: UInt64? { UInt64(text) }
}

/// A member of an object.
public struct JSONMember: Sendable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: JSONValue

    /// A name and a value.
    public init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue {
    /// A whole number.
    public static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(Int64(value))) }
    /// A whole number of 64 bits, also where `Int` has 32.
    public static func integer64(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
    /// A whole number without sign.
    public static func unsigned(_ value: UInt64) -> JSONValue { .number(JSONNumber(value)) }
    /// Text, or `null` where there is none.
    public static func optional(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    /// A list of texts.
    public static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    /// The value of an object's member; nil where there is none, or this is no object.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    /// The text, of a string.
    public var text: String? {
        if case .string(let value) = self { return value }
        return nil
    }
    /// The truth value.
    public var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }
    /// The number, where it is whole and fits.
    public var uint64: UInt64? {
        if case .number(let value) = self { return value.uint64 }
        return nil
    }
    /// The number, where it is whole and fits.
    public var int64: Int64? {
        if case .number(let value) = self { return value.int64 }
        return nil
    }
    /// The elements, of an array.
    public var elements: [JSONValue]? {
        if case .array(let value) = self { return value }
        return nil
    }
    /// The members, of an object.
    public var members: [JSONMember]? {
        if case .object(let value) = self { return value }
        return nil
    }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    /// An object, its members in the order given.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { JSONMember($0.0, $0.1) })
    }
}

extension JSONValue: Equatable {
    /// The same value: the same text of numbers, the same order of members, strings equal scalar by scalar.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.bool(let left), .bool(let right)): return left == right
        case (.number(let left), .number(let right)): return left == right
        case (.string(let left), .string(let right)): return left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): return left == right
        case (.object(let left), .object(let right)):
            return left.count == right.count
                && left.indices.allSatisfy {
                    left[$0].name.utf8.elementsEqual(right[$0].name.utf8) && left[$0].value == right[$0].value
                }
        default: return false
        }
    }
}
