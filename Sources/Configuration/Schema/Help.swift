// SPDX-License-Identifier: Apache-2.0
import Common

/// A tree of shapes as text for the person who writes the file.
public enum Help {
    /// The members of an object, or a single shape, one line each with its help below it, two spaces deeper a level.
    public static func lines(_ shape: OptionShape) -> [String] {
        var lines: [String] = []
        if shape.type == .object && shape.key.isEmpty {
            for member in shape.children { add(member, 0, &lines) }
        } else {
            add(shape, 0, &lines)
        }
        return lines
    }

    /// What a value of this shape is, in a few words: `duration`, `list of path`, `strict | any`.
    public static func typeName(_ shape: OptionShape) -> String {
        if shape.isUnchecked { return "mapping" }
        switch shape.type {
        case .absent: return "nothing"
        case .object: return "object"
        case .list: return "list of \(inner(shape, 0))"
        case .map: return "map of \(inner(shape, 0)) to \(inner(shape, 1))"
        case .oneOf: return "one of"
        case .enumeration: return shape.choices.joined(separator: " | ")
        case .bool: return "true | false"
        case .integer: return shape.isFileMode ? "file mode" : "integer"
        case .duration: return "duration"
        case .size: return "size"
        case .string: return "string"
        case .path: return "path"
        case .byte: return "byte"
        case .bytes: return "bytes"
        case .actions: return "actions"
        }
    }

    /// The range that a shape allows, `1 to 99`, `at least 4KiB`; nil when anything goes.
    public static func range(_ shape: OptionShape) -> String? {
        switch (shape.minimum, shape.maximum) {
        case (nil, nil): return nil
        case (let low?, nil): return "at least \(bound(low, shape))\(unit(shape))"
        case (nil, let high?): return "at most \(bound(high, shape))\(unit(shape))"
        case (let low?, let high?): return "\(bound(low, shape)) to \(bound(high, shape))\(unit(shape))"
        }
    }

    private static func bound(_ value: Int64, _ shape: OptionShape) -> String {
        switch shape.type {
        case .duration: return TimeSpan(nanoseconds: UInt64(max(value, 0))).text
        case .size: return Quantity.size(UInt64(max(value, 0)))
        case .integer where shape.isFileMode && value != 0: return "0\(String(value, radix: 8))"
        default: return "\(value)"
        }
    }

    private static func unit(_ shape: OptionShape) -> String {
        switch shape.type {
        case .string, .path, .bytes: return " bytes long"
        case .list, .actions: return " elements"
        case .map: return " pairs"
        default: return ""
        }
    }

    private static func inner(_ shape: OptionShape, _ index: Int) -> String {
        index < shape.children.count ? typeName(shape.children[index]) : "anything"
    }

    private static func add(_ shape: OptionShape, _ depth: Int, _ lines: inout [String]) {
        let indent = String(repeating: " ", count: depth * 2)
        var line = indent + (shape.key.isEmpty ? "-" : "\(shape.key):") + " \(typeName(shape))"
        var remarks: [String] = []
        if shape.required { remarks.append("required") }
        if let text = shape.defaultText { remarks.append("default \(text)") }
        if let range = range(shape) { remarks.append(range) }
        if !remarks.isEmpty { line += " (\(remarks.joined(separator: "; ")))" }
        lines.append(line)
        if !shape.help.isEmpty { lines.append(indent + "    " + shape.help) }
        switch shape.type {
        case .object, .oneOf: for child in shape.children { add(child, depth + 1, &lines) }
        case .list, .map:
            for child in shape.children where child.hasInside { add(child, depth + 1, &lines) }
        default: break
        }
    }
}

extension OptionShape {
    /// Is there more to say than the type's name?
    fileprivate var hasInside: Bool {
        switch type {
        case .object, .oneOf: return !isUnchecked
        case .list, .map: return children.contains { $0.hasInside } || !help.isEmpty
        default: return !help.isEmpty || minimum != nil || maximum != nil
        }
    }
}
