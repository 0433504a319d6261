// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Lists of things to do: `- {exec: [/usr/bin/obmc-dump], timeout: 60s, else: [{sysrq: c}]}`.
extension Checker {
    func actions(_ node: Node, _ subject: String) -> [Action] {
        guard case .sequence(let nodes) = node.content else {
            diagnostics.error("\(subject) wants a list of actions, not \(node.phrase)", at: node.mark)
            return []
        }
        guard nodes.count <= ActionDeclaration.most else {
            diagnostics.error("\(subject) has more than \(ActionDeclaration.most) actions", at: node.mark)
            return []
        }
        return nodes.compactMap { action($0, subject) }
    }

    /// The keys of one action.
    private struct Keys {
        var kind: (declaration: ActionDeclaration, node: Node)?
        var timeout: Node?
        var otherwise: [Action] = []
        /// None of them was refused.
        var isWhole = true
    }

    private func action(_ node: Node, _ subject: String) -> Action? {
        if case .invalid = node.content { return nil }
        guard case .mapping(let pairs) = node.content else {
            diagnostics.error(
                "an action of \(subject) is a mapping such as {log: \"text\"}, not \(node.phrase)", at: node.mark)
            return nil
        }
        let keys = self.keys(pairs)
        var timeout: TimeSpan?
        if let node = keys.timeout {
            timeout = value(node, ActionDeclaration.limit, quote(ActionDeclaration.limit.key)).duration
        }
        guard let (declaration, held) = keys.kind else {
            if keys.isWhole {
                let names = ActionDeclaration.all.map { $0.shape.key }.joined(separator: ", ")
                diagnostics.error("an action needs one of \(names)", at: node.mark)
            }
            return nil
        }
        guard let kind = kind(declaration, held) else { return nil }
        return Action(
            kind: kind, timeout: timeout ?? declaration.timeout, otherwise: keys.otherwise, mark: place ?? node.mark)
    }

    private func keys(_ pairs: [Node.Pair]) -> Keys {
        var keys = Keys()
        for pair in pairs {
            guard let key = pair.key.scalar?.text else {
                diagnostics.error("a key of an action must be a word, not \(pair.key.phrase)", at: pair.key.mark)
                keys.isWhole = false
                continue
            }
            if key == ActionDeclaration.limit.key {
                keys.timeout = pair.value
            } else if key == ActionDeclaration.otherwise.key {
                keys.otherwise = actions(pair.value, quote(key))
            } else if let declaration = ActionDeclaration.all.first(where: { $0.shape.key == key }) {
                if let first = keys.kind {
                    diagnostics.error(
                        "an action does one thing; \(first.declaration.shape.key) and \(key) are two", at: pair.key.mark
                    )
                    keys.isWhole = false
                } else {
                    keys.kind = (declaration, pair.value)
                }
            } else {
                let known =
                    ActionDeclaration.all.map { $0.shape } + [ActionDeclaration.limit, ActionDeclaration.otherwise]
                _ = unknown(key, pair.key, known.map { $0.key })
                keys.isWhole = false
            }
        }
        return keys
    }

    private func kind(_ declaration: ActionDeclaration, _ node: Node) -> ActionKind? {
        let subject = quote(declaration.shape.key)
        do {
            return try declaration.read(value(node, declaration.shape, subject))
        } catch {
            diagnostics.error("\(subject) wants \(error.wanted), not \(quote(error.found))", at: error.mark)
            return nil
        }
    }
}
