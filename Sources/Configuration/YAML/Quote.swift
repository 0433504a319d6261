// SPDX-License-Identifier: Apache-2.0

/// A text from a file as part of a message: in quotes, on one line, harmless to a terminal, and cut when it is long.
public func quote(_ text: String) -> String {
    var result = "'"
    var count = 0
    for scalar in text.unicodeScalars {
        if count == 60 {
            result += "..."
            break
        }
        count += 1
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        default:
            if DisplayWidth.isUnsafe(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result + "'"
}
