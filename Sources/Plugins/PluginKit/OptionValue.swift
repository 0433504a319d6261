// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a view of kcsmuxd's immutable values; kcs_plugin.h says that they live as long as the instance.
import CKCSPlugin

/// A checked option. Asking it for a type that was not declared is the plugin's mistake and traps.
public struct OptionValue {
    let pointer: UnsafePointer<kcs_value>

    /// An optional member without default that was not given.
    public var isAbsent: Bool { pointer.pointee.type == UInt32(KCS_OPTION_ABSENT) }
    /// It stands in the file, rather than being a default.
    public var isGiven: Bool { pointer.pointee.flags & UInt32(KCS_VALUE_GIVEN) != 0 }

    /// A bool.
    public var bool: Bool { scalar(UInt32(KCS_OPTION_BOOL)) != 0 }
    /// An integer.
    public var integer: Int64 { scalar(UInt32(KCS_OPTION_INTEGER)) }
    /// A duration in nanoseconds.
    public var duration: UInt64 { UInt64(scalar(UInt32(KCS_OPTION_DURATION))) }
    /// A size in bytes.
    public var size: UInt64 { UInt64(scalar(UInt32(KCS_OPTION_SIZE))) }
    /// A byte.
    public var byte: UInt8 { UInt8(truncatingIfNeeded: scalar(UInt32(KCS_OPTION_BYTE))) }
    /// Which alternative of a one-of fits, or which name of an enumeration it is.
    public var choice: Int { Int(pointer.pointee.choice) }

    /// A string, a path, or an enumeration's name.
    public var string: String {
        guard let text = pointer.pointee.text else { preconditionFailure("the option is not text") }
        return String(cString: text)
    }

    /// What a list of actions would do, in one line for a message; empty when kcsmuxd does not say.
    public var actionsText: String {
        precondition(pointer.pointee.type == UInt32(KCS_OPTION_ACTIONS), "the option is not actions")
        return pointer.pointee.text.map { String(cString: $0) } ?? ""
    }

    /// Bytes.
    public var bytes: [UInt8] {
        precondition(pointer.pointee.type == UInt32(KCS_OPTION_BYTES), "the option is not bytes")
        guard let text = pointer.pointee.text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: Int(pointer.pointee.length)))
    }

    /// An object's members in the order of declaration, a list's elements, or a map's keys and values in turn.
    public var count: Int { Int(pointer.pointee.item_count) }

    /// A member, an element, or a map's key or value.
    public subscript(index: Int) -> OptionValue {
        precondition(index >= 0 && index < count, "the option has no such member")
        return OptionValue(pointer: pointer.pointee.items![index])
    }

    /// A map's entries.
    public var pairs: [(key: OptionValue, value: OptionValue)] {
        precondition(pointer.pointee.type == UInt32(KCS_OPTION_MAP), "the option is not a map")
        return (0..<count / 2).map { (self[2 * $0], self[2 * $0 + 1]) }
    }

    private func scalar(_ type: UInt32) -> Int64 {
        precondition(pointer.pointee.type == type, "the option is of another type")
        return pointer.pointee.integer
    }
}

/// Takes what a plugin's own check finds wrong.
public struct OptionReport {
    let pointer: UnsafePointer<kcs_report>

    /// Rejects a value, with its place in the file.
    public func error(_ value: OptionValue, _ text: String) {
        text.withCString { pointer.pointee.error(pointer.pointee.ctx, value.pointer, $0) }
    }
}
