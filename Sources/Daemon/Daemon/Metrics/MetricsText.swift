// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// Metrics as text, which is made a piece at a time: OpenMetrics 1.0, or the text format of Prometheus before it, which
/// node_exporter's folder of text files takes. They differ in the names of counters' families and in units.
struct MetricsText {
    /// What a family's values do with time.
    enum Kind {
        case counter, gauge, histogram, unknown
    }

    /// All names begin so.
    static let prefix = "kcsmux_"

    var bytes: [UInt8] = []
    let isOpenMetrics: Bool
    /// What the samples that follow begin with.
    private var name: [UInt8] = []

    init(isOpenMetrics: Bool) { self.isOpenMetrics = isOpenMetrics }

    /// Begins a family. Its name ends in the unit, where there is one.
    mutating func family(_ name: String, _ kind: Kind, unit: String = "", help: String) {
        let sample = kind == .counter ? "_total" : ""
        self.name = Array((Self.prefix + name + sample).utf8)
        let family = Self.prefix + name + (isOpenMetrics ? "" : sample)
        put("# TYPE \(family) \(word(kind))\n")
        if isOpenMetrics, !unit.isEmpty { put("# UNIT \(family) \(unit)\n") }
        put("# HELP \(family) \(help)\n")
    }

    private func word(_ kind: Kind) -> String {
        switch kind {
        case .counter: return "counter"
        case .gauge: return "gauge"
        case .histogram: return "histogram"
        case .unknown: return isOpenMetrics ? "unknown" : "untyped"
        }
    }

    /// A sample. `labels` begin with `{` and are not closed.
    mutating func sample(_ labels: [UInt8], more: String = "", suffix: String = "", _ value: String) {
        bytes.append(contentsOf: name)
        put(suffix)
        if !labels.isEmpty {
            bytes.append(contentsOf: labels)
            put(more)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        put(value)
        bytes.append(0x0A)
    }

    /// A histogram of time spans, with every fourth of its buckets.
    mutating func histogram(_ labels: [UInt8], _ more: String, _ histogram: LatencyHistogram) {
        var (sum, bucket) = (UInt64(0), 0)
        for (last, bound) in Self.bounds {
            while bucket <= last {
                sum &+= histogram[bucket]
                bucket += 1
            }
            sample(labels, more: more + bound, suffix: "_bucket", "\(sum)")
        }
        sample(labels, more: more + ",le=\"+Inf\"", suffix: "_bucket", "\(histogram.count)")
        sample(labels, more: more, suffix: "_sum", UTCTime.seconds(histogram.sum))
        sample(labels, more: more, suffix: "_count", "\(histogram.count)")
    }

    /// Powers of four of microseconds: the bucket that ends there, and the label.
    private static let bounds: [(last: Int, label: String)] = (0...13).map { power in
        let last = max(power * 4 - 1, 0)
        return (last, ",le=\"\(UTCTime.seconds(LatencyHistogram.bound(of: last) ?? 0))\"")
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// `{name="value"`, of a value of anybody's making.
    static func label(_ name: String, _ value: String, first: Bool = true) -> [UInt8] {
        var bytes = Array("\(first ? "{" : ",")\(name)=\"".utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return bytes
    }

    /// A part of a name: what may not stand in one becomes `_`.
    static func word(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte -> UInt8 in
                let letter = byte | 0x20
                let isWord =
                    letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z")
                    || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                return isWord ? byte : UInt8(ascii: "_")
            }, as: UTF8.self)
    }
}
