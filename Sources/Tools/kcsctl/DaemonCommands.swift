// SPDX-License-Identifier: Apache-2.0
import JSON
import LinuxIO

/// Commands that a running daemon is asked for.
struct DaemonCommands {
    private let arguments: Arguments
    private let socket: String

    init(_ arguments: Arguments, _ socket: String) {
        self.arguments = arguments
        self.socket = socket
    }

    private func ask(_ command: String, _ members: [JSONMember] = []) throws(Failure) -> JSONValue {
        try Connection(socket).request([JSONMember("command", .string(command))] + members)
    }

    /// `status`: all channels, or one in full.
    func status(_ channel: String?) throws(Failure) {
        let status = try ask("status", channel.map { [JSONMember("channel", .string($0))] } ?? [])
        if arguments.has("--json") { return try Output.print(status) }
        let channels = status["channels"]?.elements ?? []
        if arguments.has("--names") {
            return try Output.print(channels.map { Text.safe($0["name"]?.text ?? "") })
        }
        if channel != nil, let first = channels.first { return try Output.print(StatusView.detail(first)) }
        try Output.print(StatusView.table(status))
    }

    /// `start`, `stop`, `restart`, `reset`.
    func operate(_ command: String, _ channel: String) throws(Failure) {
        let result = try ask(command, [JSONMember("channel", .string(channel))])
        if arguments.has("--json") { return try Output.print(result) }
        let reason = result["reason"]?.text.map { ": \(Text.safe($0))" } ?? ""
        try Output.print(["\(channel): \(Text.safe(result["state"]?.text ?? ""))\(reason)"])
    }

    /// `reload`: what changed, or the file's mistakes.
    func reload() throws(Failure) {
        let result = try ask("reload")
        if arguments.has("--json") { return try Output.print(result) }
        var lines: [String] = []
        for (name, words) in [("removed", "removed"), ("added", "added"), ("changed", "changed, and restarted")] {
            for channel in result[name]?.elements ?? [] { lines.append("\(channel.text ?? ""): \(words)") }
        }
        let unchanged = result["unchanged"]?.uint64 ?? 0
        let others = unchanged == 1 ? "1 channel was" : "\(unchanged) channels were"
        lines.append("\(result["file"]?.text ?? ""): taken over; \(others) not touched")
        for plugin in result["plugins_changed_on_disk"]?.elements ?? [] {
            lines.append("\(plugin.text ?? "") has changed on disk; it takes effect at a restart of kcsmuxd")
        }
        for note in result["notes"]?.elements ?? [] { lines.append(note.text ?? "") }
        lines += (result["text"]?.text ?? "").lines
        try Output.print(lines.map { Text.safe($0) })
    }

    /// `log-level`: shows it, or sets it.
    func logLevel(_ level: String?) throws(Failure) {
        let levels = ["error", "warning", "notice", "info", "debug", "trace"]
        if let level, !levels.contains(level) {
            throw unknown("log-level \(level): not one of \(levels.joined(separator: ", "))", level, among: levels)
        }
        let result = try ask("log-level", level.map { [JSONMember("level", .string($0))] } ?? [])
        if arguments.has("--json") { return try Output.print(result) }
        let now = result["level"]?.text ?? ""
        let before = result["before"]?.text ?? ""
        try Output.print([level == nil || now.is(before) ? now : "\(now) (was \(before))"])
    }
}
