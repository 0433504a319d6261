// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import Capture
import Common
import Events
import JSON
import LinuxIO
import PluginHost
import Schema
import YAML

/// The requests of the control socket: each is an object with `command`, and the members that the command knows.
final class Commands {
    /// The daemon outlives its control socket.
    private let supervisor: Unmanaged<Supervisor>
    private var followers: [FollowStream] = []
    private var dumps = 0
    /// Dumps that are streamed at a time: each holds copies of rings.
    private static let dumpLimit = 4

    init(_ supervisor: Supervisor) { self.supervisor = .passUnretained(supervisor) }

    private func withSupervisor<Result>(_ body: (Supervisor) -> Result) -> Result {
        supervisor._withUnsafeGuaranteedRef(body)
    }

    /// Does what a request says.
    func serve(_ request: JSONValue, for client: ControlClient) -> ControlReply {
        do throws(ControlError) { return try dispatch(request, client) } catch { return .failure(error) }
    }

    private func dispatch(_ request: JSONValue, _ client: ControlClient) throws(ControlError) -> ControlReply {
        guard request.members != nil else { throw ControlError("bad-request", "a request is an object") }
        guard let command = request["command"]?.text else {
            throw ControlError("bad-request", "a request has the member 'command', a string")
        }
        switch command {
        case "ping":
            try allow([], request)
            return .result([:])
        case "version":
            try allow([], request)
            return .result(withSupervisor { $0.identity })
        case "status":
            try allow(["channel"], request)
            return try status(request)
        case "metrics":
            try allow(["format"], request)
            return try metrics(request)
        case "start", "stop", "restart", "reset":
            try allow(["channel"], request)
            return try operate(command, try channel(request), client)
        case "reload":
            try allow([], request)
            return try reload(client)
        case "log-level":
            try allow(["level"], request)
            return try logLevel(request, client)
        case "capture-dump":
            try allow(["channel", "all", "to"], request)
            return try dump(request, client)
        case "capture-follow":
            try allow(["channel", "from"], request)
            return try follow(request)
        default: throw ControlError("unknown-command", "there is no command '\(Self.short(command))'")
        }
    }

    // MARK: Members

    /// A member that a command does not know is a mistake of whoever wrote the request, who should learn of it.
    private func allow(_ names: [String], _ request: JSONValue) throws(ControlError) {
        for member in request.members ?? [] where member.name != "command" && !names.contains(member.name) {
            throw ControlError("bad-request", "the command does not know the member '\(Self.short(member.name))'")
        }
    }

    private func channel(_ request: JSONValue) throws(ControlError) -> Channel {
        guard let name = request["channel"]?.text else {
            throw ControlError("bad-request", "the command needs the member 'channel', a string")
        }
        guard let channel = withSupervisor({ $0.channels.first { $0.name == name } }) else {
            let known = withSupervisor { $0.channels.prefix(20).map { $0.name } }
            throw ControlError(
                "no-channel",
                "there is no channel '\(Self.short(name))'"
                    + (known.isEmpty ? "" : "; the channels are \(known.joined(separator: ", "))"))
        }
        return channel
    }

    private func word(_ name: String, _ words: [String], _ request: JSONValue) throws(ControlError) -> String? {
        guard let value = request[name] else { return nil }
        guard let text = value.text, words.contains(text) else {
            throw ControlError("bad-request", "'\(name)' is one of \(words.joined(separator: ", "))")
        }
        return text
    }

    private static func short(_ text: String) -> String {
        text.utf8.count <= 64 ? text : "\(String(text.unicodeScalars.prefix(60)))…"
    }

    // MARK: Channels

    private func status(_ request: JSONValue) throws(ControlError) -> ControlReply {
        let chosen = request["channel"] == nil ? withSupervisor { $0.channels } : [try channel(request)]
        let head = withSupervisor { $0.summaryObject }
        return .stream(StatusStream(head, chosen))
    }

    private func metrics(_ request: JSONValue) throws(ControlError) -> ControlReply {
        let names = [MetricsStream.name(true), MetricsStream.name(false)]
        let isOpenMetrics = !(try word("format", names, request) ?? names[0]).utf8.elementsEqual(names[1].utf8)
        return .stream(
            withSupervisor { supervisor in
                MetricsStream(isOpenMetrics: isOpenMetrics, supervisor.channels) { supervisor.metricsHead }
            })
    }

    private func operate(_ command: String, _ channel: Channel, _ client: ControlClient) throws(ControlError)
        -> ControlReply
    {
        let log = withSupervisor { $0.log }
        log.write(.notice, channel.name, "\(command), asked for by user \(client.user)")
        switch command {
        case "start": channel.startNow()
        case "stop": channel.stop(reason: UInt32(KCS_REASON_STOP))
        case "restart":
            channel.stop(reason: UInt32(KCS_REASON_RESTART))
            channel.startNow()
        default:
            guard channel.isRunning else {
                throw ControlError("not-running", "channel \(channel.name) does not run: it is \(channel.state.name)")
            }
            channel.reset()
        }
        return .result([
            "channel": .string(channel.name), "state": .string(channel.state.name),
            "reason": .optional(channel.state.reason),
        ])
    }

    // MARK: The daemon

    private func reload(_ client: ControlClient) throws(ControlError) -> ControlReply {
        let report = withSupervisor {
            $0.log.write(.notice, nil, "reload, asked for by user \(client.user)")
            return $0.reload()
        }
        if report.isRefused {
            throw ControlError(
                "configuration", "\(report.path) is invalid, nothing was changed",
                details: [
                    JSONMember("diagnostics", Self.list(report.diagnostics)),
                    JSONMember("text", .string(report.diagnostics.render())),
                ])
        }
        return .result([
            "file": .string(report.path), "added": .strings(report.added), "removed": .strings(report.removed),
            "changed": .strings(report.changed), "unchanged": .integer(report.unchanged),
            "plugins_changed_on_disk": .strings(report.pluginsChangedOnDisk), "notes": .strings(report.notes),
            "diagnostics": Self.list(report.diagnostics),
            "text": .string(report.diagnostics.render()),
        ])
    }

    private static func list(_ diagnostics: Diagnostics) -> JSONValue {
        .array(
            diagnostics.all.map { diagnostic in
                [
                    "severity": .string(diagnostic.severity.word),
                    "file": .string(diagnostics.file(of: diagnostic.mark)),
                    "line": diagnostic.mark.map { .integer(Int($0.line)) } ?? .null,
                    "column": diagnostic.mark.map { .integer(Int($0.column)) } ?? .null,
                    "message": .string(diagnostic.message),
                ]
            })
    }

    private func logLevel(_ request: JSONValue, _ client: ControlClient) throws(ControlError) -> ControlReply {
        let log = withSupervisor { $0.log }
        let words = ["error", "warning", "notice", "info", "debug", "trace"]
        let before = log.level.name
        if let name = try word("level", words, request), let level = LogLevel(name: name) {
            log.write(.notice, nil, "log level \(name), asked for by user \(client.user)")
            log.level = level
            for channel in withSupervisor({ $0.channels }) { channel.tellLog() }
        }
        return .result(["level": .string(log.level.name), "before": .string(before)])
    }

    // MARK: Captures

    private func dump(_ request: JSONValue, _ client: ControlClient) throws(ControlError) -> ControlReply {
        let isAll = request["all"]?.bool == true
        if let all = request["all"], all.bool == nil { throw ControlError("bad-request", "'all' is true or false") }
        guard isAll != (request["channel"] != nil) else {
            throw ControlError("bad-request", "the command needs either 'channel' or 'all'")
        }
        let channel = isAll ? nil : try channel(request)
        let to = try word("to", ["file", "stream"], request) ?? "file"
        let recorders = withSupervisor { $0.channels }.filter { channel == nil || $0 === channel }
            .compactMap { $0.recorder }
        guard !recorders.isEmpty else {
            throw ControlError("nothing-recorded", "nothing is recorded: the capture mode is none")
        }
        if to == "stream" { return try streamDump(recorders) }
        withSupervisor {
            $0.dump(channel?.name) { outcome in
                switch outcome {
                case .success(let path): client.finish(.result(["path": .string(path)]))
                case .failure(let failure): client.finish(.failure(ControlError("failed", failure.text)))
                }
            }
        }
        return .later
    }

    private func streamDump(_ recorders: [Recorder]) throws(ControlError) -> ControlReply {
        guard dumps < Self.dumpLimit else {
            throw ControlError("busy", "\(dumps) captures are being sent already")
        }
        dumps += 1
        CaptureService.noteClock(recorders)
        let worker = withSupervisor { $0.worker }
        return .stream(DumpStream(recorders.map { $0.snapshot() }, worker) { [self] in dumps -= 1 })
    }

    private func follow(_ request: JSONValue) throws(ControlError) -> ControlReply {
        let channel = try channel(request)
        let from = try word("from", ["now", "oldest"], request)
        guard let recorder = channel.recorder else {
            throw ControlError("nothing-recorded", "channel \(channel.name) is not recorded: its capture mode is none")
        }
        CaptureService.noteClock([recorder])
        let stream = FollowStream(recorder, fromOldest: from == "oldest", withSupervisor { $0.taps }) { [self] stream in
            followers.removeAll { $0 === stream }
        }
        followers.append(stream)
        return .stream(stream)
    }

    /// These recorders record nothing any more: who follows them gets the end.
    func endFollowers(of recorder: Recorder) {
        for follower in followers where follower.recorder === recorder { follower.end() }
    }
}
