// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
import Capture
import Common
import DaemonConfiguration
import LinuxIO
import PluginHost
import Simulator
import Trials

/// `kcssim replay CAPTURE PLUGIN`
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Lets a capture from the field drive a plugin, and compares what the host CPU gets with what it got.",
        discussion: """
            What the host CPU did stands in the capture: whole requests, or bytes where the handler was one of bytes. It \
            happens to the plugin again, with the host's timing and a clock of its own, and the first answer that is \
            another one is shown in the manner of diff. Exit status: 0 all answers are equal, 1 one differs, or nothing \
            can be compared, 64 wrong usage.
            """)

    @Argument(help: "The capture: pcapng, a crash dump or a recorder's file.")
    var capture: String

    @Argument(help: "The plugin: a path with a / in it, or a short name.")
    var plugin: String

    @Option(help: ArgumentHelp("The plugin's options as in the field, in YAML: '{xor: 1}'.", valueName: "yaml"))
    var options: String?

    @Option(help: "The channel of the capture. (default: its only one on which the host does something)")
    var channel: String?

    @Option(
        help: ArgumentHelp(
            "Where to end: a time such as 2026-11-22T17:52:46.5 (UTC), or how long after the first event: 10s.",
            valueName: "time"))
    var until: String?

    @Option(
        name: [.customLong("transcript")],
        help: ArgumentHelp(
            "Write the field's answers as a transcript, which `kcssim plugin` plays, and compare nothing.",
            valueName: "file"))
    var transcript: String?

    @Option(help: ArgumentHelp("What the device was. (default: raw-kcs)", valueName: "type"))
    var device: String?

    @Flag(
        help: """
            Have the plugin served by a kcsmuxd on a simulated device, and play the host in real time; for captures with \
            messages.
            """)
    var daemon = false

    @Option(
        help: ArgumentHelp("How long a call of the plugin may take. (default: 5s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 5_000_000_000

    func validate() throws {
        if daemon && transcript != nil { throw ValidationError("--transcript is made without --daemon") }
        if let options, options.split(separator: "\n").count > 1 {
            throw ValidationError("--options is one line: {key: value}")
        }
    }

    func run() throws {
        let bytes = try reporting { () throws(SystemError) in try Syscalls.readFile(capture, limit: 1 << 30) }
        guard let field = FieldCapture(bytes) else {
            throw HostFailure(
                "\(capture): neither a pcapng capture, nor a crash dump, nor a persistent recorder's file")
        }
        if let damage = field.damage { FileError.say("kcssim: \(capture): \(damage)") }
        let script = try script(field)
        for note in script.notes { say("# \(note)") }
        let folder = try TemporaryFolder.make("kcssim-replay")
        defer { TemporaryFolder.remove(folder) }
        let outcome: TrialProgram.Outcome
        if daemon {
            let rerun = DaemonReplay(plugin: plugin, options: options, folder: folder, timeout: timeout)
            outcome = try rerun.play(script)
        } else {
            let trial = TrialProgram(
                program: CurrentProcess.executable ?? "kcssim", plugin: plugin, folder: folder,
                limit: Quantity.duration(timeout))
            outcome = try trial.play(script.transcript(head: head))
            if outcome.death == nil && outcome.ending != .exited(0) {
                throw HostFailure(Self.bare(outcome.errors))
            }
        }
        try judge(Replay(script, outcome))
    }

    /// What a transcript says before its first step.
    private var head: String {
        var head = "# From \(capture).\n"
        if let device { head += "device: \(device)\n" }
        if let options { head += "options: \(options)\n" }
        return head + "\n"
    }

    private static func bare(_ errors: String) -> String {
        let text = errors.hasSuffix("\n") ? String(errors.dropLast()) : errors
        return text.hasPrefix("Error: ") ? String(text.dropFirst(7)) : text
    }

    private func script(_ field: FieldCapture) throws -> FieldScript {
        let names = field.channels.map(\.name).joined(separator: ", ")
        if let channel {
            guard let found = field.channels.first(where: { $0.name == channel }) else {
                throw HostFailure("\(capture): there is no channel \(channel): one of \(names)")
            }
            return try FieldScript(found, until: try end(found))
        }
        let scripts = try field.channels.compactMap { channel -> FieldScript? in
            let end = try end(channel)
            return try? FieldScript(channel, until: end)
        }
        guard let only = scripts.first else {
            throw HostFailure("\(capture): the host CPU does nothing in this capture")
        }
        guard scripts.count == 1 else {
            throw HostFailure("\(capture): several channels; --channel names one of \(names)")
        }
        return only
    }

    private func end(_ channel: FieldCapture.Channel) throws -> UInt64? {
        guard let until else { return nil }
        if let span = try? Quantity.parse(duration: until) { return (channel.events.first?.time ?? 0) &+ span }
        guard let time = UTCTime.parse(until) else {
            throw ValidationError(
                "--until \(until): neither a time such as 2026-11-22T17:52:46.5 nor a duration such as 10s")
        }
        return time
    }

    private func judge(_ replay: Replay) throws {
        if let transcript {
            try Self.write(replay.transcript(head: head), to: transcript)
            return say("\(transcript): written; play it with kcssim plugin \(plugin) \(transcript)")
        }
        var rest: [String] = []
        if replay.others > 0 { rest.append("\(replay.others) were another handler's") }
        if replay.unknown > 0 { rest.append("of \(replay.unknown) the capture holds no answer") }
        let tail = rest.isEmpty ? "" : " (" + rest.joined(separator: ", ") + ")"
        guard replay.divergence == nil else {
            replay.lines(capture: capture, plugin: plugin).forEach { say($0) }
            throw HostFailure("\(capture): \(replay.equal) answers were equal, and the next is not\(tail)")
        }
        guard replay.equal + replay.others > 0 else {
            throw HostFailure("\(capture): it holds no answer to compare\(tail)")
        }
        say("\(capture): ok, \(replay.equal) answers are equal\(tail)")
    }

    static func write(_ text: String, to path: String) throws {
        try reporting { () throws(SystemError) in
            let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
            try Array(text.utf8).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }.get("write", path)
        }
    }
}
