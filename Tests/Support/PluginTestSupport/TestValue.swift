// SPDX-License-Identifier: Apache-2.0

/// A checked option as kcsmuxd would hand it to a plugin.
public indirect enum TestValue {
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// Nanoseconds.
    case duration(UInt64)
    /// Bytes.
    case size(UInt64)
    /// A byte.
    case byte(UInt8)
    /// Bytes.
    case bytes([UInt8])
    /// One of the declared names.
    case enumeration(String)
    /// Text.
    case string(String)
    /// An absolute path.
    case path(String)
    /// Elements.
    case list([TestValue])
    /// Actions, with their text.
    case actions(String)
    /// Members by their names; the others have their defaults.
    case object([String: TestValue])
    /// Keys and values.
    case map([(key: TestValue, value: TestValue)])
}
