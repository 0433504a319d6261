// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a declaration becomes C memory that lives as long as the process, as the ABI asks.
import CKCSPlugin

/// An option as a plugin declares it: kcsmuxd checks the YAML file against it and prints its help.
public struct OptionDeclaration: Sendable {
    private let key: StaticString?
    private let help: StaticString?
    private let defaultYAML: String?
    private let type: UInt32
    private let bounds: ClosedRange<Int64>?
    private let choices: [String]
    private let children: [OptionDeclaration]
    private let isRequired: Bool

    // Not inlined: a plugin declares dozens of options.
    @inline(never)
    private init(
        _ type: UInt32, _ key: StaticString?, _ help: StaticString?, _ defaultYAML: String?,
        bounds: ClosedRange<Int64>? = nil, choices: [String] = [], children: [OptionDeclaration] = [],
        isRequired: Bool = false
    ) {
        self.key = key
        self.help = help
        self.defaultYAML = defaultYAML
        self.type = type
        self.bounds = bounds
        self.choices = choices
        self.children = children
        self.isRequired = isRequired
    }

    /// `true` or `false`.
    @inline(never)
    public static func bool(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_BOOL), key, help, value, isRequired: required)
    }

    /// A whole number.
    @inline(never)
    public static func integer(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_INTEGER), key, help, value, bounds: bounds, isRequired: required)
    }

    /// A duration.
    @inline(never)
    public static func duration(
        _ key: StaticString?, _ bounds: ClosedRange<Duration>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(
            UInt32(KCS_OPTION_DURATION), key, help, value,
            bounds: bounds.map { Int64($0.lowerBound.nanoseconds)...Int64($0.upperBound.nanoseconds) },
            isRequired: required)
    }

    /// A size; bounds in bytes.
    @inline(never)
    public static func size(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_SIZE), key, help, value, bounds: bounds, isRequired: required)
    }

    /// Text; bounds are of its length in bytes.
    @inline(never)
    public static func string(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_STRING), key, help, value, bounds: bounds, isRequired: required)
    }

    /// A file's name; a relative one counts from kcsmuxd's working folder.
    @inline(never)
    public static func path(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_PATH), key, help, value, isRequired: required)
    }

    /// A byte: a number, or one character.
    @inline(never)
    public static func byte(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_BYTE), key, help, value, isRequired: required)
    }

    /// Bytes: a list, or a string; bounds are of their number.
    @inline(never)
    public static func bytes(
        _ key: StaticString?, _ bounds: ClosedRange<Int64>? = nil, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_BYTES), key, help, value, bounds: bounds, isRequired: required)
    }

    /// One of the names of `Choice`.
    public static func enumeration<Choice: OptionChoice>(
        _ key: StaticString?, of type: Choice.Type, default value: Choice? = nil, required: Bool = false,
        help: StaticString? = nil
    ) -> OptionDeclaration {
        var names: [String] = []
        for choice in Choice.allCases { names.append(choice.rawValue) }
        return choice(key, names, value?.rawValue, required, help)
    }

    @inline(never)
    private static func choice(
        _ key: StaticString?, _ names: [String], _ value: String?, _ required: Bool, _ help: StaticString?
    ) -> OptionDeclaration {
        OptionDeclaration(
            UInt32(KCS_OPTION_ENUMERATION), key, help, value, choices: names, isRequired: required)
    }

    /// A list of actions, for `runActions`.
    @inline(never)
    public static func actions(
        _ key: StaticString?, default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_ACTIONS), key, help, value, isRequired: required)
    }

    /// A list of values of one kind; bounds are of their number.
    @inline(never)
    public static func list(
        _ key: StaticString?, of element: OptionDeclaration, _ bounds: ClosedRange<Int64>? = nil,
        default value: String? = nil, required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(
            UInt32(KCS_OPTION_LIST), key, help, value, bounds: bounds, children: [element], isRequired: required)
    }

    /// A map of keys of one kind to values of another.
    @inline(never)
    public static func map(
        _ key: StaticString?, from: OptionDeclaration, to: OptionDeclaration, default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_MAP), key, help, value, children: [from, to], isRequired: required)
    }

    /// Named members.
    @inline(never)
    public static func object(
        _ key: StaticString?, _ members: [OptionDeclaration], default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_OBJECT), key, help, value, children: members, isRequired: required)
    }

    /// The first of several kinds that fits.
    @inline(never)
    public static func oneOf(
        _ key: StaticString?, _ alternatives: [OptionDeclaration], default value: String? = nil,
        required: Bool = false, help: StaticString? = nil
    ) -> OptionDeclaration {
        OptionDeclaration(UInt32(KCS_OPTION_ONE_OF), key, help, value, children: alternatives, isRequired: required)
    }

    /// All options of a plugin, as the object that they are in.
    static func root(_ members: [OptionDeclaration]) -> UnsafePointer<kcs_option> {
        table([.object(nil, members)])!
    }

    /// The declarations as C has them, for the life of the process.
    static func table(_ declarations: [OptionDeclaration]) -> UnsafePointer<kcs_option>? {
        guard !declarations.isEmpty else { return nil }
        let table = UnsafeMutablePointer<kcs_option>.allocate(capacity: declarations.count)
        for (index, declaration) in declarations.enumerated() {
            (table + index).initialize(to: declaration.record)
        }
        return UnsafePointer(table)
    }

    private var record: kcs_option {
        var flags = isRequired ? UInt32(KCS_OPTION_REQUIRED) : 0
        if bounds != nil { flags |= UInt32(KCS_OPTION_BOUNDED) }
        return kcs_option(
            key: key.map(cString), help: help.map(cString),
            default_yaml: defaultYAML.map { UnsafePointer(copyForC($0)) }, type: type,
            flags: flags, minimum: bounds?.lowerBound ?? 0, maximum: bounds?.upperBound ?? 0, choices: choiceTable,
            children: Self.table(children), child_count: UInt64(children.count))
    }

    private var choiceTable: UnsafePointer<UnsafePointer<CChar>?>? {
        guard !choices.isEmpty else { return nil }
        let table = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: choices.count + 1)
        for (index, choice) in choices.enumerated() { (table + index).initialize(to: UnsafePointer(copyForC(choice))) }
        (table + choices.count).initialize(to: nil)
        return UnsafePointer(table)
    }
}
