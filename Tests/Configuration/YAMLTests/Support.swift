// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// A document and what was said about it, each as "LINE:COLUMN message".
struct Parsed {
    let node: Node?
    let said: [String]
    let diagnostics: Diagnostics

    init(_ bytes: [UInt8], limits: Limits = Limits()) {
        diagnostics = Diagnostics(file: "f", text: bytes)
        node = Document.parse(bytes, diagnostics, limits: limits)
        said = diagnostics.all.map { "\($0.mark.map { "\($0.line):\($0.column)" } ?? "-") \($0.message)" }
    }

    init(_ text: String, limits: Limits = Limits()) { self.init(Array(text.utf8), limits: limits) }

    /// The document in a form that is easy to compare: marks left out, quoted text in quotes.
    var outline: String { node.map(Parsed.outline) ?? "nil" }

    private static func outline(_ node: Node) -> String {
        switch node.content {
        case .scalar(let scalar): return scalar.isQuoted ? "\"\(scalar.text)\"" : scalar.text
        case .sequence(let nodes): return "[" + nodes.map(outline).joined(separator: ",") + "]"
        case .mapping(let pairs):
            return "{" + pairs.map { outline($0.key) + ":" + outline($0.value) }.joined(separator: ",") + "}"
        case .invalid: return "!"
        }
    }
}
