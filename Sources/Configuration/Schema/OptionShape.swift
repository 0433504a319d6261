// SPDX-License-Identifier: Apache-2.0

/// What a configuration value may be. The numbers are those of the plugin ABI.
public enum OptionType: UInt32, Sendable {
    /// No value.
    case absent = 0
    /// A mapping with declared keys.
    case object = 1
    /// A sequence of values of one shape.
    case list = 2
    /// A mapping with free keys, all of one shape, to values of one shape.
    case map = 3
    /// A value of the first of several shapes that fits.
    case oneOf = 4
    /// One of a set of words.
    case enumeration = 5
    /// `true` or `false`.
    case bool = 6
    /// A whole number, 64 bits with sign.
    case integer = 7
    /// A time span, in nanoseconds.
    case duration = 8
    /// A number of bytes.
    case size = 9
    /// Text.
    case string = 10
    /// A file's name.
    case path = 11
    /// A number from 0 to 255, or one ASCII character.
    case byte = 12
    /// Any number of bytes: a list of them, or text.
    case bytes = 13
    /// Things for the daemon to do, in order.
    case actions = 14

    /// The type's name in messages and help, with an article.
    public var phrase: String {
        switch self {
        case .absent: return "nothing"
        case .object: return "a mapping"
        case .list: return "a list"
        case .map: return "a mapping"
        case .oneOf: return "one of several forms"
        case .enumeration: return "a word"
        case .bool: return "true or false"
        case .integer: return "a whole number"
        case .duration: return "a duration"
        case .size: return "a size"
        case .string: return "a string"
        case .path: return "a path"
        case .byte: return "a byte"
        case .bytes: return "bytes"
        case .actions: return "a list of actions"
        }
    }
}

/// The declaration of one configuration value, and of what is in it. A tree of these describes a whole file, or the
/// options of a plugin.
public final class OptionShape: Sendable {
    /// What kind of value.
    public let type: OptionType
    /// The key under which an object holds it; empty elsewhere.
    public let key: String
    /// One sentence for the person who writes the file.
    public let help: String
    /// The value when none is given, as YAML text.
    public let defaultText: String?
    /// An object without it is wrong.
    public let required: Bool
    /// Least value: of an integer; of a duration, in nanoseconds; of a size, in bytes; of the length in bytes of a
    /// string, a path or bytes; of the number of elements of a list or a map.
    public let minimum: Int64?
    /// Greatest value, of the same.
    public let maximum: Int64?
    /// The words of an enumeration.
    public let choices: [String]
    /// Of an object, its members; of a list, the one shape of its elements; of a map, the shape of the keys and that of
    /// the values; of one-of, the alternatives.
    public let children: [OptionShape]
    /// An integer that is a file's mode: octal, with a leading 0.
    public let isFileMode: Bool
    /// What a value must be, in messages; nil for the type's own words.
    public let phrase: String?
    /// A value that somebody else checks later: anything is taken, and comes out absent.
    public let isUnchecked: Bool
    /// A path of a file that whoever takes the value writes, and that no other may name.
    public let isOwned: Bool

    /// A declaration; what a type has no use for stays at its default.
    public init(
        _ type: OptionType, key: String = "", help: String = "", defaultText: String? = nil, required: Bool = false,
        minimum: Int64? = nil, maximum: Int64? = nil, choices: [String] = [], children: [OptionShape] = [],
        isFileMode: Bool = false, phrase: String? = nil, isUnchecked: Bool = false,
        isOwned: Bool = false
    ) {
        self.type = type
        self.key = key
        self.help = help
        self.defaultText = defaultText
        self.required = required
        self.minimum = minimum
        self.maximum = maximum
        self.choices = choices
        self.children = children
        self.isFileMode = isFileMode
        self.phrase = phrase
        self.isUnchecked = isUnchecked
        self.isOwned = isOwned
    }

    /// An object that may stand for itself when it is not given: its members' defaults are the whole of it.
    public var fillsItself: Bool { type == .object && !children.contains { $0.required } }
}
