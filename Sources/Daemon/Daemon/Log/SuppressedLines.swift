// SPDX-License-Identifier: Apache-2.0
import Common

/// A limit for all lines of one source, and for each kind of line the count of those that were held back. Lines of a kind
/// differ in numbers only.
struct SuppressedLines {
    private struct Kind {
        let key: UInt64
        var count: UInt64
    }

    /// Kinds that are told apart while lines are held back; all others count as one.
    private static let most = 32
    private static let others: UInt64 = 0
    private var limit: RateLimit
    private var kinds: [Kind] = []

    /// `burst` lines at once, then one each `interval` nanoseconds.
    init(burst: UInt64, interval: UInt64) { limit = RateLimit(burst: burst, interval: interval) }

    /// May the line be written? If so, how many of its kind were held back since the last one.
    mutating func admit(_ text: String, _ now: UInt64) -> UInt64? {
        if limit.admit(now) != nil { return kinds.isEmpty ? 0 : forget(Self.key(text)) }
        let key = Self.key(text)
        if let index = index(of: key) {
            kinds[index].count += 1
        } else {
            kinds.append(Kind(key: kinds.count < Self.most ? key : Self.others, count: 1))
        }
        return nil
    }

    private mutating func forget(_ key: UInt64) -> UInt64 { index(of: key).map { kinds.remove(at: $0).count } ?? 0 }

    /// Where the kind is counted, be it as one of the others.
    private func index(of key: UInt64) -> Int? {
        kinds.firstIndex { $0.key == key } ?? kinds.firstIndex { $0.key == Self.others }
    }

    /// FNV-1a over what are no digits.
    private static func key(_ text: String) -> UInt64 {
        var key: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 where byte < UInt8(ascii: "0") || byte > UInt8(ascii: "9") {
            key = (key ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return key
    }
}
