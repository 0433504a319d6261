// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Devices
import Schema
import YAML

/// What the host CPU, time and the system do to a plugin, and what the plugin must do, line by line.
public struct Transcript {
    /// The file's name, as it is printed.
    public let file: String
    /// What the channel's device is.
    public let device: DeviceKind
    /// The memory shared with the host CPU, in bytes; nil without any.
    public let window: Int?
    /// The options as they stand in the file, unchecked; nil when there are none.
    let options: Node?
    /// The file's text, for messages about it.
    let text: [UInt8]
    let lines: [Line]

    /// One line that is not empty.
    struct Line {
        /// From 1.
        let number: Int
        let content: Content

        enum Content {
            /// `>`: something happens.
            case step(Step, String)
            /// `<`: the plugin must do this; with a `*` at its end, anything that begins so.
            case expected(String)
        }
    }

    /// The words in the file that could not be read.
    public struct Malformed: Error, CustomStringConvertible {
        /// `FILE:LINE: error: sentence`, or several lines about the part in YAML.
        public let description: String
    }

    /// Reads a transcript.
    public init(_ bytes: [UInt8], file: String) throws(Malformed) {
        self.file = file
        text = bytes
        let all = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let body = all.firstIndex { $0.hasPrefix(">") || $0.hasPrefix("<") } ?? all.endIndex
        let head = all[..<body].joined(separator: "\n")
        (device, window, options) = try Self.head(Array(head.utf8), file)
        var lines: [Line] = []
        for index in body..<all.endIndex {
            let line = all[index].trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let number = index + 1
            do {
                lines.append(Line(number: number, content: try Self.content(line)))
            } catch { throw Malformed(description: "\(file):\(number): error: \(error.text)") }
        }
        guard !lines.isEmpty else { throw Malformed(description: "\(file): error: nothing happens in it") }
        self.lines = lines
    }

    private static func content(_ line: Substring) throws(Step.Fault) -> Line.Content {
        let rest = line.dropFirst().trimmed
        switch line.first {
        case ">": return .step(try Step(rest), "> " + rest.words.joined(separator: " "))
        case "<": return .expected("< " + canonical(rest))
        default: throw Step.Fault("a line begins with >, < or #, not with '\(line.prefix(1))'")
        }
    }

    /// Bytes as the plugin's are shown, whatever they look like in the file.
    private static func canonical(_ text: Substring) -> String {
        let words = text.words
        guard let first = words.first else { return "" }
        let last = words.contains(":") ? words.endIndex : words.firstIndex { $0.hasSuffix(":") } ?? words.endIndex
        switch first {
        case "odr", "replace", "str", "reply", "stale":
            return words.map { word in Words.byte(word).map { Hex.number($0) } ?? String(word) }.joined(separator: " ")
        case "annotate" where last < words.endIndex && words.dropFirst().first == "packet":
            let bytes = words[(last + 1)...].map { word in Words.byte(word).map { Hex.number($0) } ?? String(word) }
            return (words[...last].map { String($0) } + bytes).joined(separator: " ")
        default: return String(text)
        }
    }

    private static let shape = OptionShape(
        .object,
        children: [
            OptionShape(
                .enumeration, key: "device", defaultText: DeviceKind.kernel[0].name,
                choices: DeviceKind.kernel.map { $0.name }),
            OptionShape(.size, key: "window", minimum: 1, maximum: 1 << 30),
            OptionShape(.object, key: "options", isUnchecked: true),
        ])

    private static func head(_ text: [UInt8], _ file: String) throws(Malformed) -> (DeviceKind, Int?, Node?) {
        let isEmpty = String(decoding: text, as: UTF8.self).split(separator: "\n").allSatisfy {
            $0.trimmed.isEmpty || $0.trimmed.hasPrefix("#")
        }
        guard !isEmpty else { return (DeviceKind.kernel[0], nil, nil) }
        let diagnostics = Diagnostics(file: file, text: text)
        let root = Document.parse(text, diagnostics)
        let value = root.map { Checker(diagnostics, owner: "kcssim").check($0, shape, at: $0.mark) }
        guard !diagnostics.hasErrors, let value, value.object != nil else {
            throw Malformed(description: String(diagnostics.render().dropLast()))
        }
        let device = DeviceKind.kernel.first { $0.name == value["device"].word } ?? DeviceKind.kernel[0]
        var window: Int?
        if let size = value["window"].size { window = Int(clamping: size) }
        return (device, window, root?.value(of: "options"))
    }
}

extension Substring {
    /// Without the space around it.
    var trimmed: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" || first == "\r" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return text
    }

    /// What spaces separate.
    var words: [Substring] { split { $0 == " " || $0 == "\t" } }
}
