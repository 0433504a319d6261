// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: a list of C strings of a plugin's.

/// An argument list that ends with NULL; nil when it is empty, or longer than any sane one.
func argumentStrings(_ list: UnsafePointer<UnsafePointer<CChar>?>) -> [String]? {
    var strings: [String] = []
    while let string = list[strings.count] {
        strings.append(String(cString: string))
        if strings.count > 256 { return nil }
    }
    return strings.isEmpty ? nil : strings
}
