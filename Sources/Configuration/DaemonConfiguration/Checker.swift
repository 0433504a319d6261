// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Checks nodes of a file against shapes, and makes values of them. Reports every mistake and goes on after each: a
/// value that was wrong comes out given and absent.
public struct Checker {
    let diagnostics: Diagnostics
    let owner: String
    /// Where all values are said to stand when defaults are checked, which have no place in the file.
    let place: Mark?

    /// Reports to `diagnostics`. `owner` is who declared the shapes, as it reads in a sentence: "plugin 'mctp'".
    public init(_ diagnostics: Diagnostics, owner: String = "kcsmuxd") {
        self.init(diagnostics, owner: owner, place: nil)
    }

    init(_ diagnostics: Diagnostics, owner: String, place: Mark?) {
        self.diagnostics = diagnostics
        self.owner = owner
        self.place = place
    }

    /// The value of `node`, or, without one, the default. `mark` is the place to name when something is missing;
    /// `subject` is what the value is called in messages.
    public func check(_ node: Node?, _ shape: OptionShape, at mark: Mark, subject: String = "the file") -> Value {
        guard let node else { return defaultValue(shape, at: mark, subject: subject) }
        return value(node, shape, subject)
    }

    func value(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        if case .invalid = node.content { return make(shape.type, node, .absent) }
        if let scalar = node.scalar, scalar.reading == .null {
            let hint = scalar.text.isEmpty ? "" : "; \(quote(scalar.text)) means nothing (quote it if it is text)"
            return fail(node, shape.type, "\(subject) has no value\(hint)")
        }
        if shape.isUnchecked {
            if shape.type == .object, case .mapping = node.content {
            } else {
                return fail(node, shape.type, "\(subject) wants \(shape.type.phrase), not \(node.phrase)")
            }
            return make(shape.type, node, .absent)
        }
        switch shape.type {
        case .absent: return fail(node, .absent, "\(subject) may not have a value")
        case .object: return object(node, shape, subject)
        case .list: return list(node, shape, subject)
        case .map: return map(node, shape, subject)
        case .oneOf: return oneOf(node, shape, subject)
        case .bytes: return bytes(node, shape, subject)
        case .actions: return make(.actions, node, .actions(actions(node, subject)))
        default: return scalar(node, shape, subject)
        }
    }

    func make(_ type: OptionType, _ node: Node, _ payload: Value.Payload) -> Value {
        Value(type: type, mark: place ?? node.mark, isGiven: place == nil, payload: payload)
    }

    func fail(_ node: Node, _ type: OptionType, _ message: String) -> Value {
        diagnostics.error(message, at: node.mark)
        return make(type, node, .absent)
    }

    /// Is a number within the shape's bounds? Says so if not.
    func isInRange(_ number: Int64, _ text: String, _ shape: OptionShape, _ node: Node, _ subject: String) -> Bool {
        guard number >= shape.minimum ?? .min, number <= shape.maximum ?? .max else {
            diagnostics.error("\(subject) is \(text); it must be \(Help.range(shape) ?? "")", at: node.mark)
            return false
        }
        return true
    }

    func length(_ count: Int, _ unit: String) -> String { "\(count) \(unit)\(count == 1 ? "" : "s") long" }

    // MARK: lists and maps

    private func list(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        guard case .sequence(let nodes) = node.content else {
            return fail(node, .list, "\(subject) wants a list, not \(node.phrase)\(bracketHint(node))")
        }
        guard let element = shape.children.first else { return malformed(node, shape, subject) }
        _ = isInRange(Int64(nodes.count), length(nodes.count, "element"), shape, node, subject)
        return make(.list, node, .list(nodes.map { value($0, element, "an element of \(subject)") }))
    }

    private func bracketHint(_ node: Node) -> String {
        guard let scalar = node.scalar, scalar.text.utf8.count <= 40 else { return "" }
        return " (write [\(scalar.text)])"
    }

    private func map(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        guard case .mapping(let nodes) = node.content else {
            return fail(node, .map, "\(subject) wants a mapping, not \(node.phrase)")
        }
        guard shape.children.count == 2 else { return malformed(node, shape, subject) }
        _ = isInRange(Int64(nodes.count), length(nodes.count, "pair"), shape, node, subject)
        var pairs: [Value.Pair] = []
        var seen: [String: Int] = [:]
        for pair in nodes {
            let key = value(pair.key, shape.children[0], "a key of \(subject)")
            let name = pair.key.scalar.map { quote($0.text) } ?? "that key"
            let held = value(pair.value, shape.children[1], "\(name) in \(subject)")
            // D, 0x44 and 68 are one byte.
            if let identity = key.payload.identity, seen.updateValue(pairs.count, forKey: identity) != nil {
                diagnostics.error("\(name) in \(subject) equals an earlier key, which counts", at: pair.key.mark)
                continue
            }
            pairs.append(Value.Pair(key, held))
        }
        return make(.map, node, .map(pairs))
    }

    func malformed(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        fail(node, shape.type, "\(owner) declares \(subject) badly: \(Help.typeName(shape)) without what it holds")
    }

    // MARK: alternatives

    /// The first alternative that takes the node without a complaint; if none does, the complaints of the one that
    /// comes nearest.
    private func oneOf(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        var nearest: (index: Int, errors: Int, found: Diagnostics)?
        for (index, alternative) in shape.children.enumerated() {
            let found = Diagnostics(file: diagnostics.file)
            let attempt = Checker(found, owner: owner, place: place).value(node, alternative, subject)
            if !found.hasErrors {
                diagnostics.append(found)
                return make(.oneOf, node, .oneOf(index, attempt))
            }
            if alternative.type.fits(node) && found.errorCount < nearest?.errors ?? Int.max {
                nearest = (index, found.errorCount, found)
            }
        }
        if let message = refusal(node, shape, subject) { return fail(node, .oneOf, message) }
        guard let nearest else {
            let forms = shape.children.map { Help.typeName($0) }.joined(separator: ", or ")
            return fail(node, .oneOf, "\(subject) wants \(forms), not \(node.phrase)")
        }
        diagnostics.append(nearest.found)
        return make(.oneOf, node, .absent)
    }

    /// What to say of a scalar that several alternatives could have been meant for: all of them, and how to write it as text.
    private func refusal(_ node: Node, _ shape: OptionShape, _ subject: String) -> String? {
        let possible = shape.children.filter { $0.type.fits(node) && $0.type != .oneOf }
        guard let scalar = node.scalar, possible.count > 1 else { return nil }
        let forms = possible.map { alternative -> String in
            let range = Help.range(alternative).map { " of \($0)" } ?? ""
            return alternative.type == .enumeration
                ? alternative.choices.joined(separator: ", ") : wanted(alternative) + range
        }.joined(separator: ", or ")
        let isText = !scalar.isQuoted && scalar.reading != .string
        let takesText = possible.contains { [.string, .path, .bytes].contains($0.type) }
        return "\(subject) wants \(forms), not \(quote(scalar.text))"
            + (isText && takesText ? " (quote it if it is text)" : "")
    }

    // MARK: bytes

    private func bytes(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        let result: [UInt8]
        switch node.content {
        case .sequence(let nodes):
            var all: [UInt8] = []
            var isWhole = true
            for element in nodes {
                guard let byte = byte(element, "an element of \(subject)") else {
                    isWhole = false
                    continue
                }
                all.append(byte)
            }
            guard isWhole else { return make(.bytes, node, .absent) }
            result = all
        case .scalar(let text):
            guard let text = self.text(text, node, "text or a list of bytes", subject) else {
                return make(.bytes, node, .absent)
            }
            result = Array(text.utf8)
        default: return fail(node, .bytes, "\(subject) wants text or a list of bytes, not \(node.phrase)")
        }
        guard isInRange(Int64(result.count), length(result.count, "byte"), shape, node, subject) else {
            return make(.bytes, node, .absent)
        }
        return make(.bytes, node, .bytes(result))
    }
}

extension OptionType {
    /// May a node of this kind be meant as a value of this type?
    fileprivate func fits(_ node: Node) -> Bool {
        switch node.content {
        case .mapping: return self == .object || self == .map || self == .oneOf
        case .sequence: return self == .list || self == .bytes || self == .actions || self == .oneOf
        case .scalar: return ![.object, .map, .list, .actions].contains(self)
        case .invalid: return false
        }
    }
}

extension Value.Payload {
    /// A text that equal keys share; nil for what is no key.
    fileprivate var identity: String? {
        switch self {
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .byte(let value): return "\(value)"
        case .duration(let value): return "\(value.nanoseconds)"
        case .size(let value): return "\(value)"
        case .enumeration(let value), .string(let value), .path(let value): return value
        case .oneOf(let index, let value): return value.payload.identity.map { "\(index) \($0)" }
        default: return nil
        }
    }
}
