// SPDX-License-Identifier: Apache-2.0
//
// Families stand one behind the other, and in each the channels: figures are collected first, a few channels a step, and then
// written, some kilobytes a step. Between steps the loop serves channels.
import Capture
import Common
import JSON
import LinuxIO
import PluginHost

/// The answer to `metrics`: an object, and behind it the text, to the end of the connection.
final class MetricsStream: ControlStream {
    /// A channel's part, as it was when it was collected.
    private struct Part {
        let channel: Channel
        let labels: [UInt8]
        let state: String
        let values: [UInt64]
    }

    private var text: MetricsText
    private let head: () -> MetricsHead
    private let channels: [Channel]
    private var parts: [Part] = []
    private var figures = HandlerFigures()
    private let rows = ChannelFigures.rows
    /// What is written: the number of a family, and of the channel in it.
    private var family = -1
    private var place = 0
    private static let channelsPerStep = 16
    private static let bytesPerStep = 16 << 10
    private static let states = ["running", "waiting", "restarting", "failed", "refused", "stopped"]

    init(isOpenMetrics: Bool, _ channels: [Channel], _ head: @escaping () -> MetricsHead) {
        text = MetricsText(isOpenMetrics: isOpenMetrics)
        self.channels = channels
        self.head = head
    }

    override func produce(_ client: ControlClient, into buffer: inout [UInt8], limit: Int) -> Progress {
        if parts.count < channels.count {
            let end = min(channels.count, parts.count + Self.channelsPerStep)
            for index in parts.count..<end { collect(channels[index]) }
            return .more
        }
        var isDone = false
        while !isDone && text.bytes.count < Self.bytesPerStep { isDone = step() }
        if isDone { text.bytes.append(contentsOf: "# EOF\n".utf8) }
        buffer.append(contentsOf: text.bytes)
        text.bytes.removeAll(keepingCapacity: true)
        return isDone ? .close : .more
    }

    private func collect(_ channel: Channel) {
        let labels = MetricsText.label("channel", channel.name)
        parts.append(
            Part(
                channel: channel, labels: labels, state: channel.state.name, values: ChannelFigures.of(channel)))
        guard channel.isRunning else { return }
        for handler in channel.handlers {
            let name = handler.plugin.name
            let both = labels + MetricsText.label("plugin", name, first: false)
            var count = 0
            handler.calling(.stats) {
                handler.collectStats(
                    number: {
                        count += 1
                        if count <= StatusReport.mostFigures { figures.add($0, plugin: name, both) }
                    }, text: { _, _ in })
            }
        }
    }

    /// Writes the next family, or a part of it; true at the end.
    private func step() -> Bool {
        if family < 0 {
            text.bytes.append(
                contentsOf: ControlReply.line(["format": .string(MetricsStream.name(text.isOpenMetrics))]))
            head().write(to: &text)
            family = 0
            return false
        }
        if family < rows.count {
            let (row, index) = (rows[family], family)
            return each({ $0.family(row.name, row.isCounter ? .counter : .gauge, unit: row.unit, help: row.help) }) {
                if $1.values[index] != ChannelFigures.none { $0.sample($1.labels, "\($1.values[index])") }
            }
        }
        switch family - rows.count {
        case 0:
            return each({ $0.family("channel_state", .gauge, help: "1 for the state that the channel is in") }) {
                for state in Self.states {
                    $0.sample(
                        $1.labels, more: ",state=\"\(state)\"", $1.state.utf8.elementsEqual(state.utf8) ? "1" : "0")
                }
            }
        case 1:
            return each({ $0.family("channel_handler", .gauge, help: "1 for each plugin that serves the channel") }) {
                for handler in $1.channel.plan.handlers {
                    let label = MetricsText.label("plugin", handler.plugin.name, first: false)
                    $0.sample($1.labels + label, "1")
                }
            }
        case 2: return latency("request_duration", "From a whole request to its answer, by the group of its command")
        case 3: return latency("fetch_duration", "From an answer to when the host CPU had read it")
        case 4:
            return latency(
                "delivery_duration", "From the interrupt of a request's last byte, as the loop saw it, to its handler")
        case let rest:
            guard rest - 5 < figures.count else { return true }
            figures.write(rest - 5, to: &text)
            family += 1
            return false
        }
    }

    private func latency(_ name: String, _ help: String) -> Bool {
        let kind = family - rows.count
        return each({ $0.family(name + "_seconds", .histogram, unit: "seconds", help: help) }) {
            guard let latency = $1.channel.context.latency else { return }
            switch kind {
            case 2:
                for kind in CommandClass.allCases where latency.answers[kind.rawValue].count > 0 {
                    $0.histogram($1.labels, ",class=\"\(kind.name)\"", latency.answers[kind.rawValue])
                }
            case 3: $0.histogram($1.labels, "", latency.fetches)
            default: $0.histogram($1.labels, "", latency.deliveries)
            }
        }
    }

    /// Writes a family's samples, of as many channels as a step allows.
    private func each(_ head: (inout MetricsText) -> Void, _ sample: (inout MetricsText, Part) -> Void) -> Bool {
        if place == 0 { head(&text) }
        while place < parts.count && text.bytes.count < Self.bytesPerStep {
            sample(&text, parts[place])
            place += 1
        }
        if place == parts.count { (family, place) = (family + 1, 0) }
        return false
    }

    /// The formats' names.
    static func name(_ isOpenMetrics: Bool) -> String { isOpenMetrics ? "openmetrics" : "prometheus" }
}

/// The daemon's own figures.
struct MetricsHead {
    let version: String
    let uptime: UInt64
    let dumps: (files: UInt64, bytes: UInt64, removed: UInt64)?

    func write(to text: inout MetricsText) {
        text.family("build_info", .gauge, help: "1, with the version of kcsmuxd")
        text.sample(MetricsText.label("version", version), "1")
        text.family("uptime_seconds", .gauge, unit: "seconds", help: "Since kcsmuxd started")
        text.sample([], UTCTime.seconds(uptime))
        guard let dumps else { return }
        text.family("dumps", .gauge, help: "Dumps in the capture folder, as of the last one")
        text.sample([], "\(dumps.files)")
        text.family("dump_size_bytes", .gauge, unit: "bytes", help: "Size of the dumps in the capture folder")
        text.sample([], "\(dumps.bytes)")
        text.family("dumps_removed", .counter, help: "Dumps that were removed to keep to the budget")
        text.sample([], "\(dumps.removed)")
    }
}
