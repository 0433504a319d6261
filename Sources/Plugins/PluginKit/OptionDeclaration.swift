// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a declaration is C memory that lives as long as the process, as the ABI asks.
import CKCSPlugin

/// An option as a plugin declares it: kcsmuxd checks the YAML file against it and prints its help.
///
/// Sendable because what it stands for never changes once it is made.
public struct OptionDeclaration: @unchecked Sendable {
    // What C sees, made at once, and for the life of the process. A plugin declares dozens of options: handing their parts on
    // would be half of its code.
    private let record: UnsafePointer<kcs_option>

    /// Inlined, so that of what is a literal only its address is left.
    @inline(__always)
    private static func declare(
        _ type: UInt32, _ key: StaticString?, _ help: StaticString?, _ value: String?, _ isRequired: Bool,
        _ bounds: ClosedRange<Int64>? = nil, _ children: [OptionDeclaration] = [], owned: Bool = false
    ) -> OptionDeclaration {
        let flags =
            (isRequired ? KCS_OPTION_REQUIRED : 0) | (bounds == nil ? 0 : KCS_OPTION_BOUNDED)
            | (owned ? KCS_OPTION_OWNED : 0)
        return OptionDeclaration(
            type, flags, key.map(cString), help.map(cString), value, bounds?.lowerBound ?? 0,
            bounds?.upperBound ?? 0, children)
    }

    @inline(never)
    private init(
        _ type: UInt32, _ flags: UInt32, _ key: UnsafePointer<CChar>?, _ help: UnsafePointer<CChar>?, _ value: String?,
        _ minimum: Int64, _ maximum: Int64, _ children: [OptionDeclaration],
        choices: UnsafePointer<UnsafePointer<CChar>?>? = nil
    ) {
        let record = UnsafeMutablePointer<kcs_option>.allocate(capacity: 1)
        record.initialize(
            to: kcs_option(
                key: key, help: help, default_yaml: value.map { UnsafePointer(copyForC($0)) }, type: type, flags: flags,
                minimum: minimum, maximum: maximum, choices: choices, children: Self.table(children),
                child_count: UInt64(children.count)))
        self.record = UnsafePointer(record)
    }

    /// `true` or `false`.
    @inline(__always)
    public static func bool(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_BOOL, key, help, value, required)
    }

    /// A whole number.
    @inline(__always)
    public static func integer(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_INTEGER, key, help, value, required, bounds)
    }

    /// A duration.
    @inline(__always)
    public static func duration(
        _ key: StaticString?, _ bounds: ClosedRange<Duration>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(
            KCS_OPTION_DURATION, key, help, value, required,
            bounds.map { Int64($0.lowerBound.nanoseconds)...Int64($0.upperBound.nanoseconds) })
    }

    /// A size; bounds in bytes.
    @inline(__always)
    public static func size(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_SIZE, key, help, value, required, bounds)
    }

    /// Text; bounds are of its length in bytes.
    @inline(__always)
    public static func string(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_STRING, key, help, value, required, bounds)
    }

    /// A file's name; a relative one counts from kcsmuxd's working folder.
    @inline(__always)
    public static func path(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, owned: Bool = false,
        help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_PATH, key, help, value, required, owned: owned)
    }

    /// A byte: a number, or one character.
    @inline(__always)
    public static func byte(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_BYTE, key, help, value, required)
    }

    /// Bytes: a list, or a string; bounds are of their number.
    @inline(__always)
    public static func bytes(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_BYTES, key, help, value, required, bounds)
    }

    /// One of the names of `Choice`.
    public static func enumeration<Choice: OptionChoice>(
        _ key: StaticString?, of type: Choice.Type, default value: Choice? = nil, required: Bool = false,
        help: StaticString? = nil
    ) -> OptionDeclaration {
        var names: [String] = []
        for choice in Choice.allCases { names.append(choice.rawValue) }
        return OptionDeclaration(
            KCS_OPTION_ENUMERATION, required ? KCS_OPTION_REQUIRED : 0, key.map(cString),
            help.map(cString), value?.rawValue, 0, 0, [], choices: choiceTable(names))
    }

    /// A list of actions, for `runActions`.
    @inline(__always)
    public static func actions(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_ACTIONS, key, help, value, required)
    }

    /// A list of values of one kind; bounds are of their number.
    @inline(__always)
    public static func list(
        _ key: StaticString?, of element: OptionDeclaration, _ bounds: ClosedRange<Int64>? = nil,
        default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_LIST, key, help, value, required, bounds, [element])
    }

    /// A map of keys of one kind to values of another.
    @inline(__always)
    public static func map(
        _ key: StaticString?, from: OptionDeclaration, to: OptionDeclaration, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_MAP, key, help, value, required, nil, [from, to])
    }

    /// Named members.
    @inline(__always)
    public static func object(
        _ key: StaticString?, _ members: [OptionDeclaration], default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_OBJECT, key, help, value, required, nil, members)
    }

    /// The first of several kinds that fits.
    @inline(__always)
    public static func oneOf(
        _ key: StaticString?, _ alternatives: [OptionDeclaration], default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        declare(KCS_OPTION_ONE_OF, key, help, value, required, nil, alternatives)
    }

    /// All options of a plugin, as the object that they are in.
    static func root(_ members: [OptionDeclaration]) -> UnsafePointer<kcs_option> {
        table([.object(nil, members)])!
    }

    /// The declarations as C has them, for the life of the process.
    static func table(_ declarations: [OptionDeclaration]) -> UnsafePointer<kcs_option>? {
        guard !declarations.isEmpty else { return nil }
        // The records may stand in another table, too, and stay. Behind this one are pointers to them: what nothing points to
        // is lost, to a leak checker.
        let length = declarations.count * MemoryLayout<kcs_option>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: length + declarations.count * MemoryLayout<UnsafePointer<kcs_option>>.stride,
            alignment: MemoryLayout<kcs_option>.alignment)
        let table = memory.bindMemory(to: kcs_option.self, capacity: declarations.count)
        let records = (memory + length).bindMemory(to: UnsafePointer<kcs_option>.self, capacity: declarations.count)
        for (index, declaration) in declarations.enumerated() {
            (table + index).initialize(to: declaration.record.pointee)
            (records + index).initialize(to: declaration.record)
        }
        return UnsafePointer(table)
    }

    private static func choiceTable(_ choices: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        let table = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: choices.count + 1)
        for (index, choice) in choices.enumerated() { (table + index).initialize(to: UnsafePointer(copyForC(choice))) }
        (table + choices.count).initialize(to: nil)
        return UnsafePointer(table)
    }
}
