// SPDX-License-Identifier: Apache-2.0
//
// Words are equal when their bytes are. The library's comparison of Strings takes letters that are composed in other ways for
// the same, and its tables and code would be a tenth of this program.

extension String {
    func `is`(_ word: String) -> Bool { utf8.elementsEqual(word.utf8) }
}

/// For `switch`.
func ~= (pattern: String, word: String) -> Bool { word.is(pattern) }
func ~= (pattern: String, word: String?) -> Bool { word.map { $0.is(pattern) } ?? false }

extension Sequence where Element == String {
    func contains(_ word: String) -> Bool { contains { $0.is(word) } }
}
