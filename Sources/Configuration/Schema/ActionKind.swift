// SPDX-License-Identifier: Apache-2.0
//
// All that there is to say about a kind of action, but how it is run. Who adds one touches
//   Sources/Configuration/Schema/ActionKind.swift       its case, its row in the table, its words: here
//   Sources/Daemon/Daemon/Services/ActionRunner.swift   how it is run, where the compiler asks for it
//   README.md                                           the list of actions
// and, if it needs something of the daemon that no other kind has, `ActionRunner.Services`, which Supervisor.swift fills.
// Checking, suggestions, `timeout`, `else` and the JSON Schema follow from the table.
import Common

/// The kinds of things to do, each with what its key holds.
public enum ActionKind: Equatable, Sendable {
    /// Write a line to the log.
    case log(String)
    /// Dump the flight recorder.
    case capture(CaptureScope)
    /// Sync, then write one character, a-z or 0-9, to the kernel's sysrq trigger.
    case sysrq(letter: UInt8)
    /// Run a program, its absolute path first.
    case exec([String])
    /// Let time pass.
    case wait(TimeSpan)
    /// Have one of OpenBMC's services do something, through kcsmux-dbus.
    case bus(BusTask)

    /// Whose flight recorders.
    public enum CaptureScope: String, Words {
        /// That of the channel.
        case channel
        /// Those of all channels.
        case all
    }
}

extension ActionKind {
    /// The kinds in the order in which messages name them.
    static let table: [ActionDeclaration] =
        [
            ActionDeclaration(
                OptionShape(.string, key: "log", help: "Write this line to the log.", minimum: 1, maximum: 1024),
                timeout: .seconds(1)
            ) { value throws(ActionFault) in value.text.map { .log($0) } },
            ActionDeclaration(
                OptionShape(
                    .enumeration, key: "capture",
                    help: "Write the flight recorder of the channel, or of all, to a file.",
                    choices: CaptureScope.words),
                timeout: .seconds(10)
            ) { value throws(ActionFault) in value.enumeration(as: CaptureScope.self).map { .capture($0) } },
            ActionDeclaration(
                OptionShape(
                    .enumeration, key: "sysrq", help: "Sync, then write one character, a-z or 0-9, to sysrq_path.",
                    choices: letters.map { String(UnicodeScalar($0)) }, phrase: "one character, a-z or 0-9"),
                timeout: .seconds(20)
            ) { value throws(ActionFault) in (value.word?.utf8.first).map { .sysrq(letter: $0) } },
            ActionDeclaration(
                OptionShape(
                    .list, key: "exec", help: "Run a program, without a shell: its absolute path and its arguments.",
                    minimum: 1, maximum: 64, children: [OptionShape(.string, maximum: 4096)]),
                timeout: .seconds(30)
            ) { value throws(ActionFault) in
                let elements = value.list ?? []
                let arguments = elements.compactMap { $0.text }
                guard let first = arguments.first, arguments.count == elements.count else { return nil }
                guard first.utf8.first == UInt8(ascii: "/") else {
                    throw ActionFault(wanted: "a program's absolute path first", found: first, mark: elements[0].mark)
                }
                return .exec(arguments)
            },
            ActionDeclaration(
                OptionShape(.duration, key: "wait", help: "Let time pass.", maximum: 86_400_000_000_000),
                // Longer than any wait.
                timeout: .hours(25)
            ) { value throws(ActionFault) in value.duration.map { .wait($0) } },
        ] + busTable

    /// In words: "exec /usr/bin/x", "capture all", "sysrq c", "wait 5s", "log".
    public var words: String {
        switch self {
        case .log: return "log"
        case .capture(let scope): return "capture \(scope.rawValue)"
        case .sysrq(let letter): return "sysrq \(Character(UnicodeScalar(letter)))"
        case .exec(let arguments): return "exec \(arguments.first ?? "")"
        case .wait(let time): return "wait \(time.text)"
        case .bus(let task): return task.words
        }
    }

    /// The key that names the kind, and what it holds, as the file has them.
    public var member: (key: String, payload: Value.Payload) {
        switch self {
        case .log(let text): return ("log", .string(text))
        case .capture(let scope): return ("capture", .enumeration(scope.rawValue))
        case .sysrq(let letter): return ("sysrq", .enumeration(String(UnicodeScalar(letter))))
        case .exec(let arguments):
            return (
                "exec",
                .list(arguments.map { Value(type: .string, mark: .start, isGiven: true, payload: .string($0)) })
            )
        case .wait(let time): return ("wait", .duration(time))
        case .bus(let task): return (task.arguments[0], task.held)
        }
    }

    private static var letters: [UInt8] {
        Array(UInt8(ascii: "a")...UInt8(ascii: "z")) + Array(UInt8(ascii: "0")...UInt8(ascii: "9"))
    }
}
