// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// Checked values as YAML that reads as the same again.
public enum ValueText {
    /// An object as the lines of a file. Absent members are left out.
    public static func yaml(_ value: Value) -> String {
        var text = ""
        for member in value.object ?? [] where !member.value.isAbsent { add(member.key, member.value, 0, &text) }
        return text
    }

    /// `key: value`, what is in it below, two spaces deeper a level.
    private static func add(_ key: String, _ value: Value, _ depth: Int, _ text: inout String) {
        let indent = String(repeating: " ", count: depth * 2)
        switch value.payload {
        case .object(let members) where members.contains { !$0.value.isAbsent }:
            text += "\(indent)\(key):\n"
            for member in members where !member.value.isAbsent { add(member.key, member.value, depth + 1, &text) }
        case .list(let elements) where elements.contains { $0.object != nil }:
            text += "\(indent)\(key):\n"
            for element in elements { add(element, depth + 1, &text) }
        case .actions(let actions) where !actions.isEmpty:
            text += "\(indent)\(key):\n"
            for action in actions { text += "\(indent)  - \(flow(action))\n" }
        case .map(let pairs) where !pairs.isEmpty:
            text += "\(indent)\(key):\n"
            for pair in pairs { add(flow(pair.key), pair.value, depth + 1, &text) }
        case .oneOf(_, let inner): add(key, inner, depth, &text)
        default: text += "\(indent)\(key): \(flow(value))\n"
        }
    }

    /// An element of a list: its first line begins with `- `.
    private static func add(_ element: Value, _ depth: Int, _ text: inout String) {
        var inner = ""
        for member in element.object ?? [] where !member.value.isAbsent {
            add(member.key, member.value, depth + 1, &inner)
        }
        guard !inner.isEmpty else {
            text += String(repeating: " ", count: depth * 2) + "- \(flow(element))\n"
            return
        }
        let before = String(repeating: " ", count: depth * 2) + "- "
        text += before + String(decoding: Array(inner.utf8).dropFirst((depth + 1) * 2), as: UTF8.self)
    }

    /// A value on one line.
    private static func flow(_ value: Value) -> String {
        switch value.payload {
        case .absent: return "~"
        case .object(let members):
            let held = members.filter { !$0.value.isAbsent }
            return "{" + held.map { "\($0.key): \(flow($0.value))" }.joined(separator: ", ") + "}"
        case .list(let elements):
            return "[" + elements.map { flow($0) }.joined(separator: ", ") + "]"
        case .map(let pairs):
            return "{"
                + pairs.map { "\(flow($0.key)): \(flow($0.value))" }
                .joined(separator: ", ") + "}"
        case .oneOf(_, let inner): return flow(inner)
        case .actions(let actions): return "[" + actions.map { flow($0) }.joined(separator: ", ") + "]"
        default: return scalar(value.payload)
        }
    }

    private static func flow(_ action: Action) -> String {
        let (key, payload) = action.kind.member
        var text = "{\(key): "
        if case .list(let elements) = payload {
            text += "[" + elements.map { scalar($0.payload) }.joined(separator: ", ") + "]"
        } else {
            text += scalar(payload)
        }
        // A limit that is longer than the file may set is nobody's to write.
        if action.timeout <= .hours(24) { text += ", timeout: \(action.timeout.text)" }
        if !action.otherwise.isEmpty {
            text += ", else: [" + action.otherwise.map { flow($0) }.joined(separator: ", ") + "]"
        }
        return text + "}"
    }

    private static func scalar(_ payload: Value.Payload) -> String {
        switch payload {
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return "\(value)"
        case .fileMode(let value): return "0\(String(value, radix: 8))"
        case .duration(let value): return value.text
        case .size(let value): return Quantity.size(value)
        case .byte(let value): return "\(value)"
        case .bytes(let bytes): return "[" + bytes.map { "\($0)" }.joined(separator: ", ") + "]"
        case .string(let text), .path(let text), .enumeration(let text): return quoted(text)
        default: return "~"
        }
    }

    /// A text as it is where nobody can take it for something else, in double quotes otherwise.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                return true
            default: return false
            }
        }
        let scalar = Scalar(text: text, isQuoted: false)
        if isPlain && scalar.reading == .string && text.utf8.first != UInt8(ascii: "-") { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if DisplayWidth.isUnsafe(scalar) {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
