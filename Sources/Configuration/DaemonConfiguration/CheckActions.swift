// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// Lists of things to do: `- {exec: [/usr/bin/obmc-dump], timeout: 60s, else: [{sysrq: c}]}`.
extension Checker {
    func actions(_ node: Node, _ subject: String) -> [Action] {
        guard case .sequence(let nodes) = node.content else {
            diagnostics.error("\(subject) wants a list of actions, not \(node.phrase)", at: node.mark)
            return []
        }
        guard nodes.count <= ActionShapes.most else {
            diagnostics.error("\(subject) has more than \(ActionShapes.most) actions", at: node.mark)
            return []
        }
        return nodes.compactMap { action($0, subject) }
    }

    private func action(_ node: Node, _ subject: String) -> Action? {
        if case .invalid = node.content { return nil }
        guard case .mapping(let pairs) = node.content else {
            diagnostics.error(
                "an action of \(subject) is a mapping such as {log: \"text\"}, not \(node.phrase)", at: node.mark)
            return nil
        }
        var kind: (name: String, node: Node)?
        var timeout: Node?
        var timeoutKey: Node?
        var otherwise: [Action] = []
        var isWhole = true
        for pair in pairs {
            guard let key = pair.key.scalar?.text else {
                diagnostics.error("a key of an action must be a word, not \(pair.key.phrase)", at: pair.key.mark)
                isWhole = false
                continue
            }
            switch key {
            case "timeout": (timeoutKey, timeout) = (pair.key, pair.value)
            case "else": otherwise = actions(pair.value, "'else'")
            case _ where Action.kindKeys.contains(key):
                if let kind {
                    diagnostics.error("an action does one thing; \(kind.name) and \(key) are two", at: pair.key.mark)
                    isWhole = false
                } else {
                    kind = (key, pair.value)
                }
            default:
                _ = unknown(key, pair.key, Action.kindKeys + ["timeout", "else"])
                isWhole = false
            }
        }
        if let timeoutKey, let kind, kind.name != "exec" {
            diagnostics.error("'timeout' belongs to exec, not to \(kind.name)", at: timeoutKey.mark)
        }
        guard let kind else {
            if isWhole {
                diagnostics.error(
                    "an action needs one of \(Action.kindKeys.joined(separator: ", "))", at: node.mark)
            }
            return nil
        }
        guard let checked = self.kind(kind.name, kind.node, timeout) else { return nil }
        return Action(kind: checked, otherwise: otherwise, mark: place ?? node.mark)
    }

    private func kind(_ name: String, _ node: Node, _ timeout: Node?) -> Action.Kind? {
        switch name {
        case "log": return value(node, ActionShapes.log, "'log'").text.map { .log($0) }
        case "capture":
            return value(node, ActionShapes.capture, "'capture'").enumeration.map { .capture(all: $0 == 1) }
        case "sysrq": return letter(node).map { .sysrq(letter: $0) }
        case "wait": return value(node, ActionShapes.wait, "'wait'").duration.map { .wait($0) }
        default: return exec(node, timeout)
        }
    }

    private func exec(_ node: Node, _ timeout: Node?) -> Action.Kind? {
        let limit = timeout.map { value($0, ActionShapes.timeout, "'timeout'").duration }
        guard let elements = value(node, ActionShapes.exec, "'exec'").list, !elements.isEmpty else { return nil }
        var arguments: [String] = []
        for element in elements {
            guard let text = element.text else { return nil }
            arguments.append(text)
        }
        guard arguments[0].utf8.first == UInt8(ascii: "/") else {
            var mark = node.mark
            if case .sequence(let nodes) = node.content, let first = nodes.first { mark = first.mark }
            diagnostics.error("'exec' wants a program's absolute path first, not \(quote(arguments[0]))", at: mark)
            return nil
        }
        switch limit {
        case nil: return .exec(arguments: arguments, timeout: Action.defaultTimeout)
        case .some(let given): return given.map { .exec(arguments: arguments, timeout: $0) }
        }
    }

    /// A letter or a digit; the digit needs no quotes, for no number can be meant.
    private func letter(_ node: Node) -> UInt8? {
        if case .invalid = node.content { return nil }
        if let scalar = node.scalar {
            let utf8 = Array(scalar.text.utf8)
            if utf8.count == 1 {
                switch utf8[0] {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): return utf8[0]
                default: break
                }
            }
        }
        diagnostics.error("'sysrq' wants one character, a-z or 0-9, not \(node.phrase)", at: node.mark)
        return nil
    }
}

/// The shapes of what actions carry.
private enum ActionShapes {
    static let most = 64
    static let log = OptionShape(.string, minimum: 1, maximum: 1024)
    static let capture = OptionShape(.enumeration, choices: ["channel", "all"])
    static let exec = OptionShape(
        .list, minimum: 1, maximum: 64, children: [OptionShape(.string, maximum: 4096)])
    static let timeout = OptionShape(.duration, minimum: 1_000_000, maximum: 86_400_000_000_000)
    static let wait = OptionShape(.duration, maximum: 86_400_000_000_000)
}
