// SPDX-License-Identifier: Apache-2.0

/// What somebody who misspelt a word may have meant.
public enum Suggestion {
    /// The candidate that is nearest to a word, if one is near enough: about one slip in three letters, or a word that
    /// was cut short.
    public static func of(_ word: String, among candidates: [String]) -> String? {
        let wanted = plain(word)
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let letters = plain(candidate)
            var distance = editDistance(wanted, letters)
            if wanted.count >= 3 && letters.starts(with: wanted) { distance = 1 }
            guard distance <= max(1, min(wanted.count, letters.count) / 3) else { continue }
            if best == nil || distance < best!.distance { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// In lower case, with one kind of separator: those slips cost nothing.
    private static func plain(_ word: String) -> [UInt8] {
        word.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte | 0x20
            case UInt8(ascii: "-"): return UInt8(ascii: "_")
            default: return byte
            }
        }
    }

    /// Letters to insert, remove, replace, or swap with their neighbour.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var least = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                current.append(least)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
