// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import YAML

/// What a reload came to.
final class ReloadReport {
    /// The file that was read.
    let path: String
    /// The file is wrong, and nothing was changed.
    let isRefused: Bool
    /// What there is to say about the file, plugins included.
    let diagnostics: Diagnostics
    /// Channels that are new.
    var added: [String] = []
    /// Channels that are gone.
    var removed: [String] = []
    /// Channels that were started again with other settings.
    var changed: [String] = []
    /// How many channels were not touched.
    var unchanged = 0
    /// Plugins that take effect at a restart of kcsmuxd.
    var pluginsChangedOnDisk: [String] = []
    /// Anything else worth a line.
    var notes: [String] = []

    /// Of a file that was read.
    init(_ path: String, _ outcome: PlanReader.Outcome) {
        self.path = path
        isRefused = outcome.plan == nil
        diagnostics = outcome.diagnostics
        diagnostics.append(outcome.pluginDiagnostics)
    }

    /// One line: "+new -gone ~changed".
    var changes: String {
        let all = removed.map { "-\($0)" } + added.map { "+\($0)" } + changed.map { "~\($0)" }
        return all.isEmpty ? "no channel changed" : all.joined(separator: " ")
    }

    /// Logs what came of it.
    func write(to log: Log) {
        if isRefused { log.write(.error, nil, "reload: \(path) is invalid, nothing was changed") }
        for line in diagnostics.render().lines {
            log.write(isRefused ? .error : .warning, nil, line)
        }
        if isRefused { return }
        for plugin in pluginsChangedOnDisk {
            log.write(.notice, nil, "reload: \(plugin) has changed on disk; it takes effect at a restart of kcsmuxd")
        }
        for note in notes { log.write(.notice, nil, "reload: \(note)") }
        log.write(.notice, nil, "reloaded \(path): \(changes)")
    }
}
