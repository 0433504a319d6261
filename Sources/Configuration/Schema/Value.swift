// SPDX-License-Identifier: Apache-2.0
import Common

/// A configuration value that was checked against a shape, or its default. Values that hold the same are equal, wherever
/// each was written and whether or not it was.
public struct Value: Equatable, Sendable {
    /// The shape's type.
    public let type: OptionType
    /// Where it comes from. A value that was written wrongly is given and absent.
    public let origin: Origin
    /// The value itself.
    public let payload: Payload

    /// A checked value.
    public init(type: OptionType, mark: Mark, isGiven: Bool, payload: Payload) {
        self.type = type
        origin = Origin(mark, isGiven: isGiven)
        self.payload = payload
    }

    /// Where it stands; for a default, the mapping that lacks it.
    public var mark: Mark { origin.mark }
    /// Written in the file, rather than a default.
    public var isGiven: Bool { origin.isGiven }

    /// A value as the shape's type holds it.
    public indirect enum Payload: Equatable, Sendable {
        /// Not there, and no default.
        case absent
        /// The members, in the order of the shape, absent ones included.
        case object([Member])
        /// The elements.
        case list([Value])
        /// The pairs, in the order of the file.
        case map([Pair])
        /// Which alternative fits, and the value in it.
        case oneOf(Int, Value)
        /// One of the choices.
        case enumeration(String)
        /// A truth value.
        case bool(Bool)
        /// A number.
        case integer(Int64)
        /// A file's mode.
        case fileMode(Int64)
        /// A time span.
        case duration(TimeSpan)
        /// Bytes.
        case size(UInt64)
        /// Text.
        case string(String)
        /// A file's name; never empty.
        case path(String)
        /// One byte.
        case byte(UInt8)
        /// Bytes.
        case bytes([UInt8])
        /// Things to do.
        case actions([Action])
    }

    /// A member of an object.
    public struct Member: Equatable, Sendable {
        /// The key that its shape declares.
        public let key: String
        /// Its value.
        public let value: Value

        /// A member.
        public init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// A pair of a map.
    public struct Pair: Equatable, Sendable {
        /// Its key.
        public let key: Value
        /// Its value.
        public let value: Value

        /// A pair.
        public init(_ key: Value, _ value: Value) {
            self.key = key
            self.value = value
        }
    }
}

/// What a value holds, if it is of that type and there. None of these traps, whatever the value is.
extension Value {
    /// Not there?
    public var isAbsent: Bool { payload == .absent }

    /// The member with a key that the object's shape declares; an absent value if this is no object, or has none such.
    /// Not inlined: a file's reader asks for so many that each is one call, and no copy of the value in the caller.
    @inline(never) public subscript(key: String) -> Value {
        if case .object(let members) = payload {
            for member in members where member.key == key { return member.value }
        }
        return Value(type: .absent, mark: mark, isGiven: false, payload: .absent)
    }
    /// Members of an object.
    public var object: [Member]? {
        if case .object(let members) = payload { return members }
        return nil
    }
    /// Elements of a list.
    public var list: [Value]? {
        if case .list(let elements) = payload { return elements }
        return nil
    }
    /// Pairs of a map.
    public var map: [Pair]? {
        if case .map(let pairs) = payload { return pairs }
        return nil
    }
    /// The alternative's number and its value.
    public var oneOf: (index: Int, value: Value)? {
        if case .oneOf(let index, let value) = payload { return (index, value) }
        return nil
    }
    /// The word of an enumeration.
    public var word: String? {
        if case .enumeration(let word) = payload { return word }
        return nil
    }
    /// The word of an enumeration whose choices were made of the same type.
    public func enumeration<Word: Words>(as type: Word.Type) -> Word? { word.flatMap { Word(word: $0) } }
    /// Truth value.
    public var bool: Bool? {
        if case .bool(let value) = payload { return value }
        return nil
    }
    /// Number, or a file's mode.
    public var integer: Int64? {
        switch payload {
        case .integer(let value), .fileMode(let value): return value
        default: return nil
        }
    }
    /// Time span.
    public var duration: TimeSpan? {
        if case .duration(let value) = payload { return value }
        return nil
    }
    /// Bytes counted.
    public var size: UInt64? {
        if case .size(let value) = payload { return value }
        return nil
    }
    /// Text of a string or a path.
    public var text: String? {
        switch payload {
        case .string(let value), .path(let value): return value
        default: return nil
        }
    }
    /// One byte.
    public var byte: UInt8? {
        if case .byte(let value) = payload { return value }
        return nil
    }
    /// Bytes.
    public var bytes: [UInt8]? {
        if case .bytes(let value) = payload { return value }
        return nil
    }
    /// Things to do.
    public var actions: [Action]? {
        if case .actions(let value) = payload { return value }
        return nil
    }
}

/// The words of an enumeration in the file, as cases: `OptionShape(.enumeration, choices: Policy.words)` declares it, and
/// `value.enumeration(as: Policy.self)` reads it.
public protocol Words: CaseIterable, RawRepresentable, Sendable where RawValue == String {}

extension Words {
    /// All of them, in the order of the cases.
    public static var words: [String] { allCases.map { $0.rawValue } }

    /// The case that a word names.
    public init?(word: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue == word }) else { return nil }
        self = found
    }
}
