// SPDX-License-Identifier: Apache-2.0
import Common
import PluginHost

/// Handlers' own figures as metrics: a family for each figure of each plugin, in the order in which they came.
struct HandlerFigures {
    private struct Family {
        /// The plugin's and the figure's, which tell it from others.
        let plugin: String
        let figure: String
        /// As a metric's.
        let name: String
        let kind: Figure.Kind?
        let isMilliseconds: Bool
        let unit: String
        var samples: [(labels: [UInt8], value: UInt64)] = []
    }

    private var families: [Family] = []
    /// Figures come in the same order from every channel: where the next one probably is.
    private var guess = 0
    /// Families at most: a plugin whose figures have ever other names does not fill the memory.
    private static let most = 512

    /// How many families there are.
    var count: Int { families.count }

    /// Adds a figure of a handler, whose labels begin with `labels`.
    mutating func add(_ figure: Figure, plugin: String, _ labels: [UInt8]) {
        guard let index = index(of: figure, plugin) else { return }
        guess = index + 1
        if let last = families[index].samples.last, last.labels == labels { return }
        families[index].samples.append((labels, figure.value))
    }

    private mutating func index(of figure: Figure, _ plugin: String) -> Int? {
        func isIt(_ family: Family) -> Bool {
            family.figure.utf8.elementsEqual(figure.name.utf8) && family.plugin.utf8.elementsEqual(plugin.utf8)
        }
        if guess < families.count, isIt(families[guess]) { return guess }
        if let known = families.firstIndex(where: isIt) { return known }
        let family = Self.family(figure, plugin)
        // Two figures whose names differ in what no name may have would be one family twice.
        guard families.count < Self.most, !families.contains(where: { $0.name.utf8.elementsEqual(family.name.utf8) })
        else { return nil }
        families.append(family)
        return families.count - 1
    }

    private static func family(_ figure: Figure, _ plugin: String) -> Family {
        let isMilliseconds = figure.unit.utf8.elementsEqual("milliseconds".utf8)
        let unit = isMilliseconds ? "seconds" : MetricsText.word(figure.unit)
        var name = "plugin_\(MetricsText.word(plugin))_\(MetricsText.word(figure.name))"
        for ending in ["_total", isMilliseconds ? "_ms" : "", "_" + unit] where !ending.utf8.isEmpty {
            let kept = name.utf8.count - ending.utf8.count
            guard kept > 0, name.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8) else { continue }
            name = String(decoding: Array(name.utf8.prefix(kept)), as: UTF8.self)
        }
        if !unit.isEmpty { name += "_" + unit }
        return Family(
            plugin: plugin, figure: figure.name, name: name, kind: figure.kind, isMilliseconds: isMilliseconds,
            unit: unit)
    }

    /// Writes a family.
    func write(_ index: Int, to text: inout MetricsText) {
        let family = families[index]
        let kind: MetricsText.Kind =
            switch family.kind {
            case .counter: .counter
            case .gauge: .gauge
            case nil: .unknown
            }
        text.family(
            family.name, kind, unit: family.unit, help: "What plugin \(MetricsText.word(family.plugin)) tells of itself"
        )
        for (labels, value) in family.samples {
            text.sample(labels, family.isMilliseconds ? Self.thousandth(value) : "\(value)")
        }
    }

    private static func thousandth(_ value: UInt64) -> String {
        let rest = value % 1000
        return "\(value / 1000).\(rest < 100 ? "0" : "")\(rest < 10 ? "0" : "")\(rest)"
    }
}
