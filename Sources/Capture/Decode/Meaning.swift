// SPDX-License-Identifier: Apache-2.0

/// A record in words.
struct Entry {
    /// The record itself.
    var summary: String
    /// What it means, a line each.
    var meaning: [String] = []
    /// Would somebody who looks for the fault want to see it?
    var isError = false
}

/// What a frame says, a line each.
struct Meaning {
    var lines: [String]
    var isError = false
}

func joined(_ words: [String], _ separator: String) -> String {
    var text = ""
    for (index, word) in words.enumerated() {
        if index > 0 { text += separator }
        text += word
    }
    return text
}
