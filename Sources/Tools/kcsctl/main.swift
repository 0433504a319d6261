// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import JSON
import LinuxIO
import PluginHost
import Schema

/// Does what the command line says.
func run(_ arguments: Arguments) throws(Failure) {
    let words = arguments.words
    if arguments.has("--version") {
        return try Output.print(["kcsctl \(Version.text)", "plugin ABI \(Version.abi)", "build \(Version.build)"])
    }
    if arguments.has("--help") { return try Output.print([HelpText.command(words) ?? HelpText.program]) }
    guard let command = words.first else { throw Failure(.usage, "what is to be done?") }
    let socket = arguments.value("--socket") ?? Connection.usualPath
    switch command {
    case "status":
        try arguments.only(["--names"])
        try DaemonCommands(arguments, socket).status(try operand(words, optional: true, "CHANNEL"))
    case "start", "stop", "restart", "reset":
        try arguments.only([])
        try DaemonCommands(arguments, socket).operate(command, try operand(words, "CHANNEL"))
    case "reload":
        try arguments.only([])
        try none(words)
        try DaemonCommands(arguments, socket).reload()
    case "log-level":
        try arguments.only([])
        try DaemonCommands(arguments, socket).logLevel(try operand(words, optional: true, "LEVEL"))
    case "top":
        try arguments.only(["--interval", "--once", "--sort"])
        try none(words)
        let top = try TopCommand(arguments, socket)
        if !arguments.has("--once"), let screen = Screen() { try top.run(on: screen) } else { try top.once() }
    case "metrics":
        try arguments.only(["--format", "--http", "--output"])
        try none(words)
        try MetricsCommand(arguments, socket).run()
    case "decode":
        try arguments.only(["--channel", "--since", "--until", "--errors", "--messages", "--link", "--output"])
        var decode = DecodeCommand(arguments)
        try decode.run(Array(words.dropFirst()))
    case "plugin": try plugin(arguments, Array(words.dropFirst()))
    case "capture": try capture(arguments, Array(words.dropFirst()), socket)
    default: throw unknown("there is no command \(command)", command, among: HelpText.commands)
    }
}

/// A word that is none of those that are known, with the one that was probably meant.
func unknown(_ sentence: String, _ word: String?, among known: [String]) -> Failure {
    let meant = word.flatMap { Suggestion.of($0, among: known) }
    return Failure(.usage, sentence + (meant.map { "; did you mean \($0)?" } ?? ""))
}

func plugin(_ arguments: Arguments, _ words: [String]) throws(Failure) {
    switch words.first {
    case "list":
        try arguments.only(["--plugin-path", "--trust"])
        try none(words)
        try PluginCommands(arguments).list()
    case "info":
        try arguments.only(["--plugin-path", "--trust", "--device"])
        try PluginCommands(arguments).info(try operand(words, "NAME or PATH"))
    case let word: throw unknown("plugin needs one of list, info", word, among: ["list", "info"])
    }
}

func capture(_ arguments: Arguments, _ words: [String], _ socket: String) throws(Failure) {
    let commands = CaptureCommands(arguments, socket: socket)
    switch words.first {
    case "dump":
        try arguments.only(["--all", "--output"])
        try commands.dump(try operand(words, optional: true, "CHANNEL"))
    case "follow":
        try arguments.only(["--from-oldest"])
        try commands.follow(try operand(words, "CHANNEL"))
    case "convert":
        try arguments.only(["--output"])
        try commands.convert(try operand(words, "RAW"))
    case let word:
        throw unknown("capture needs one of dump, follow, convert", word, among: ["dump", "follow", "convert"])
    }
}

/// The one word behind a command.
func operand(_ words: [String], _ name: String) throws(Failure) -> String {
    guard let word = try operand(words, optional: true, name) else {
        throw Failure(.usage, "\(words[0]) needs \(name)")
    }
    return word
}

func operand(_ words: [String], optional: Bool, _ name: String) throws(Failure) -> String? {
    if words.count > 2 { throw Failure(.usage, "\(words[0]) takes one \(name), and there is \(words[2])") }
    return words.count == 2 ? words[1] : nil
}

func none(_ words: [String]) throws(Failure) {
    if words.count > 1 { throw Failure(.usage, "\(words[0]) takes nothing, and there is \(words[1])") }
}

/// Runs, and says what went wrong: on standard error, and with --json on standard output too.
func start() -> Int32 {
    // Whoever reads the output may leave at any time.
    Signals.ignore(SIGPIPE)
    let words = Array(CurrentProcess.arguments.dropFirst())
    do throws(Failure) {
        try run(try Arguments(words))
        return ExitStatus.success.rawValue
    } catch {
        if words.contains("--json") && !error.text.isEmpty { try? Output.print(["error": error.object]) }
        if !error.text.isEmpty { Output.say(error.text) }
        if error.status == .usage { Output.say("try kcsctl --help") }
        return error.status.rawValue
    }
}

exit(start())
