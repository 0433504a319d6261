// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text between the bytes `separator`, an ASCII character; empty parts count only where `keepingEmpty`.
    public func parts(at separator: UInt8, keepingEmpty: Bool = false) -> [String] {
        let bytes = Array(utf8)
        var parts: [String] = []
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == separator {
            if keepingEmpty || index > start { parts.append(String(decoding: bytes[start..<index], as: UTF8.self)) }
            start = index + 1
        }
        return parts
    }

    /// Its lines, empty ones left out.
    public var lines: [String] { parts(at: UInt8(ascii: "\n")) }
}
