// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Objects, and the defaults of what they lack.
extension Checker {
    func object(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        guard case .mapping(let pairs) = node.content else {
            return fail(node, .object, "\(subject) wants a mapping, not \(node.phrase)")
        }
        var members = [Value?](repeating: nil, count: shape.children.count)
        var misspelt: [(key: String, mark: Mark)] = []
        let keys = shape.children.map { $0.key }
        for pair in pairs {
            guard let key = pair.key.scalar else {
                if case .invalid = pair.key.content { continue }
                diagnostics.error("a key of \(subject) must be a word, not \(pair.key.phrase)", at: pair.key.mark)
                continue
            }
            guard let index = keys.firstIndex(of: key.text) else {
                if let meant = unknown(key.text, pair.key, keys) { misspelt.append((meant, pair.key.mark)) }
                continue
            }
            // A key may be there twice as 5 and as '5'; the first counts.
            if members[index] == nil { members[index] = value(pair.value, shape.children[index], quote(key.text)) }
        }
        let mark = place ?? node.mark
        let values = shape.children.indices.map { index -> Value.Member in
            let member = shape.children[index]
            if let value = members[index] { return Value.Member(member.key, value) }
            // Who misspelt a key has been told; to call it missing as well would be one mistake reported twice.
            if let slip = misspelt.first(where: { $0.key == member.key }) {
                return Value.Member(
                    member.key, Value(type: member.type, mark: slip.mark, isGiven: true, payload: .absent))
            }
            return Value.Member(member.key, defaultValue(member, at: mark, subject: quote(member.key)))
        }
        return make(.object, node, .object(values))
    }

    /// Reports an unknown key; the known one that may have been meant.
    func unknown(_ key: String, _ node: Node, _ known: [String]) -> String? {
        let meant = diagnostics.isFull ? nil : Suggestion.of(key, among: known)
        var message = "unknown key \(quote(key))"
        if let meant {
            message += " (did you mean \(quote(meant))?)"
        } else if known.isEmpty {
            message += "; no keys are known here"
        } else if known.count <= 16 {
            message += "; known here: \(known.joined(separator: ", "))"
        }
        diagnostics.error(message, at: node.mark)
        return meant
    }

    /// What a value is when it is not given. A required one is reported.
    func defaultValue(_ shape: OptionShape, at mark: Mark, subject: String) -> Value {
        let absent = Value(type: shape.type, mark: mark, isGiven: false, payload: .absent)
        if shape.required {
            diagnostics.error("missing key \(subject)", at: mark)
            return absent
        }
        if let text = shape.defaultText {
            let found = Diagnostics(file: "")
            guard let node = Checker.node(ofDefault: text, found) else {
                report(found, shape, mark)
                return absent
            }
            let value = Checker(found, owner: owner, place: mark).value(node, shape, "it")
            if found.hasErrors { report(found, shape, mark) }
            return value
        }
        if shape.fillsItself && !shape.isUnchecked {
            return Value(
                type: .object, mark: mark, isGiven: false,
                payload: .object(
                    shape.children.map { Value.Member($0.key, defaultValue($0, at: mark, subject: quote($0.key))) }))
        }
        return absent
    }

    /// A wrong default is the fault of who declared it.
    private func report(_ found: Diagnostics, _ shape: OptionShape, _ mark: Mark) {
        let reason = found.all.first?.message ?? "it is not YAML"
        diagnostics.error("\(owner) declares a bad default for \(quote(shape.key)): \(reason)", at: mark)
    }

    /// The node that a default's text describes.
    static func node(ofDefault text: String, _ diagnostics: Diagnostics) -> Node? {
        // Most defaults are one plain word, and there are some for every channel: no parser for those.
        if !text.isEmpty && text.utf8.allSatisfy({ isWord($0) }) && text != "-" {
            return Node(mark: .start, content: .scalar(Scalar(text: text, isQuoted: false)))
        }
        return Document.parse(Array(text.utf8), diagnostics)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"):
            return true
        default: return false
        }
    }
}
