// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import DaemonConfiguration
import Devices
import PluginHost
import Schema
import YAML

/// Plays a transcript to a plugin, which is loaded and called as kcsmuxd does it, and writes down what the plugin did.
public final class Trial {
    private let plugin: LoadedPlugin
    private let transcript: Transcript
    private let options: Value
    private let stateFolder: String
    private let monitor: CallMonitor

    /// A line of what really happened.
    public struct Line: Equatable, Sendable {
        /// The line of the transcript that it belongs to.
        public let number: Int
        /// `> …` for what happened to the plugin, `< …` for what it did.
        public let text: String
    }

    /// Why there is no trial.
    public struct Refusal: Error, CustomStringConvertible {
        /// One line, or several about options.
        public let description: String
    }

    /// `options` is YAML, in place of those in the transcript.
    public init(
        _ plugin: LoadedPlugin, _ transcript: Transcript, options: String? = nil, stateFolder: String,
        _ monitor: CallMonitor
    ) throws(Refusal) {
        self.plugin = plugin
        self.transcript = transcript
        self.stateFolder = stateFolder
        self.options = try Self.options(plugin, transcript, options)
        let device = "a device of type \(transcript.device.name)"
        if let failure = plugin.check(capabilities: Self.capabilities(transcript), device: device) {
            throw Refusal(description: failure.description)
        }
        self.monitor = monitor
    }

    private static func options(_ plugin: LoadedPlugin, _ transcript: Transcript, _ given: String?) throws(Refusal)
        -> Value
    {
        let text = given.map { Array($0.utf8) } ?? transcript.text
        let diagnostics = Diagnostics(file: given == nil ? transcript.file : "--options", text: text)
        var node = transcript.options
        if given != nil { node = Document.parse(text, diagnostics) }
        let start = node ?? Node(mark: .start, content: .mapping([]))
        var value: Value?
        if !diagnostics.hasErrors {
            value = Checker(diagnostics, owner: "plugin '\(plugin.name)'").check(
                start, plugin.options, at: start.mark, subject: "'options'")
        }
        if let value, !diagnostics.hasErrors { plugin.check(value) { diagnostics.error($1, at: $0) } }
        guard let value, !diagnostics.hasErrors else {
            throw Refusal(description: String(diagnostics.render().dropLast()))
        }
        return value
    }

    private static func capabilities(_ transcript: Transcript) -> UInt32 {
        // As the driver that was posted has it.
        var given = DeviceSpecification(kind: transcript.device, path: "", driver: .early).capabilities
        if transcript.window != nil { given.insert(.window) }
        return given.rawValue
    }

    /// Plays it, and answers what happened; `tell` gets each line as soon as it is known. A transcript that does not begin
    /// with `> start` is started all the same.
    public func play(tell: ((Line) -> Void)? = nil) -> [Line] {
        let instance = begin(tell)
        for line in transcript.lines {
            guard case .step(let step, let text) = line.content else { continue }
            instance.perform(step, text, line: line.number)
        }
        instance.end()
        return instance.lines
    }

    /// Starts and stops it, and nothing else.
    public func live() {
        let instance = begin(nil)
        instance.perform(.start(.boot, stale: 0), "> start", line: 0)
        instance.end()
    }

    func begin(_ tell: ((Line) -> Void)?) -> TrialInstance {
        TrialInstance(
            plugin, options: options, capabilities: Self.capabilities(transcript), windowSize: transcript.window,
            stateFolder: stateFolder, monitor, tell: tell)
    }
}

/// A trial whose steps come one by one, each when it is known what came of those before. Nothing else of its transcript
/// counts than what stands above the first step.
public final class TrialSession {
    private let instance: TrialInstance
    private var count = 0

    /// Nothing happens yet.
    public init(_ trial: Trial, tell: @escaping (Trial.Line) -> Void) { instance = trial.begin(tell) }

    /// Performs what `> text` says. The answer is why that cannot be read, or nil.
    public func perform(_ text: String) -> String? {
        do {
            let step = try Step(text[...])
            count += 1
            instance.perform(step, "> " + text, line: count)
            return nil
        } catch { return error.text }
    }

    /// Stops it, if it runs.
    public func end() { instance.end() }
}
