// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: builds the C values that a plugin is given. They are never freed: a test makes few.
import CKCSPlugin

/// A checked option as kcsmuxd would hand it to a plugin.
public indirect enum TestValue {
    /// Not given, and without default.
    case absent
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// Nanoseconds.
    case duration(UInt64)
    /// A byte.
    case byte(UInt8)
    /// Bytes.
    case bytes([UInt8])
    /// A choice, by its index.
    case enumeration(Int, String)
    /// Bytes.
    case size(UInt64)
    /// Text.
    case string(String)
    /// An absolute path.
    case path(String)
    /// Elements.
    case list([TestValue])
    /// Actions, with their text.
    case actions(String)
    /// Named members in the order of declaration.
    case object([TestValue])
    /// Keys and values.
    case map([(key: TestValue, value: TestValue)])

    /// The value in C's memory.
    public func make() -> UnsafePointer<kcs_value> {
        let pointer = UnsafeMutablePointer<kcs_value>.allocate(capacity: 1)
        var value = kcs_value()
        value.size = UInt32(MemoryLayout<kcs_value>.size)
        switch self {
        case .absent: value.type = UInt32(KCS_OPTION_ABSENT)
        case .bool(let bool):
            value.type = UInt32(KCS_OPTION_BOOL)
            value.integer = bool ? 1 : 0
        case .integer(let integer):
            value.type = UInt32(KCS_OPTION_INTEGER)
            value.integer = integer
        case .duration(let nanoseconds):
            value.type = UInt32(KCS_OPTION_DURATION)
            value.integer = Int64(nanoseconds)
        case .byte(let byte):
            value.type = UInt32(KCS_OPTION_BYTE)
            value.integer = Int64(byte)
        case .bytes(let bytes):
            value.type = UInt32(KCS_OPTION_BYTES)
            setText(&value, bytes)
        case .enumeration(let choice, let name):
            value.type = UInt32(KCS_OPTION_ENUMERATION)
            value.choice = UInt32(choice)
            setText(&value, Array(name.utf8))
        case .actions(let text):
            value.type = UInt32(KCS_OPTION_ACTIONS)
            setText(&value, Array(text.utf8))
        case .size(let bytes):
            value.type = UInt32(KCS_OPTION_SIZE)
            value.integer = Int64(bytes)
        case .string(let text):
            value.type = UInt32(KCS_OPTION_STRING)
            setText(&value, Array(text.utf8))
        case .path(let path):
            value.type = UInt32(KCS_OPTION_PATH)
            setText(&value, Array(path.utf8))
        case .list(let elements):
            value.type = UInt32(KCS_OPTION_LIST)
            setItems(&value, elements)
        case .object(let members):
            value.type = UInt32(KCS_OPTION_OBJECT)
            setItems(&value, members)
        case .map(let pairs):
            value.type = UInt32(KCS_OPTION_MAP)
            setItems(&value, pairs.flatMap { [$0.key, $0.value] })
        }
        pointer.initialize(to: value)
        return UnsafePointer(pointer)
    }

    private func setText(_ value: inout kcs_value, _ bytes: [UInt8]) {
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { (text + index).initialize(to: CChar(bitPattern: byte)) }
        (text + bytes.count).initialize(to: 0)
        value.text = UnsafePointer(text)
        value.length = UInt64(bytes.count)
    }

    private func setItems(_ value: inout kcs_value, _ values: [TestValue]) {
        let items = UnsafeMutablePointer<UnsafePointer<kcs_value>>.allocate(capacity: max(values.count, 1))
        for (index, item) in values.enumerated() { (items + index).initialize(to: item.make()) }
        value.items = UnsafePointer(items)
        value.item_count = UInt64(values.count)
    }
}
