// SPDX-License-Identifier: Apache-2.0
import Capture
import Common

/// Text in columns.
enum Column {
    static func left(_ text: String, _ width: Int) -> String {
        var padded = text
        var count = text.utf8.count
        while count < width {
            padded += " "
            count += 1
        }
        return padded
    }

    /// Lines of at most so many columns, broken between words: the first begins with `lead`, the others with `indent`.
    static func broken(_ text: String, lead: String, indent: String, _ columns: Int) -> [String] {
        var lines: [String] = []
        var (line, isFresh) = (lead, true)
        for part in text.utf8.split(separator: UInt8(ascii: " ")) {
            let word = String(decoding: Array(part), as: UTF8.self)
            if !isFresh, line.unicodeScalars.count + 1 + word.unicodeScalars.count > columns {
                lines.append(line)
                (line, isFresh) = (indent, true)
            }
            line += isFresh ? word : " " + word
            isFresh = false
        }
        return lines + [line]
    }

    /// At most so many characters; where some are left out, the last says so.
    static func cut(_ text: String, _ columns: Int) -> String {
        var short = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += 1
            if count < columns { short.unicodeScalars.append(scalar) }
        }
        return count > columns ? short + "…" : text
    }
}

/// Text of unknown origin, made safe for a terminal.
enum Printable {
    /// Control characters, which could steer a terminal, as \xNN.
    static func text(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0) {
                safe += "\\x" + Hex.byte(UInt8(scalar.value))
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}

extension Hex {
    /// At most 32 bytes, and how many more there are.
    static func excerpt(_ values: ArraySlice<UInt8>) -> String {
        let limit = 32
        return bytes(values.prefix(limit)) + (values.count > limit ? " … \(values.count - limit) more" : "")
    }
}
