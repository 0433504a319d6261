// SPDX-License-Identifier: Apache-2.0

/// The command line, taken apart: options may stand anywhere, before and behind the command.
struct Arguments {
    /// The words that are no options.
    private(set) var words: [String] = []
    private var values: [(name: String, value: String)] = []
    private var flags: [String] = []

    /// Options with a value, and those without. What is known depends on the command, which `only` checks.
    private static let withValue = [
        "--socket", "--output", "--plugin-path", "--trust", "--device", "--channel", "--since", "--until", "--link",
        "--format", "--interval", "--sort",
    ]
    private static let withoutValue = [
        "--json", "--help", "--version", "--all", "--errors", "--names", "--from-oldest", "--messages", "--http",
        "--once",
    ]

    /// Takes the arguments apart, the program's name not among them.
    init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument.is("--") {
                words.append(contentsOf: rest)
                return
            }
            guard argument.utf8.first == UInt8(ascii: "-"), argument.utf8.count > 1 else {
                words.append(argument)
                continue
            }
            var (name, value) = Self.split(argument)
            if name.is("-o") { name = "--output" }
            if name.is("-h") { name = "--help" }
            if Self.withValue.contains(name) {
                guard let given = value ?? rest.popFirst() else {
                    throw Failure(.usage, "\(argument) needs a value")
                }
                values.append((name, given))
            } else if Self.withoutValue.contains(name) {
                if value != nil { throw Failure(.usage, "\(name) takes no value") }
                flags.append(name)
            } else {
                throw unknown("unknown option \(argument)", name, among: Self.withValue + Self.withoutValue)
            }
        }
    }

    private static func split(_ argument: String) -> (name: String, value: String?) {
        guard argument.utf8.starts(with: "--".utf8), let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            return (argument, nil)
        }
        return (String(argument[..<equals]), String(argument[argument.utf8.index(after: equals)...]))
    }

    /// Was it given?
    func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// The value given last.
    func value(_ name: String) -> String? { values.last { $0.name.is(name) }?.value }

    /// All values given.
    func all(_ name: String) -> [String] { values.filter { $0.name.is(name) }.map { $0.value } }

    /// Refuses an option that the command has no use for.
    func only(_ known: [String]) throws(Failure) {
        let common = ["--socket", "--json", "--help", "--version"]
        for name in values.map({ $0.name }) + flags where !common.contains(name) && !known.contains(name) {
            throw Failure(.usage, "this command does not know \(name)")
        }
    }
}
