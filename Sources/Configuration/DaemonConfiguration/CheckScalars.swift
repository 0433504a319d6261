// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Values that are one scalar. Strict: a plain scalar that reads as a number or a boolean is not text, and a quoted one
/// is never a number or a boolean. Durations, sizes and words read the same quoted or not.
extension Checker {
    func scalar(_ node: Node, _ shape: OptionShape, _ subject: String) -> Value {
        guard let scalar = node.scalar else {
            return fail(node, shape.type, "\(subject) wants \(wanted(shape)), not \(node.phrase)")
        }
        let payload: Value.Payload?
        switch shape.type {
        case .enumeration: payload = enumeration(scalar, shape, node, subject)
        case .bool: payload = bool(scalar, node, subject).map { .bool($0) }
        case .integer:
            payload = integer(scalar, shape, node, subject).map { shape.isFileMode ? .fileMode($0) : .integer($0) }
        case .duration: payload = duration(scalar, shape, node, subject).map { .duration($0) }
        case .size: payload = size(scalar, shape, node, subject).map { .size($0) }
        case .byte: payload = byte(node, subject).map { .byte($0) }
        case .path: payload = path(scalar, shape, node, subject).map { .path($0) }
        default: payload = string(scalar, shape, node, subject).map { .string($0) }
        }
        return make(shape.type, node, payload ?? .absent)
    }

    func wanted(_ shape: OptionShape) -> String {
        if let phrase = shape.phrase { return phrase }
        switch shape.type {
        case .integer: return shape.isFileMode ? "a file mode such as 0660" : "a whole number"
        case .duration: return "a duration such as 10ms or 30s"
        case .size: return "a size such as 64KiB"
        case .enumeration: return shape.choices.joined(separator: ", ")
        default: return shape.type.phrase
        }
    }

    private func refuse(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String, _ hint: String) {
        let remark = hint.isEmpty ? "" : " (\(hint))"
        diagnostics.error("\(subject) wants \(wanted(shape)), not \(quote(scalar.text))\(remark)", at: node.mark)
    }

    private func enumeration(
        _ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String
    ) -> Value.Payload? {
        // The set is closed, so a word such as off can only be meant as the word.
        if shape.choices.contains(scalar.text) { return .enumeration(scalar.text) }
        let near = shape.phrase == nil ? Suggestion.of(scalar.text, among: shape.choices) : nil
        let hint = near.map { "did you mean \(quote($0))?" } ?? ""
        refuse(scalar, shape, node, subject, hint)
        return nil
    }

    /// The same but for the case of ASCII letters?
    private static func isSame(_ text: String, _ lowercase: String) -> Bool {
        text.utf8.elementsEqual(lowercase.utf8) { $0 | 0x20 == $1 }
    }

    private func bool(_ scalar: Scalar, _ node: Node, _ subject: String) -> Bool? {
        if !scalar.isQuoted && scalar.text == "true" { return true }
        if !scalar.isQuoted && scalar.text == "false" { return false }
        var hint = ""
        if scalar.isQuoted && (scalar.text == "true" || scalar.text == "false") {
            hint = " (quoted, it is text)"
        } else if scalar.reading == .bool {
            let isTrue = ["true", "yes", "y", "on"].contains { Self.isSame(scalar.text, $0) }
            hint = " (write \(isTrue))"
        }
        diagnostics.error("\(subject) wants true or false, not \(quote(scalar.text))\(hint)", at: node.mark)
        return nil
    }

    private func integer(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String) -> Int64? {
        guard !scalar.isQuoted else {
            refuse(scalar, shape, node, subject, scalar.looksNumeric ? "quoted, it is text" : "")
            return nil
        }
        do {
            let number =
                shape.isFileMode ? try Literal.fileMode(scalar.text) : try Literal.integer(scalar.text)
            return isInRange(number, scalar.text, shape, node, subject) ? number : nil
        } catch {
            let isBareMode = shape.isFileMode && scalar.reading == .number && error.hint.isEmpty
            refuse(scalar, shape, node, subject, isBareMode ? "octal, with a leading 0" : error.hint)
            return nil
        }
    }

    private func duration(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String) -> TimeSpan? {
        do {
            let value = try TimeSpan(scalar.text)
            return isInRange(Int64(value.nanoseconds), scalar.text, shape, node, subject) ? value : nil
        } catch {
            refuse(scalar, shape, node, subject, error.hint)
            return nil
        }
    }

    private func size(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String) -> UInt64? {
        guard !(scalar.isQuoted && scalar.looksNumeric) else {
            refuse(scalar, shape, node, subject, "quoted, it is text")
            return nil
        }
        do {
            let value = try Quantity.size(scalar.text)
            return isInRange(Int64(value), scalar.text, shape, node, subject) ? value : nil
        } catch {
            refuse(scalar, shape, node, subject, error.hint)
            return nil
        }
    }

    private func string(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String) -> String? {
        guard let text = text(scalar, node, wanted(shape), subject) else { return nil }
        let count = text.utf8.count
        return isInRange(Int64(count), length(count, "byte"), shape, node, subject) ? text : nil
    }

    private func path(_ scalar: Scalar, _ shape: OptionShape, _ node: Node, _ subject: String) -> String? {
        guard let text = string(scalar, shape, node, subject) else { return nil }
        guard !text.isEmpty else {
            diagnostics.error("\(subject) is empty; it must be a path", at: node.mark)
            return nil
        }
        guard text.utf8.count < 4096, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            diagnostics.error("\(subject) is longer than a path may be, or holds control characters", at: node.mark)
            return nil
        }
        return text
    }

    /// The scalar as text, unless it reads as something else.
    func text(_ scalar: Scalar, _ node: Node, _ wanted: String, _ subject: String) -> String? {
        switch scalar.reading {
        case .string: return scalar.text
        case .bool: say("a boolean")
        case .number: say("a number")
        case .null: say("nothing")
        }
        return nil

        func say(_ reading: String) {
            diagnostics.error(
                "\(subject) wants \(wanted); \(quote(scalar.text)) reads as \(reading) (quote it if it is text)",
                at: node.mark)
        }
    }

    /// A number from 0 to 255, or one ASCII character.
    func byte(_ node: Node, _ subject: String) -> UInt8? {
        if case .invalid = node.content { return nil }
        guard let scalar = node.scalar else {
            diagnostics.error("\(subject) wants a byte, not \(node.phrase)", at: node.mark)
            return nil
        }
        let fault: String
        if scalar.isQuoted || scalar.reading == .string {
            let utf8 = Array(scalar.text.utf8)
            if utf8.count == 1 { return utf8[0] }
            fault = scalar.isQuoted && scalar.looksNumeric ? " (quoted, it is text)" : ""
        } else if let number = try? Literal.integer(scalar.text) {
            if let byte = UInt8(exactly: number) { return byte }
            diagnostics.error("\(subject) is \(scalar.text); it must be 0 to 255", at: node.mark)
            return nil
        } else {
            fault = scalar.reading == .null ? " (quote it if the character is meant)" : ""
        }
        diagnostics.error(
            "\(subject) wants a byte, a number from 0 to 255 or one ASCII character, not \(quote(scalar.text))\(fault)",
            at: node.mark)
        return nil
    }
}

extension Scalar {
    /// Would it be a number without its quotes?
    fileprivate var looksNumeric: Bool { Scalar(text: text, isQuoted: false).reading == .number }
}
