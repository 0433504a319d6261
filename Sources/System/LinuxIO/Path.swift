// SPDX-License-Identifier: Apache-2.0

/// Pathnames as text: no file is looked at.
public enum Path {
    /// The part before the last "/": "/" of "/x", "." of "x".
    @inline(never)
    public static func parent(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// The part after the last "/".
    @inline(never)
    public static func name(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(decoding: bytes[(slash + 1)...], as: UTF8.self)
    }

    /// Does it name a folder, rather than a bare name?
    public static func hasFolder(_ path: String) -> Bool { [UInt8](path.utf8).contains(UInt8(ascii: "/")) }
}
