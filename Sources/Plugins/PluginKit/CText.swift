// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: text as C has it.

/// A literal's own bytes: they are NUL-terminated and never move.
func cString(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// A copy, NUL-terminated, that its taker frees or keeps.
func copyForC(_ text: String) -> UnsafeMutablePointer<CChar> {
    text.withCString { source in
        let count = text.utf8.count + 1
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: count)
        copy.initialize(from: source, count: count)
        return copy
    }
}
