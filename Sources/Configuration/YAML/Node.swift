// SPDX-License-Identifier: Apache-2.0
import Schema

/// A piece of a YAML document, with its position. Aliases are already replaced by what they stand for. Nodes with the same
/// content are equal, wherever they stand.
public struct Node: Equatable, Sendable {
    /// What it is.
    public let content: Content
    private let origin: Origin

    /// A piece at a position.
    public init(mark: Mark, content: Content) {
        origin = Origin(mark)
        self.content = content
    }

    /// Where it begins; for an alias, where the alias stands.
    public var mark: Mark { origin.mark }

    /// The kinds of nodes.
    public enum Content: Equatable, Sendable {
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
    public struct Pair: Equatable, Sendable {
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
