// SPDX-License-Identifier: Apache-2.0

/// A configuration value that was checked against a shape, or its default.
public struct Value: Equatable, Sendable {
    /// The shape's type.
    public let type: OptionType
    /// Where it stands; for a default, the mapping that lacks it.
    public let mark: Mark
    /// Written in the file, rather than a default. A value that was written wrongly is given and absent.
    public let isGiven: Bool
    /// The value itself.
    public let payload: Payload

    /// A checked value.
    public init(type: OptionType, mark: Mark, isGiven: Bool, payload: Payload) {
        self.type = type
        self.mark = mark
        self.isGiven = isGiven
        self.payload = payload
    }

    /// A value as the shape's type holds it.
    public indirect enum Payload: Sendable {
        /// Not there, and no default.
        case absent
        /// The members, in the order of the shape, absent ones included.
        case object([Value])
        /// The elements.
        case list([Value])
        /// The pairs, in the order of the file.
        case map([(key: Value, value: Value)])
        /// Which alternative fits, and the value in it.
        case oneOf(Int, Value)
        /// Which of the choices.
        case enumeration(Int)
        /// A truth value.
        case bool(Bool)
        /// A number.
        case integer(Int64)
        /// Nanoseconds.
        case duration(UInt64)
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

    /// The same value, wherever each was written and whether or not it was.
    public static func == (left: Value, right: Value) -> Bool {
        left.type == right.type && left.payload == right.payload
    }
}

extension Value.Payload: Equatable {
    /// The same value.
    public static func == (left: Value.Payload, right: Value.Payload) -> Bool {
        switch (left, right) {
        case (.absent, .absent): return true
        case (.object(let left), .object(let right)): return left == right
        case (.list(let left), .list(let right)): return left == right
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && left.indices.allSatisfy { left[$0].key == right[$0].key && left[$0].value == right[$0].value }
        case (.oneOf(let index, let value), .oneOf(let other, let otherValue)):
            return index == other && value == otherValue
        case (.enumeration(let left), .enumeration(let right)): return left == right
        case (.bool(let left), .bool(let right)): return left == right
        case (.integer(let left), .integer(let right)): return left == right
        case (.duration(let left), .duration(let right)): return left == right
        case (.size(let left), .size(let right)): return left == right
        case (.string(let left), .string(let right)): return left == right
        case (.path(let left), .path(let right)): return left == right
        case (.byte(let left), .byte(let right)): return left == right
        case (.bytes(let left), .bytes(let right)): return left == right
        case (.actions(let left), .actions(let right)): return left == right
        default: return false
        }
    }
}

/// What a value holds, if it is of that type and there.
extension Value {
    /// Not there?
    public var isAbsent: Bool {
        if case .absent = payload { return true }
        return false
    }
    /// Members of an object.
    public var object: [Value]? {
        if case .object(let members) = payload { return members }
        return nil
    }
    /// Elements of a list.
    public var list: [Value]? {
        if case .list(let elements) = payload { return elements }
        return nil
    }
    /// Pairs of a map.
    public var map: [(key: Value, value: Value)]? {
        if case .map(let pairs) = payload { return pairs }
        return nil
    }
    /// The alternative's number and its value.
    public var oneOf: (index: Int, value: Value)? {
        if case .oneOf(let index, let value) = payload { return (index, value) }
        return nil
    }
    /// Number of the word among the choices.
    public var enumeration: Int? {
        if case .enumeration(let index) = payload { return index }
        return nil
    }
    /// Truth value.
    public var bool: Bool? {
        if case .bool(let value) = payload { return value }
        return nil
    }
    /// Number.
    public var integer: Int64? {
        if case .integer(let value) = payload { return value }
        return nil
    }
    /// Nanoseconds.
    public var duration: UInt64? {
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

/// The members of an object by their keys.
public struct Members {
    private let shape: OptionShape
    private let values: [Value]
    private let owner: Value

    /// The members of a value that was checked against `shape`, an object's. Of an absent one all members are absent.
    public init(_ value: Value, _ shape: OptionShape) {
        precondition(shape.type == .object, "members belong to objects")
        self.shape = shape
        owner = value
        values = value.object ?? []
    }

    /// The member with a key that the shape declares.
    public subscript(key: String) -> Value {
        guard let index = shape.index(of: key) else { preconditionFailure("a key that the shape does not declare") }
        if index < values.count { return values[index] }
        return Value(type: shape.children[index].type, mark: owner.mark, isGiven: false, payload: .absent)
    }
}

/// What members hold. A file's reader asks for so many that each is one call, and no copy of the value in the caller.
extension Members {
    /// Was the member written?
    @inline(never) public func isGiven(_ key: String) -> Bool { self[key].isGiven }
    /// Its place.
    @inline(never) public func mark(_ key: String) -> Mark { self[key].mark }
    /// Elements of a list.
    @inline(never) public func list(_ key: String) -> [Value]? { self[key].list }
    /// Number of the word among the choices.
    @inline(never) public func enumeration(_ key: String) -> Int? { self[key].enumeration }
    /// Truth value.
    @inline(never) public func bool(_ key: String) -> Bool? { self[key].bool }
    /// Number.
    @inline(never) public func integer(_ key: String) -> Int64? { self[key].integer }
    /// Nanoseconds.
    @inline(never) public func duration(_ key: String) -> UInt64? { self[key].duration }
    /// Bytes counted.
    @inline(never) public func size(_ key: String) -> UInt64? { self[key].size }
    /// Text of a string or a path.
    @inline(never) public func text(_ key: String) -> String? { self[key].text }
}
