// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a view of kcsmuxd's immutable values; kcs_plugin.h says that they live as long as the instance, and a plugin's
// declarations live as long as the process.
import CKCSPlugin

/// A checked option, read by the name and as the type that it was declared with.
///
/// A name or a type that was not declared is the plugin's mistake, which the first `create` meets: it is logged, and ends
/// the process. Sendable because nothing ever changes.
public struct OptionValue: @unchecked Sendable {
    let pointer: UnsafePointer<kcs_value>
    private let declared: UnsafePointer<kcs_option>
    private let journal: MistakeJournal

    init(_ pointer: UnsafePointer<kcs_value>, _ declared: UnsafePointer<kcs_option>, _ journal: MistakeJournal) {
        self.pointer = pointer
        self.journal = journal
        let isChoice = declared.pointee.type == UInt32(KCS_OPTION_ONE_OF) && pointer.pointee.type != KCS_OPTION_ABSENT
        self.declared = isChoice ? declared.pointee.children! + Int(pointer.pointee.choice) : declared
    }

    /// What it is: as declared, or the alternative of a one-of that fits.
    public var kind: OptionKind {
        guard let kind = OptionKind(rawValue: pointer.pointee.type) else { mistake("is of a type that is not known") }
        return kind
    }

    /// The value; nil if it has no default and was not given.
    public var ifPresent: OptionValue? { pointer.pointee.type == KCS_OPTION_ABSENT ? nil : self }

    /// It stands in the file, rather than being a default.
    public var isGiven: Bool { pointer.pointee.flags & KCS_VALUE_GIVEN != 0 }

    // MARK: Scalars

    /// A bool.
    public var bool: Bool { scalar(.bool) != 0 }
    /// An integer.
    public var integer: Int64 { scalar(.integer) }
    /// A duration.
    public var duration: Duration { .nanoseconds(UInt64(scalar(.duration))) }
    /// A size in bytes.
    public var size: UInt64 { UInt64(scalar(.size)) }
    /// A byte.
    public var byte: UInt8 { UInt8(truncatingIfNeeded: scalar(.byte)) }

    /// A string.
    public var string: String {
        require(.string)
        return text
    }

    /// A file's name.
    public var path: String {
        require(.path)
        return text
    }

    /// Bytes.
    public var bytes: [UInt8] {
        require(.bytes)
        return [UInt8](utf8)
    }

    /// What a list of actions would do, in one line for a message; empty when kcsmuxd does not say.
    public var actionsText: String {
        require(.actions)
        return text
    }

    /// An enumeration that was declared with the names of `Choice`.
    public func enumeration<Choice: OptionChoice>(as type: Choice.Type) -> Choice {
        require(.enumeration)
        for choice in Choice.allCases where isSame(choice.rawValue) { return choice }
        unknownName()
    }

    // MARK: Values with others in them

    /// The member of an object by its name.
    public subscript(name: StaticString) -> OptionValue {
        require(.object)
        for index in 0..<count {
            let member = declared.pointee.children! + index
            if isSame(member.pointee.key, name) { return OptionValue(pointer.pointee.items![index], member, journal) }
        }
        mistake("has no member ", name)
    }

    /// A list's elements.
    public var elements: [OptionValue] {
        require(.list)
        return (0..<count).map { OptionValue(pointer.pointee.items![$0], declared.pointee.children!, journal) }
    }

    /// A map's entries, in the file's order.
    public var pairs: [(key: OptionValue, value: OptionValue)] {
        require(.map)
        let key = declared.pointee.children!
        return (0..<count / 2).map {
            (
                OptionValue(pointer.pointee.items![2 * $0], key, journal),
                OptionValue(pointer.pointee.items![2 * $0 + 1], key + 1, journal)
            )
        }
    }

    // MARK: Inside

    private var count: Int { Int(pointer.pointee.item_count) }

    private var utf8: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: pointer.pointee.text, count: Int(pointer.pointee.length))
    }

    // Called, rather than inlined where an option is read: that is a plugin's every third line.
    private var text: String { @inline(never) get { String(decoding: utf8, as: UTF8.self) } }

    private func scalar(_ kind: OptionKind) -> Int64 {
        require(kind)
        return pointer.pointee.integer
    }

    @inline(never)
    private func require(_ kind: OptionKind) {
        if pointer.pointee.type != kind.rawValue { mistake("is ", self.kind.name, ", and was read as ", kind.name) }
    }

    @inline(never)
    private func mistake(
        _ first: StaticString, _ second: StaticString = "", _ third: StaticString = "", _ fourth: StaticString = ""
    ) -> Never {
        var text = ""
        for part in [first, second, third, fourth] { text += part.description }
        end(text)
    }

    @inline(never)
    private func unknownName() -> Never {
        end("is " + text + ", for which the enumeration that it is read as has no case")
    }

    private func end(_ text: String) -> Never {
        let name = declared.pointee.key.map { "option " + String(cString: $0) } ?? "the object of options"
        journal.end(self, name + " " + text)
    }

    @inline(never)
    private func isSame(_ name: String) -> Bool {
        let name = [UInt8](name.utf8)
        guard name.count == utf8.count else { return false }
        for index in 0..<name.count where name[index] != utf8[index] { return false }
        return true
    }

    private func isSame(_ key: UnsafePointer<CChar>?, _ name: StaticString) -> Bool {
        guard let key else { return false }
        let length = name.utf8CodeUnitCount
        for index in 0..<length where UInt8(bitPattern: key[index]) != name.utf8Start[index] { return false }
        return key[length] == 0
    }
}

/// Where a plugin's mistakes with its own options are reported before they end the process: only there are words for them in
/// Embedded Swift.
enum MistakeJournal {
    case host(Host)
    case report(OptionReport)

    func end(_ value: OptionValue, _ text: String) -> Never {
        switch self {
        case .host(let host): host.log(.error, text)
        case .report(let report): report.error(value, text)
        }
        fatalError(text)
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
