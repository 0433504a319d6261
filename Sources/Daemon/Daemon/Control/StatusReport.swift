// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Capture
import Common
import DaemonConfiguration
import JSON
import KCS
import LinuxIO
import PluginHost

/// A channel's state and figures as the control socket tells them.
enum StatusReport {
    static func channel(_ channel: Channel) -> JSONValue {
        let configuration = channel.plan.configuration
        let counters = channel.counters
        let now = Clock.real
        var members: [JSONMember] = []
        func add(_ name: String, _ value: JSONValue) { members.append(JSONMember(name, value)) }
        add("name", .string(channel.name))
        add("enabled", .bool(channel.isEnabled))
        add("state", .string(channel.state.name))
        add("reason", .optional(channel.state.reason))
        add("since", .string(UTCTime.milliseconds(channel.since)))
        add("seconds", .unsigned(now > channel.since ? (now - channel.since) / 1_000_000_000 : 0))
        if case .backingOff(let until, _) = channel.state {
            let monotonic = Clock.monotonic
            add("restart_in_ms", .unsigned(until > monotonic ? (until - monotonic) / 1_000_000 : 0))
        }
        if let process = channel.process { add("process", .integer(Int(process.identifier))) }
        add(
            "device", ["type": .string(configuration.device.type.name), "path": .string(configuration.device.path)])
        add("plugins", .array(plugins(channel)))
        add("bytes_in", .unsigned(counters.bytesIn))
        add("bytes_out", .unsigned(counters.bytesOut))
        add("stale", .unsigned(counters.stale))
        add("dropped", .unsigned(counters.dropped))
        add("refused", .unsigned(counters.refused))
        add("replaced", .unsigned(counters.replaced))
        add("restarts", .unsigned(counters.restarts))
        add("crashes", .integer(channel.crashes))
        add("obf_stalls", .unsigned(counters.obfStalls))
        add("slow_calls", .unsigned(counters.slowCalls))
        add("stale_replies", .unsigned(counters.staleReplies))
        add("last_error", .optional(channel.lastError))
        add("last_error_at", channel.lastError == nil ? .null : .string(UTCTime.milliseconds(channel.lastErrorAt)))
        add("transfers", transfers(channel))
        add("latency", latency(channel.context.latency))
        add("capture", capture(channel))
        return .object(members)
    }

    /// Its plugins, with the figures of those that run.
    static func plugins(_ channel: Channel) -> [JSONValue] {
        if let told = channel.process?.plugins, !told.isEmpty { return told }
        // A handler is there while the channel runs; what it would run is known from the plan.
        let planned = channel.plan.handlers.map { $0.plugin }
        var plugins: [JSONValue] = []
        for (index, plugin) in planned.enumerated() {
            var members = [
                JSONMember("name", .string(plugin.name)), JSONMember("version", .string(plugin.version)),
                JSONMember("file", .string(plugin.file.path)),
            ]
            if let handler = channel.handlers.first(where: { $0.index == index }), channel.isRunning {
                members.append(JSONMember("input", .string(inputName(handler.input))))
                members.append(JSONMember("stats", .object(stats(handler))))
            }
            plugins.append(.object(members))
        }
        for failure in channel.plan.failures {
            plugins.append(["file": .string(failure.file), "failure": .string(failure.description)])
        }
        return plugins
    }

    private static func inputName(_ input: Int32) -> String {
        switch input {
        case KCS_INPUT_AUTO: return "auto"
        case KCS_INPUT_MANUAL: return "manual"
        case KCS_INPUT_MESSAGES: return "messages"
        default: return "none"
        }
    }

    /// Figures of a handler at most.
    static let mostFigures = 256

    /// A handler's own figures; the first of those with one name counts.
    private static func stats(_ handler: ChannelHandler) -> [JSONMember] {
        var members: [JSONMember] = []
        func add(_ name: String, _ value: JSONValue) {
            guard members.count < mostFigures, !members.contains(where: { $0.name == name }) else { return }
            members.append(JSONMember(name, value))
        }
        handler.calling(.stats) {
            handler.collectStats(
                number: { add($0.name, .unsigned($0.value)) }, text: { add($0, .string($1)) })
        }
        return members
    }

    private static func transfers(_ channel: Channel) -> JSONValue {
        guard let counters = channel.transferCounters else { return .null }
        return [
            "requests": .unsigned(counters.delivered), "completed": .unsigned(counters.completed),
            "timeouts": .unsigned(counters.expired), "aborted": .unsigned(counters.aborted),
            "abort_commands": .unsigned(counters.abortCommands), "errors": .unsigned(counters.errors),
            "stale_replies": .unsigned(counters.stale), "dropped_bytes": .unsigned(counters.dropped),
            "stray_bytes": .unsigned(counters.strays), "wrong_guesses": .unsigned(counters.wrongGuesses),
        ]
    }

    private static func latency(_ latency: MessageLatency?) -> JSONValue {
        guard let latency else { return .null }
        var answers: [JSONMember] = []
        for kind in CommandClass.allCases where latency.answers[kind.rawValue].count > 0 {
            answers.append(JSONMember(kind.name, histogram(latency.answers[kind.rawValue])))
        }
        return [
            "answer": .object(answers), "fetch": histogram(latency.fetches), "delivery": histogram(latency.deliveries),
        ]
    }

    /// Its buckets that are not empty: the bound, or null, and the count.
    private static func histogram(_ histogram: LatencyHistogram) -> JSONValue {
        var buckets: [JSONValue] = []
        for index in 0..<LatencyHistogram.bucketCount where histogram[index] > 0 {
            let bound = LatencyHistogram.bound(of: index)
            buckets.append(.array([bound.map { .unsigned($0) } ?? .null, .unsigned(histogram[index])]))
        }
        return ["count": .unsigned(histogram.count), "sum_ns": .unsigned(histogram.sum), "buckets": .array(buckets)]
    }

    private static func capture(_ channel: Channel) -> JSONValue {
        let configuration = channel.plan.configuration.capture
        var members = [JSONMember("mode", .string(modeName(configuration.mode)))]
        if let recorder = channel.recorder {
            members.append(JSONMember("capacity", .integer(recorder.capacity)))
            members.append(JSONMember("recorded", .unsigned(recorder.position)))
            members.append(JSONMember("persist", .bool(configuration.persist)))
        }
        if let file = channel.captureFile {
            members.append(JSONMember("path", .optional(file.path)))
            members.append(JSONMember("lost", .unsigned(file.lost)))
            members.append(JSONMember("trouble", .optional(file.trouble)))
        }
        return .object(members)
    }

    private static func modeName(_ mode: CaptureConfiguration.Mode) -> String {
        switch mode {
        case .none: return "none"
        case .ring: return "ring"
        case .file: return "file"
        }
    }
}

/// The answer to `status`: the daemon, then the channels one by one, a few each turn.
final class StatusStream: ControlStream {
    private let head: JSONValue
    private let channels: [Channel]
    private var place = 0
    private static let channelsPerStep = 4
    private var isAsked = false
    private var unanswered = 0

    /// `head` is an object that the list of channels is added to.
    init(_ head: JSONValue, _ channels: [Channel]) {
        self.head = head
        self.channels = channels
    }

    /// Asks the processes of channels for their figures. False: there are none to wait for.
    private func ask(for client: ControlClient) -> Bool {
        isAsked = true
        let processes = channels.filter { $0.isRunning }.compactMap { $0.process }
        unanswered = processes.count
        for process in processes {
            process.ask { [self] in
                unanswered -= 1
                if unanswered == 0 { client.wake() }
            }
        }
        return unanswered > 0
    }

    override func produce(_ client: ControlClient, into buffer: inout [UInt8], limit: Int) -> Progress {
        if !isAsked && ask(for: client) { return .waiting }
        if place == 0 {
            buffer.append(contentsOf: "{\"ok\":true,\"result\":".utf8)
            head.write(to: &buffer)
            // The object goes on.
            buffer.removeLast()
            buffer.append(contentsOf: ",\"channels\":[".utf8)
        }
        let end = min(channels.count, place + Self.channelsPerStep)
        for index in place..<end {
            if index > 0 { buffer.append(UInt8(ascii: ",")) }
            StatusReport.channel(channels[index]).write(to: &buffer)
        }
        place = end
        guard place == channels.count else { return .more }
        buffer.append(contentsOf: "]}}\n".utf8)
        return .done
    }
}
