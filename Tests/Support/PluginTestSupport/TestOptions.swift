// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: builds the C values that a plugin is given. They are never freed: a test makes few.
import CKCSPlugin

/// A plugin's options, built as kcsmuxd builds them: what is not given has its default. A name or a type that the plugin has
/// not declared is the test's mistake, and ends it.
public struct TestOptions {
    let root: UnsafePointer<kcs_value>
    private let declared: [kcs_option]

    /// The options of `plugin`, of which these are given.
    public init(_ plugin: UnsafePointer<kcs_plugin>, _ given: [String: TestValue]) {
        declared = (0..<Int(plugin.pointee.option_count)).map { plugin.pointee.options![$0] }
        root = Self.object(given, declared, "options")
    }

    /// Where a value stands, as `socket.types[2]`, or `actions[1].key`.
    func path(of value: UnsafePointer<kcs_value>) -> String? {
        for (index, option) in declared.enumerated() {
            let path = Self.path(of: value, in: root.pointee.items![index], option, String(cString: option.key!))
            if let path { return path }
        }
        return nil
    }

    private static func path(
        of value: UnsafePointer<kcs_value>, in parent: UnsafePointer<kcs_value>, _ declared: kcs_option, _ path: String
    ) -> String? {
        if value == parent { return path }
        let isChoice = declared.type == KCS_OPTION_ONE_OF
        let kinds = (isChoice ? declared.alternatives[Int(parent.pointee.choice)] : declared).alternatives
        for index in 0..<Int(parent.pointee.item_count) {
            let (kind, name) =
                switch parent.pointee.type {
                case KCS_OPTION_OBJECT: (kinds[index], ".\(String(cString: kinds[index].key!))")
                case KCS_OPTION_MAP: (kinds[index % 2], "[\(index / 2)].\(index % 2 == 0 ? "key" : "value")")
                default: (kinds[0], "[\(index)]")
                }
            if let found = Self.path(of: value, in: parent.pointee.items![index], kind, path + name) { return found }
        }
        return nil
    }

    // MARK: Values

    private static func object(
        _ given: [String: TestValue], _ declared: [kcs_option], _ name: String, _ flags: UInt32 = 0
    ) -> UnsafePointer<kcs_value> {
        var left = given
        let members = declared.map { option in
            let key = String(cString: option.key!)
            return member(left.removeValue(forKey: key), option, "\(name).\(key)")
        }
        precondition(left.isEmpty, "\(name) declares no \(left.keys.sorted())")
        return record(KCS_OPTION_OBJECT, flags, items: members)
    }

    private static func member(_ given: TestValue?, _ declared: kcs_option, _ name: String) -> UnsafePointer<kcs_value>
    {
        if let given { return value(given, declared, name, KCS_VALUE_GIVEN) }
        guard let text = declared.default_yaml.map({ String(cString: $0) }) else {
            precondition(declared.flags & KCS_OPTION_REQUIRED == 0, "\(name) is required")
            return record(KCS_OPTION_ABSENT)
        }
        guard let known = OptionDefault.read(text, declared) else {
            preconditionFailure("\(name) has the default \(text), which the test has to give")
        }
        return value(known, declared, name, 0)
    }

    private static func value(
        _ value: TestValue, _ declared: kcs_option, _ name: String, _ flags: UInt32
    ) -> UnsafePointer<kcs_value> {
        if declared.type == KCS_OPTION_ONE_OF {
            guard let choice = declared.alternatives.firstIndex(where: { $0.type == value.type }) else {
                preconditionFailure("\(name) has no alternative for \(value)")
            }
            let made = Self.value(value, declared.alternatives[choice], name, flags)
            return record(made.pointee) { $0.choice = UInt32(choice) }
        }
        precondition(declared.type == value.type, "\(name) is declared with another type than that of \(value)")
        switch value {
        case .bool(let bool): return record(value.type, flags) { $0.integer = bool ? 1 : 0 }
        case .integer(let integer): return record(value.type, flags) { $0.integer = integer }
        case .duration(let count), .size(let count): return record(value.type, flags) { $0.integer = Int64(count) }
        case .byte(let byte): return record(value.type, flags) { $0.integer = Int64(byte) }
        case .bytes(let bytes): return record(value.type, flags, text: bytes)
        case .string(let text), .path(let text), .actions(let text):
            return record(value.type, flags, text: Array(text.utf8))
        case .enumeration(let text):
            guard let choice = declared.choiceNames.firstIndex(of: text) else {
                preconditionFailure("\(name) cannot be \(text)")
            }
            return record(record(value.type, flags, text: Array(text.utf8)).pointee) { $0.choice = UInt32(choice) }
        case .list(let elements):
            return record(
                value.type, flags, items: elements.map { Self.value($0, declared.alternatives[0], name, flags) })
        case .object(let members): return object(members, declared.alternatives, name, flags)
        case .map(let pairs):
            let kinds = declared.alternatives
            return record(
                value.type, flags,
                items: pairs.flatMap {
                    [Self.value($0.key, kinds[0], name, flags), Self.value($0.value, kinds[1], name, flags)]
                })
        }
    }

    // MARK: C's memory

    private static func record(
        _ type: UInt32, _ flags: UInt32 = 0, text: [UInt8]? = nil, items: [UnsafePointer<kcs_value>]? = nil,
        _ change: (inout kcs_value) -> Void = { _ in }
    ) -> UnsafePointer<kcs_value> {
        var value = kcs_value()
        value.size = UInt32(MemoryLayout<kcs_value>.size)
        value.type = type
        value.flags = flags
        if let text {
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
            for (index, byte) in text.enumerated() { (copy + index).initialize(to: CChar(bitPattern: byte)) }
            (copy + text.count).initialize(to: 0)
            value.text = UnsafePointer(copy)
            value.length = UInt64(text.count)
        }
        if let items {
            let copy = UnsafeMutablePointer<UnsafePointer<kcs_value>>.allocate(capacity: max(items.count, 1))
            copy.initialize(from: items, count: items.count)
            value.items = UnsafePointer(copy)
            value.item_count = UInt64(items.count)
        }
        return record(value, change)
    }

    private static func record(
        _ value: kcs_value, _ change: (inout kcs_value) -> Void
    ) -> UnsafePointer<kcs_value> {
        var value = value
        change(&value)
        let pointer = UnsafeMutablePointer<kcs_value>.allocate(capacity: 1)
        pointer.initialize(to: value)
        return UnsafePointer(pointer)
    }
}

extension kcs_option {
    /// What is declared below it.
    var alternatives: [kcs_option] { (0..<Int(child_count)).map { children![$0] } }

    /// An enumeration's names.
    var choiceNames: [String] {
        var names: [String] = []
        while let name = choices?[names.count] { names.append(String(cString: name)) }
        return names
    }
}

extension TestValue {
    fileprivate var type: UInt32 {
        switch self {
        case .bool: KCS_OPTION_BOOL
        case .integer: KCS_OPTION_INTEGER
        case .duration: KCS_OPTION_DURATION
        case .size: KCS_OPTION_SIZE
        case .byte: KCS_OPTION_BYTE
        case .bytes: KCS_OPTION_BYTES
        case .enumeration: KCS_OPTION_ENUMERATION
        case .string: KCS_OPTION_STRING
        case .path: KCS_OPTION_PATH
        case .list: KCS_OPTION_LIST
        case .actions: KCS_OPTION_ACTIONS
        case .object: KCS_OPTION_OBJECT
        case .map: KCS_OPTION_MAP
        }
    }
}
