// SPDX-License-Identifier: Apache-2.0
import Schema

/// A piece of a YAML document, with its place. Aliases are already replaced by what they stand for.
public final class Node: Sendable {
    /// Where it begins; for an alias, where the alias stands.
    public let mark: Mark
    /// What it is.
    public let content: Content

    /// A piece at a place.
    public init(mark: Mark, content: Content) {
        self.mark = mark
        self.content = content
    }

    /// The kinds of nodes.
    public enum Content: Sendable {
        /// Text, or nothing.
        case scalar(Scalar)
        /// Elements in order.
        case sequence([Node])
        /// Pairs in order. Duplicate keys, merge keys and their values are left out.
        case mapping([Pair])
        /// Something that was reported as an error already; to be passed over in silence.
        case invalid
    }

    /// A key and its value.
    public struct Pair: Sendable {
        /// The key, which may be any node.
        public let key: Node
        /// Its value.
        public let value: Node

        /// A key and its value.
        public init(key: Node, value: Node) {
            self.key = key
            self.value = value
        }
    }

    /// The kind of node in messages, with an article.
    public var phrase: String {
        switch content {
        case .scalar(let scalar): return scalar.reading == .null ? "nothing" : quote(scalar.text)
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .invalid: return "something invalid"
        }
    }

    /// The text of a scalar.
    public var scalar: Scalar? {
        if case .scalar(let scalar) = content { return scalar }
        return nil
    }

    /// The value of the first pair whose key is the scalar `key`.
    public func value(of key: String) -> Node? {
        guard case .mapping(let pairs) = content else { return nil }
        for pair in pairs {
            if let scalar = pair.key.scalar, scalar.text == key { return pair.value }
        }
        return nil
    }
}

extension Node: Equatable {
    /// The same content, wherever it stands.
    public static func == (left: Node, right: Node) -> Bool {
        switch (left.content, right.content) {
        case (.scalar(let left), .scalar(let right)): return left == right
        case (.sequence(let left), .sequence(let right)): return left == right
        case (.mapping(let left), .mapping(let right)):
            return left.count == right.count
                && left.indices.allSatisfy { left[$0].key == right[$0].key && left[$0].value == right[$0].value }
        default: return false
        }
    }
}
