// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// Why a document can't be read at all.
struct ParseFailure: Error {
    let mark: Mark
    let message: String
}

/// Makes nodes of events. Limits are checked as events arrive, before libyaml reads on.
struct TreeBuilder: ~Copyable {
    private let events: EventSource
    private let limits: Limits
    private let diagnostics: Diagnostics
    /// What has an anchor, and which of it a name stands for: that which had it last.
    private var anchored: [Built] = []
    private var anchors: [String: Int] = [:]
    private var open: [String] = []
    private var nodes = 0

    /// A node with the cost of one more use of it.
    private struct Built {
        let node: Node
        let size: Int
        let height: Int
    }

    init(_ events: consuming EventSource, _ limits: Limits, _ diagnostics: Diagnostics) {
        self.events = events
        self.limits = limits
        self.diagnostics = diagnostics
    }

    /// The first document's root.
    mutating func document() throws(ParseFailure) -> Node {
        while true {
            switch try next() {
            case .documentStart(let mark, let hasTagDirective):
                if hasTagDirective { diagnostics.error("tags are not used here", at: mark) }
                let root = try node(next(), depth: 0).node
                try expectEnd()
                return root
            case .streamEnd: throw ParseFailure(mark: .start, message: "the file is empty")
            default: continue
            }
        }
    }

    private mutating func expectEnd() throws(ParseFailure) {
        while true {
            switch try next() {
            case .documentStart(let mark, _):
                diagnostics.error("a second document; a file has one", at: mark)
                return
            case .streamEnd: return
            default: continue
            }
        }
    }

    private func next() throws(ParseFailure) -> Event {
        let event = events.next()
        if case .failure(let mark, let problem, let context, let line) = event {
            throw ParseFailure(mark: mark, message: SyntaxWords.explain(problem, context, line))
        }
        return event
    }

    private mutating func node(_ event: Event, depth: Int) throws(ParseFailure) -> Built {
        switch event {
        case .alias(let mark, let name): return try alias(name, mark, depth)
        case .scalar(let properties, let text, let isQuoted):
            return try finish(properties, scalar(text, isQuoted, properties.mark), size: 1, height: 0)
        case .sequenceStart(let properties): return try sequence(properties, depth + 1)
        case .mappingStart(let properties): return try mapping(properties, depth + 1)
        default: throw ParseFailure(mark: .start, message: "libyaml gave an event out of order")
        }
    }

    private func scalar(_ text: [UInt8], _ isQuoted: Bool, _ mark: Mark) -> Node.Content {
        guard !text.contains(0) else {
            diagnostics.error("a text may not hold the character U+0000", at: mark)
            return .invalid
        }
        return .scalar(Scalar(text: String(decoding: text, as: UTF8.self), isQuoted: isQuoted))
    }

    private mutating func sequence(
        _ properties: Event.Properties, _ depth: Int
    ) throws(ParseFailure) -> Built {
        try enter(properties, depth)
        var elements: [Node] = []
        var size = 1
        var height = 0
        while true {
            let event = try next()
            if case .sequenceEnd = event { break }
            let element = try node(event, depth: depth)
            elements.append(element.node)
            size += element.size
            height = max(height, element.height)
        }
        leave(properties)
        return try finish(properties, .sequence(elements), size: size, height: height + 1)
    }

    private mutating func mapping(
        _ properties: Event.Properties, _ depth: Int
    ) throws(ParseFailure) -> Built {
        try enter(properties, depth)
        var pairs: [Node.Pair] = []
        var seen: [String: Int] = [:]
        var size = 1
        var height = 0
        while true {
            let event = try next()
            if case .mappingEnd = event { break }
            let key = try node(event, depth: depth)
            let value = try node(next(), depth: depth)
            size += key.size + value.size
            height = max(height, key.height, value.height)
            if accept(key.node, &seen) { pairs.append(Node.Pair(key: key.node, value: value.node)) }
        }
        leave(properties)
        return try finish(properties, .mapping(pairs), size: size, height: height + 1)
    }

    /// Is it a key that counts? Merge keys, and all but the first of equal keys, do not. `seen` has the lines of keys.
    private func accept(_ key: Node, _ seen: inout [String: Int]) -> Bool {
        guard let scalar = key.scalar else { return true }
        if !scalar.isQuoted && scalar.text == "<<" {
            diagnostics.error("merge keys are not used here; write the keys out", at: key.mark)
            return false
        }
        // 5 and "5" are different keys: a number and a text.
        let identity = (scalar.reading == .string ? "t" : "p") + scalar.text
        if let first = seen[identity] {
            diagnostics.error(
                "duplicate key \(quote(scalar.text)); the first, at line \(first), counts", at: key.mark)
            return false
        }
        seen[identity] = Int(key.mark.line)
        return true
    }

    private mutating func enter(_ properties: Event.Properties, _ depth: Int) throws(ParseFailure) {
        guard depth <= limits.depth else { throw tooDeep(properties.mark) }
        if let anchor = properties.anchor { open.append(anchor) }
    }

    private mutating func leave(_ properties: Event.Properties) {
        if properties.anchor != nil { open.removeLast() }
    }

    private mutating func finish(
        _ properties: Event.Properties, _ content: Node.Content, size: Int, height: Int
    ) throws(ParseFailure) -> Built {
        try count(1, properties.mark)
        if let tag = properties.tag {
            diagnostics.error("the tag \(quote(tag)) is not allowed; tags are not used here", at: properties.mark)
        }
        let built = Built(node: Node(mark: properties.mark, content: content), size: size, height: height)
        if let anchor = properties.anchor {
            anchors[anchor] = anchored.count
            anchored.append(built)
        }
        return built
    }

    private mutating func alias(_ name: String, _ mark: Mark, _ depth: Int) throws(ParseFailure) -> Built {
        if open.contains(name) {
            throw ParseFailure(mark: mark, message: "the alias \(quote(name)) stands for something that it is part of")
        }
        guard let target = anchors[name].map({ anchored[$0] }) else {
            diagnostics.error("no anchor \(quote(name)) before this alias", at: mark)
            try count(1, mark)
            return Built(node: Node(mark: mark, content: .invalid), size: 1, height: 0)
        }
        guard depth + target.height <= limits.depth else { throw tooDeep(mark) }
        try count(target.size, mark)
        return Built(node: Node(mark: mark, content: target.node.content), size: target.size, height: target.height)
    }

    private mutating func count(_ more: Int, _ mark: Mark) throws(ParseFailure) {
        nodes += more
        guard nodes <= limits.nodes else {
            throw ParseFailure(
                mark: mark, message: "more than \(limits.nodes) values, aliases counted as what they stand for")
        }
    }

    private func tooDeep(_ mark: Mark) -> ParseFailure {
        ParseFailure(mark: mark, message: "nested deeper than \(limits.depth) levels")
    }
}
