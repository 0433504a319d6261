// SPDX-License-Identifier: Apache-2.0
import Schema

/// Options that a declaration allows, in one line of YAML.
struct OptionGenerator {
    var random: FuzzRandom

    /// An object's members: those that must be given, and some of the others.
    mutating func options(_ shape: OptionShape) -> String { value(shape, depth: 0) }

    private mutating func value(_ shape: OptionShape, depth: Int) -> String {
        switch shape.type {
        case .absent: return "null"
        case .object: return object(shape, depth)
        case .list:
            guard let child = shape.children.first else { return "[]" }
            return "[" + (0..<count(shape, depth)).map { _ in value(child, depth: depth + 1) }.joined(separator: ", ")
                + "]"
        case .map:
            guard shape.children.count == 2 else { return "{}" }
            var entries: [String: String] = [:]
            for _ in 0..<count(shape, depth) {
                let key = value(shape.children[0], depth: depth + 1)
                entries[key] = value(shape.children[1], depth: depth + 1)
            }
            return "{" + entries.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
                + "}"
        case .oneOf: return shape.children.isEmpty ? "{}" : value(random.pick(shape.children), depth: depth + 1)
        case .enumeration: return shape.choices.isEmpty ? "x" : random.pick(shape.choices)
        case .bool: return random.chance(50) ? "true" : "false"
        case .integer: return "\(number(shape, 0, 1 << 20))"
        case .duration: return "\(number(shape, 0, 10_000_000_000) / 1000)us"
        case .size: return "\(number(shape, 0, 1 << 16))"
        case .string: return "\"" + text(shape) + "\""
        // A plugin opens, replaces and removes what it is told to: only files of the folder that it runs in are named.
        case .path: return random.pick(["fuzzed-a", "fuzzed-b", "fuzzed/c"])
        case .byte: return "\(random.below(256))"
        case .bytes:
            let length = min(Int(clamping: shape.maximum ?? 4), max(Int(clamping: shape.minimum ?? 0), random.below(4)))
            return "[" + (0..<length).map { _ in "\(random.byte())" }.joined(separator: ", ") + "]"
        case .actions:
            return random.pick(["[{log: fuzz}]", "[{capture: channel}]", "[{log: a}, {capture: all}]", "[]"])
        }
    }

    private mutating func object(_ shape: OptionShape, _ depth: Int) -> String {
        var members: [String] = []
        for member in shape.children where member.required || random.chance(depth == 0 ? 35 : 50) {
            members.append("\(member.key): \(value(member, depth: depth + 1))")
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    private mutating func count(_ shape: OptionShape, _ depth: Int) -> Int {
        let least = Int(clamping: shape.minimum ?? 0)
        let most = min(Int(clamping: shape.maximum ?? 3), least + 3)
        return depth > 5 ? least : random.between(least, max(least, most))
    }

    private mutating func number(_ shape: OptionShape, _ low: Int64, _ high: Int64) -> Int64 {
        let (low, high) = (shape.minimum ?? low, shape.maximum ?? high)
        switch random.below(4) {
        case 0: return low
        case 1: return high
        default:
            let span = UInt64(bitPattern: high &- low)
            return span == .max
                ? Int64(bitPattern: random.next()) : low &+ Int64(bitPattern: random.next() % (span + 1))
        }
    }

    private mutating func text(_ shape: OptionShape) -> String {
        let least = Int(clamping: shape.minimum ?? 0)
        let length = min(Int(clamping: shape.maximum ?? 8), random.between(least, least + 8))
        return String(decoding: (0..<length).map { _ in UInt8(ascii: "a") + UInt8(random.below(26)) }, as: UTF8.self)
    }
}
