// SPDX-License-Identifier: Apache-2.0
import JSON
import LinuxIO

/// What `status` prints for people.
enum StatusView {
    /// All channels: one line each, and below it why it does not run.
    static func table(_ status: JSONValue) -> [String] {
        var lines = [heading(status)]
        let channels = status["channels"]?.elements ?? []
        if channels.isEmpty { return lines + ["There are no channels."] }
        var table = Table(["CHANNEL", "STATE", "FOR", "DEVICE", "PLUGIN", "IN", "OUT", "TROUBLE"], right: [5, 6])
        for channel in channels {
            table.add([
                text(channel, "name"), text(channel, "state"), Text.span(number(channel, "seconds")), device(channel),
                plugins(channel).map { $0.name }.joined(separator: ", "), "\(number(channel, "bytes_in"))",
                "\(number(channel, "bytes_out"))", trouble(channel),
            ])
        }
        let rows = table.lines
        lines.append("")
        lines.append(Terminal.mark(rows[0], .bold))
        for (index, channel) in channels.enumerated() {
            let row = rows[index + 1]
            let reason = channel["reason"]?.text
            let isQuiet = reason == nil && trouble(channel).is("-")
            lines.append(isQuiet ? row : Terminal.mark(row, reason == nil ? .yellow : .red))
            if let reason { lines.append("    \(Text.safe(reason))") }
        }
        if let dumps = status["dumps"], number(dumps, "removed") > 0 {
            let (files, removed) = (number(dumps, "files"), number(dumps, "removed"))
            lines += ["", "\(files) dumps are kept; \(removed) older ones were removed."]
        }
        return lines
    }

    static func heading(_ status: JSONValue) -> String {
        "kcsmuxd \(text(status, "version")), process \(number(status, "process")), up \(Text.span(number(status, "uptime")));"
            + " \(text(status, "summary").parts(at: UInt8(ascii: ":")).first ?? "");"
            + " log level \(text(status, "log_level"))"
    }

    /// What went wrong, in a few words; "-" where nothing did.
    private static func trouble(_ channel: JSONValue) -> String {
        var words: [String] = []
        let counts = [
            ("restarts", "restarts"), ("stale", "stale"), ("dropped", "dropped"), ("refused", "refused"),
            ("replaced", "replaced"), ("obf_stalls", "OBF stalls"), ("slow_calls", "slow calls"),
        ]
        for (name, word) in counts where number(channel, name) > 0 { words.append("\(number(channel, name)) \(word)") }
        let failures = transferFailures(channel)
        if failures > 0 { words.append("\(failures) failed transfers") }
        if let trouble = channel["capture"]?["trouble"]?.text { words.append("capture: \(Text.safe(trouble))") }
        return words.isEmpty ? "-" : words.joined(separator: ", ")
    }

    private static func transferFailures(_ channel: JSONValue) -> UInt64 {
        guard let transfers = channel["transfers"] else { return 0 }
        return number(transfers, "timeouts") + number(transfers, "aborted") + number(transfers, "errors")
    }

    /// One channel, in full.
    static func detail(_ channel: JSONValue) -> [String] {
        var lines: [String] = []
        func add(_ name: String, _ value: String) { lines.append("\(Text.left(name, 12))  \(value)") }
        add("channel", text(channel, "name"))
        let since = "since \(text(channel, "since")) (\(Text.span(number(channel, "seconds"))))"
        add("state", "\(text(channel, "state")) \(since)")
        if let reason = channel["reason"]?.text { add("reason", Text.safe(reason)) }
        if let pause = channel["restart_in_ms"]?.uint64 { add("next start", "in \(pause) ms") }
        if channel["enabled"]?.bool == false { add("enabled", "no") }
        add("device", device(channel))
        for plugin in plugins(channel) {
            add("plugin", plugin.version.isEmpty ? plugin.name : "\(plugin.name) \(plugin.version), \(plugin.file)")
            for (name, value) in plugin.stats { add("", "\(name) \(value)") }
        }
        add("bytes", "\(number(channel, "bytes_in")) in, \(number(channel, "bytes_out")) out")
        let counts = ["stale", "dropped", "refused", "replaced"].map { "\(number(channel, $0)) \($0)" }
        add("accesses", counts.joined(separator: ", "))
        add(
            "handlers",
            "\(number(channel, "restarts")) restarts, \(number(channel, "slow_calls")) slow calls,"
                + " \(number(channel, "stale_replies")) stale replies")
        add("OBF stalls", "\(number(channel, "obf_stalls"))")
        if let transfers = channel["transfers"], transfers.members != nil {
            add(
                "transfers",
                "\(number(transfers, "requests")) requests, \(number(transfers, "completed")) answered,"
                    + " \(number(transfers, "timeouts")) not in time, \(number(transfers, "aborted")) aborted,"
                    + " \(number(transfers, "errors")) errors")
        }
        add("capture", capture(channel["capture"]))
        if let error = channel["last_error"]?.text {
            add("last error", "\(text(channel, "last_error_at")) \(Text.safe(error))")
        }
        return lines
    }

    private static func capture(_ capture: JSONValue?) -> String {
        guard let capture else { return "-" }
        var words = "\(text(capture, "mode"))"
        if let recorded = capture["recorded"]?.uint64 {
            words += ", \(recorded) records, the last \(number(capture, "capacity")) in memory"
        }
        if let path = capture["path"]?.text { words += ", \(Text.safe(path))" }
        if number(capture, "lost") > 0 { words += ", \(number(capture, "lost")) lost" }
        if let trouble = capture["trouble"]?.text { words += "; \(Text.safe(trouble))" }
        return words
    }

    private static func device(_ channel: JSONValue) -> String {
        guard let device = channel["device"] else { return "-" }
        return "\(text(device, "type")) \(text(device, "path"))"
    }

    private struct Plugin {
        let name: String
        let version: String
        let file: String
        let stats: [(String, String)]
    }

    private static func plugins(_ channel: JSONValue) -> [Plugin] {
        (channel["plugins"]?.elements ?? []).map { plugin in
            let stats = (plugin["stats"]?.members ?? []).map { member in
                let value = member.value.text.map { Text.safe($0) } ?? member.value.uint64.map { "\($0)" } ?? ""
                return (Text.safe(member.name), value)
            }
            // One that could not be loaded has no name but its file's.
            let name = plugin["name"]?.text ?? plugin["file"]?.text ?? "?"
            return Plugin(
                name: Text.safe(name), version: text(plugin, "version"), file: text(plugin, "file"), stats: stats)
        }
    }

    private static func text(_ value: JSONValue, _ name: String) -> String { Text.safe(value[name]?.text ?? "") }

    private static func number(_ value: JSONValue, _ name: String) -> UInt64 { value[name]?.uint64 ?? 0 }
}
