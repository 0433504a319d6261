// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CLinux
import LinuxIO
import PluginHost
import PluginTrial
import Simulator
import Trials

/// `kcssim plugin FILE TRANSCRIPT`
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "Plays a transcript to a plugin, and compares what it does.",
        discussion: """
            The plugin is loaded and called as kcsmuxd does it, without a device and with a clock of its own: no hardware, \
            no waiting. A transcript is a text: lines that begin with > happen to the plugin, those with < are what it \
            must do. What differs is printed in the manner of diff. Exit status: 0 nothing differs, 1 something does, or \
            the plugin cannot be used, 64 wrong usage.

            An example: options: {xor: 0xFF}
                        > data 0x01 0x02
                        < odr 0xfe
                        < odr 0xfd
            """)

    @Argument(help: "The plugin: a path with a / in it, or a short name.")
    var plugin: String

    @Argument(help: "The transcript.")
    var transcript: String

    @Option(help: ArgumentHelp("Options in place of the transcript's, in YAML: '{xor: 1}'.", valueName: "yaml"))
    var options: String?

    @Option(
        name: .customLong("ignore"),
        help: ArgumentHelp("Lines that do not count, by their first word: log, annotate, stat, … May be repeated."))
    var ignored: [String] = []

    @Option(help: "The plugin's state folder. (default: a new one, which is removed)")
    var state: String?

    @Option(
        help: ArgumentHelp("How long a call of the plugin may take. (default: 5s)", valueName: "duration"),
        transform: usage(CommandWord.duration))
    var timeout: UInt64 = 5_000_000_000

    @Flag(help: "Print what happens as a transcript, instead of comparing.")
    var record = false

    @Option(
        help: ArgumentHelp(
            "Play it so many times more in the same process; memory, descriptors or threads that grow each time are "
                + "an error.", valueName: "number"))
    var `repeat`: Int?

    func validate() throws {
        if let `repeat`, !(1...10_000).contains(`repeat`) { throw ValidationError("--repeat \(`repeat`): 1 to 10000") }
    }

    func run() throws {
        let text: Transcript
        do {
            text = try Transcript(try reporting(read), file: transcript)
        } catch let malformed as Transcript.Malformed {
            FileError.say(malformed.description)
            throw ExitCode(64)
        }
        let loaded = try LoadedPlugin.find(plugin)
        let folder = try state ?? TemporaryFolder.make("kcssim-plugin")
        defer { if state == nil { TemporaryFolder.remove(folder) } }
        guard let monitor = CallMonitor(limit: timeout) else { throw HostFailure("there is no thread left") }
        let trial: Trial
        do {
            trial = try Trial(loaded, text, options: options, stateFolder: folder, monitor)
        } catch { throw HostFailure(error.description) }
        let happened = trial.play { line in if record { say(line.text) } }
        if let count = `repeat`, let growth = Growth.measure(count, live: trial.live, play: { _ = trial.play() }) {
            throw HostFailure("\(transcript): each time that it is played, \(growth)")
        }
        if record { return }
        let difference = Difference(text, happened, ignoring: ignored)
        guard difference.isEmpty else {
            difference.lines(file: transcript, plugin: loaded.file.path).forEach { say($0) }
            throw HostFailure("\(transcript):\(difference.firstLine ?? 1): the plugin does something else")
        }
        say("\(transcript): ok, \(happened.count) lines")
    }

    private func read() throws(SystemError) -> [UInt8] { try Syscalls.readFile(transcript, limit: 1 << 20) }
}

extension LoadedPlugin {
    /// Finds and loads one, whoever owns its file.
    static func find(_ name: String) throws -> LoadedPlugin {
        let loader = PluginLoader(folders: PluginLoader.searchPath([]), trust: .any)
        switch loader.load(name) {
        case .success(let plugin): return plugin
        case .failure(let failure): throw HostFailure(failure.description)
        }
    }
}

/// Lines about a file, as compilers write them.
enum FileError {
    /// On standard error.
    static func say(_ text: String) { _ = Array((text + "\n").utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) } }
}
