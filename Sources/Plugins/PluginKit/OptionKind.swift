// SPDX-License-Identifier: Apache-2.0

/// What an option is: `KCS_OPTION_*`.
public enum OptionKind: UInt32, Sendable {
    /// Without default, and not given.
    case absent = 0
    /// Named members.
    case object = 1
    /// Elements of one kind.
    case list = 2
    /// Keys to values.
    case map = 3
    /// One of some names.
    case enumeration = 5
    /// `true` or `false`.
    case bool = 6
    /// A whole number.
    case integer = 7
    /// A span of time.
    case duration = 8
    /// A number of bytes.
    case size = 9
    /// Text.
    case string = 10
    /// A file's name.
    case path = 11
    /// 0 to 255.
    case byte = 12
    /// Bytes.
    case bytes = 13
    /// What kcsmuxd does when the plugin asks for it.
    case actions = 14

    /// With its article, for messages.
    var name: StaticString {
        switch self {
        case .absent: "absent"
        case .object: "an object"
        case .list: "a list"
        case .map: "a map"
        case .enumeration: "an enumeration"
        case .bool: "a bool"
        case .integer: "an integer"
        case .duration: "a duration"
        case .size: "a size"
        case .string: "a string"
        case .path: "a path"
        case .byte: "a byte"
        case .bytes: "bytes"
        case .actions: "actions"
        }
    }
}

/// The names that an option may have, as an enumeration of the plugin's:
/// `enum CommandBytes: String, OptionChoice { case ignore, accept }`.
public protocol OptionChoice: CaseIterable, RawRepresentable where RawValue == String {}
