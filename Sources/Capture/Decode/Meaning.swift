// SPDX-License-Identifier: Apache-2.0
import Capture
import JSON

/// A record in words, and as fields.
struct Entry {
    /// The record itself.
    var summary: String
    /// What it means, a line each.
    var meaning: [String] = []
    /// The same as members of an object; a register access is made into some only when it is asked for.
    var fields: [JSONMember] = []
    /// The register access that it is.
    var access: Access?
    /// Requests that it ended.
    var exchanges: [Exchange] = []
    /// Would somebody who looks for the fault want to see it?
    var isError = false
}

/// A register access, and what is known of it.
struct Access {
    let record: RegisterRecord
    /// Which port the host wrote to, as far as it is known.
    var port: HostPort
    /// Do the bits 7 and 6 of STR mean what IPMI says?
    var hasState: Bool
    var phase: String?
}

/// What a frame says: lines for people, fields for programs.
struct Meaning {
    var lines: [String]
    var fields: [JSONMember] = []
    var exchanges: [Exchange] = []
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
