// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin

/// Reads the defaults that plugins declare: scalars, lists of bytes, and empty collections; nil for what is more than that.
enum OptionDefault {
    private static let durations: [(String, UInt64)] = [
        ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]
    private static let sizes: [(String, UInt64)] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("", 1)]

    static func read(_ text: String, _ declared: kcs_option) -> TestValue? {
        switch declared.type {
        case KCS_OPTION_BOOL: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        case KCS_OPTION_INTEGER: return number(text).map { .integer($0) }
        case KCS_OPTION_BYTE: return number(text).flatMap { UInt8(exactly: $0) }.map { .byte($0) }
        case KCS_OPTION_DURATION: return quantity(text, durations).map { .duration($0) }
        case KCS_OPTION_SIZE: return quantity(text, sizes).map { .size($0) }
        case KCS_OPTION_STRING: return isNumber(text) ? nil : .string(unquoted(text))
        case KCS_OPTION_PATH: return .path(unquoted(text))
        case KCS_OPTION_ENUMERATION: return declared.choiceNames.contains(text) ? .enumeration(text) : nil
        case KCS_OPTION_ACTIONS: return .actions(text)
        case KCS_OPTION_OBJECT: return text == "{}" ? .object([:]) : nil
        case KCS_OPTION_MAP: return text == "{}" ? .map([]) : nil
        case KCS_OPTION_LIST: return text == "[]" ? .list([]) : nil
        case KCS_OPTION_BYTES:
            let bytes = text.split { "[, ]".contains($0) }.map { UInt8($0) }
            return bytes.contains(nil) ? nil : .bytes(bytes.compactMap { $0 })
        case KCS_OPTION_ONE_OF:
            for alternative in declared.alternatives {
                if let value = read(text, alternative) { return value }
            }
            return nil
        default: return nil
        }
    }

    private static func number(_ text: String) -> Int64? {
        text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
    }

    private static func isNumber(_ text: String) -> Bool { number(text) != nil }

    private static func unquoted(_ text: String) -> String {
        text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text
    }

    private static func quantity(_ text: String, _ units: [(String, UInt64)]) -> UInt64? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            if let count = UInt64(text.dropLast(unit.count)) { return count * factor }
        }
        return nil
    }
}
