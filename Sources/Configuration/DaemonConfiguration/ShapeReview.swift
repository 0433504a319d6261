// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// Whether a tree of shapes makes sense by itself. For shapes that somebody else wrote.
public enum ShapeReview {
    /// Levels of shapes in each other.
    public static let depthLimit = 16
    /// Shapes in one tree.
    public static let countLimit = 4096

    /// What is wrong with a tree, one sentence each; empty when it can be used.
    public static func faults(_ shape: OptionShape) -> [String] {
        var faults: [String] = []
        var count = 0
        review(shape, shape.key.isEmpty ? "the options" : quote(shape.key), 0, &count, &faults)
        if faults.isEmpty { reviewDefaults(shape, &faults) }
        return faults
    }

    private static func review(
        _ shape: OptionShape, _ name: String, _ depth: Int, _ count: inout Int, _ faults: inout [String]
    ) {
        count += 1
        guard depth <= depthLimit, count <= countLimit else {
            if faults.last != tooMuch { faults.append(tooMuch) }
            return
        }
        if let low = shape.minimum, let high = shape.maximum, low > high {
            faults.append("\(name) has a range from \(low) to \(high)")
        }
        switch shape.type {
        case .absent: faults.append("\(name) has no type")
        case .object: members(shape, name, &faults)
        case .list where shape.children.count != 1: faults.append("\(name) is a list without one shape of its elements")
        case .map where shape.children.count != 2: faults.append("\(name) is a map without shapes of key and value")
        case .map:
            let keys: [OptionType] = [.string, .path, .integer, .byte, .bool, .enumeration, .duration, .size]
            if !keys.contains(shape.children[0].type) { faults.append("\(name) is a map whose keys are no scalars") }
        case .oneOf where shape.children.isEmpty: faults.append("\(name) has no alternatives")
        case .enumeration where shape.choices.isEmpty: faults.append("\(name) is an enumeration without words")
        default: break
        }
        for child in shape.children {
            let inner = child.key.isEmpty ? "the inside of \(name)" : quote(child.key)
            review(child, inner, depth + 1, &count, &faults)
        }
    }

    private static let tooMuch = "the tree is deeper than \(depthLimit) levels or has more than \(countLimit) shapes"

    private static func members(_ shape: OptionShape, _ name: String, _ faults: inout [String]) {
        var seen: [String: Int] = [:]
        for (index, member) in shape.children.enumerated() {
            if member.key.isEmpty { faults.append("\(name) has a member without a key") }
            if seen.updateValue(index, forKey: member.key) != nil {
                faults.append("\(name) has \(quote(member.key)) twice")
            }
            if member.required && member.defaultText != nil {
                faults.append("\(quote(member.key)) is required and has a default")
            }
        }
    }

    private static func reviewDefaults(_ shape: OptionShape, _ faults: inout [String]) {
        if let text = shape.defaultText {
            let found = Diagnostics(file: "")
            if let node = Checker.node(ofDefault: text, found) {
                _ = Checker(found, owner: "it", place: .start).value(node, shape, "it")
            }
            if let first = found.all.first {
                faults.append("bad default for \(quote(shape.key)): \(first.message)")
            }
        }
        for child in shape.children { reviewDefaults(child, &faults) }
    }
}
