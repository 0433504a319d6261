// SPDX-License-Identifier: Apache-2.0

/// The text of a YAML scalar, and whether it was quoted.
public struct Scalar: Equatable, Sendable {
    /// The text, escapes replaced, lines folded. Never holds U+0000.
    public let text: String
    /// Quoted, or a block scalar: text and nothing else.
    public let isQuoted: Bool
    /// What YAML 1.1 takes it for.
    public let reading: Reading

    /// A scalar.
    public init(text: String, isQuoted: Bool) {
        self.text = text
        self.isQuoted = isQuoted
        reading = isQuoted ? .string : Reading(plain: text)
    }

    /// What a scalar is without anybody saying what is wanted.
    public enum Reading: Equatable, Sendable {
        /// Nothing: empty, `~` or `null`.
        case null
        /// A truth value, in any of YAML 1.1's spellings: `true`, `off`, `Yes`.
        case bool
        /// A number, in any of YAML 1.1's spellings: `7`, `0x1F`, `1e3`, `1_000`, `12:30:45`.
        case number
        /// Text.
        case string

        init(plain text: String) {
            let bytes = Array(text.utf8)
            if bytes.isEmpty || Reading.nulls.contains(text) {
                self = .null
            } else if Reading.booleans.contains(text) {
                self = .bool
            } else {
                self = NumberSpelling(bytes).isNumber ? .number : .string
            }
        }

        private static let nulls = ["~", "null", "Null", "NULL"]
        /// As YAML 1.1 has them, but for `y` and `n`, which no common reader takes for truth values.
        private static let booleans = [
            "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
            "off", "Off", "OFF",
        ]
    }
}

/// YAML 1.1's grammar of integers and floating-point numbers.
private struct NumberSpelling {
    private let body: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        let signed = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+")
        body = bytes[(signed ? 1 : 0)...]
    }

    var isNumber: Bool { isPrefixed || isDecimal || isSexagesimal || isNamed }

    /// `0x1F`, `0b1010`; and `0o17`, which later versions of YAML have.
    private var isPrefixed: Bool {
        guard body.count > 2, body[body.startIndex] == UInt8(ascii: "0") else { return false }
        let digits = body.dropFirst(2)
        switch body[body.startIndex + 1] | 0x20 {
        case UInt8(ascii: "x"): return digits.allSatisfy { hexadecimal($0) || $0 == UInt8(ascii: "_") }
        case UInt8(ascii: "b"): return digits.allSatisfy { $0 | 1 == UInt8(ascii: "1") || $0 == UInt8(ascii: "_") }
        case UInt8(ascii: "o"): return digits.allSatisfy { decimal($0) || $0 == UInt8(ascii: "_") }
        default: return false
        }
    }

    /// `12`, `1_000`, `1.5`, `.5`, `1e9`.
    private var isDecimal: Bool {
        var rest = body
        var digits = take(&rest)
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            digits += take(&rest)
        }
        guard digits > 0 else { return false }
        if let first = rest.first, first | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            guard take(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }

    /// `12:30:45`: base sixty, a trap for times of day.
    private var isSexagesimal: Bool {
        var rest = body
        guard take(&rest) > 0, rest.first == UInt8(ascii: ":") else { return false }
        while rest.first == UInt8(ascii: ":") {
            rest.removeFirst()
            let group = rest.prefix { decimal($0) }
            guard group.count == 1 || (group.count == 2 && group[group.startIndex] < UInt8(ascii: "6")) else {
                return false
            }
            rest = rest.dropFirst(group.count)
        }
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { decimal($0) || $0 == UInt8(ascii: "_") } }
        return rest.isEmpty
    }

    /// `.inf`, `.nan`.
    private var isNamed: Bool {
        body.count == 4 && body.first == UInt8(ascii: ".")
            && [Array("inf".utf8), Array("nan".utf8)].contains(body.dropFirst().map { $0 | 0x20 })
    }

    /// Removes digits and underscores from the front; the number of digits among them, 0 when an underscore leads.
    private func take(_ rest: inout ArraySlice<UInt8>) -> Int {
        guard let first = rest.first, decimal(first) else { return 0 }
        var digits = 0
        while let byte = rest.first, decimal(byte) || byte == UInt8(ascii: "_") {
            if decimal(byte) { digits += 1 }
            rest.removeFirst()
        }
        return digits
    }

    private func decimal(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private func hexadecimal(_ byte: UInt8) -> Bool {
        decimal(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
    }
}
