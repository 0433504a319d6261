// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
import Common
import LinuxIO
import PluginHost
import PluginTrial
import Simulator
import Trials

/// `kcssim fuzz PLUGIN`
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Throws requests, bytes, time and options at a plugin until it does what it must not.",
        discussion: """
            What is thrown follows the plugin's declaration: its request lengths, commands and options. It runs in a process \
            of its own, with a clock of its own. Found are crashes, calls that do not return, memory, descriptors and \
            threads that stay, misuse of kcsmuxd's calls, and replies that answer something else. What is found is made as \
            short as it can be, and written as a transcript, which `kcssim plugin` plays. A seed repeats all of it. Exit \
            status: 0 nothing was found, 1 something was, or the plugin cannot be used, 64 wrong usage.

            Paths among the options are in a folder of the plugin's own, which is removed, unless --options gives others.
            """)

    @Argument(help: "The plugin: a path with a / in it, or a short name.")
    var plugin: String

    @Option(help: ArgumentHelp("What all follows from. (default: a new one, which is printed)", valueName: "number"))
    var seed: UInt64?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long to look. (default: 60s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var duration: UInt64?

    @Option(help: ArgumentHelp("How many runs to make, in place of a time.", valueName: "number"))
    var runs: Int?

    @Option(
        help: ArgumentHelp("Options that stay as they are, in YAML: '{xor: 1}'. (default: varied)", valueName: "yaml"))
    var options: String?

    @Option(
        help: ArgumentHelp(
            "A transcript or a capture whose steps are followed and varied. May be repeated.", valueName: "file"))
    var from: [String] = []

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the transcript goes. (default: printed)", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp("How long a call of the plugin may take. (default: 1s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 1_000_000_000

    @Option(help: .hidden)
    var worker: Int?

    func validate() throws {
        if let runs, runs < 1 { throw ValidationError("--runs \(runs): at least 1") }
        if runs != nil && duration != nil { throw ValidationError("--for and --runs: one of them") }
        if let options, options.contains("\n") { throw ValidationError("--options is one line: {key: value}") }
    }

    func run() throws {
        var plan = FuzzPlan()
        plan.seed = seed ?? UInt64.random(in: 0..<1 << 32)
        plan.options = options
        for file in from { plan.corpus += try Self.corpus(file) }
        if let worker { return try work(plan, first: worker) }
        let loaded = try LoadedPlugin.find(plugin)
        let folder = try TemporaryFolder.make("kcssim-fuzz")
        defer { TemporaryFolder.remove(folder) }
        say(
            "seed \(plan.seed): \(loaded.name) \(loaded.version), \(runs.map { "\($0) runs" } ?? Quantity.duration(span))"
        )
        let trial = TrialProgram(
            program: CurrentProcess.executable ?? "kcssim", plugin: plugin, folder: folder,
            limit: Quantity.duration(timeout), isApart: true)
        let fuzzer = Fuzzer(trial, plan, arguments: arguments)
        let began = Clock.monotonic
        func took() -> String { "\((Clock.monotonic - began) / 1_000_000_000)s" }
        let deadline = runs == nil ? began &+ span : .max
        let found = try fuzzer.search(runs: runs, deadline: deadline) { runs, steps in
            say("\(took()): \(runs) runs, \(steps) steps")
        }
        guard let found else {
            return say("nothing was found in \(fuzzer.runs) runs of \(fuzzer.steps) steps, \(took())")
        }
        try tell(found, "\(fuzzer.runs) runs of \(fuzzer.steps) steps, \(took())")
    }

    private var span: UInt64 { duration ?? 60_000_000_000 }

    private var arguments: [String] {
        // Each process runs in a folder of its own.
        var list = from.flatMap { ["--from", Self.absolute($0)] } + ["--timeout", Quantity.duration(timeout)]
        if let options { list += ["--options", options] }
        return list
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        return ((try? CurrentProcess.workingFolder()).map { $0 + "/" } ?? "") + path
    }

    private func tell(_ found: Fuzzer.Result, _ work: String) throws {
        say("run \(found.run): \(found.finding.text)")
        say(
            found.isCertain
                ? "shrunk from \(found.steps) steps to \(found.left) in \(found.attempts) runs"
                : "it did not show again in a process of its own: these are the \(found.steps) steps of that run")
        if let output {
            try ReplayCommand.write(found.transcript, to: output)
            say("\(output): play it with kcssim plugin \(plugin) \(output)")
        } else {
            say("")
            say(String(found.transcript.dropLast()))
            say("")
        }
        throw HostFailure("\(found.finding.text), found in \(work)")
    }

    private func work(_ plan: FuzzPlan, first: Int) throws {
        let loaded = try LoadedPlugin.find(plugin)
        guard let monitor = CallMonitor(limit: timeout) else { throw HostFailure("there is no thread left") }
        // Beside the options' files: a run finds nothing of the one before.
        let place = try reporting { () throws(SystemError) in try CurrentProcess.workingFolder() }
        guard Path.name(of: place) == "place" else { throw HostFailure("--worker is for kcssim's own processes") }
        let worker = FuzzWorker(loaded, plan, folder: "\(place)/state", monitor) { say($0) }
        try worker.run(first..<first + (runs ?? 1)) {
            for name in (try? Syscalls.list(place)) ?? [] { TemporaryFolder.remove("\(place)/\(name)") }
            mkdir("\(place)/state", 0o700)
        }
    }

    /// The steps of a transcript, or of each channel of a capture.
    private static func corpus(_ file: String) throws -> [[String]] {
        let bytes = try reporting { () throws(SystemError) in try Syscalls.readFile(file, limit: 1 << 28) }
        if let field = FieldCapture(bytes) {
            let scripts = field.channels.compactMap { try? FieldScript($0) }
            guard !scripts.isEmpty else { throw HostFailure("\(file): the host CPU does nothing in this capture") }
            return scripts.map { $0.steps.map(\.text) }
        }
        let steps = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(">") }
        guard !steps.isEmpty else { throw HostFailure("\(file): neither a capture nor a transcript") }
        return [steps.map { $0.dropFirst().split(separator: " ").joined(separator: " ") }.filter { $0 != "poll" }]
    }
}
