// SPDX-License-Identifier: Apache-2.0
import Common

/// A limit for the repeats of one source's lines: a line is held back when others like it, which differ in numbers only, came
/// too often. Each kind has a limit of its own, so that whoever repeats himself hides nothing else.
struct SuppressedLines {
    /// A line that was held back, and how many like it beside it.
    struct Held: Equatable {
        let level: LogLevel
        let text: String
        let others: UInt64
    }

    private struct Kind {
        var key: UInt64
        var limit: RateLimit
        /// The last one that was held back.
        var last: (level: LogLevel, text: String)?
    }

    /// Kinds that are told apart. When there are more, those that came last count as one.
    private static let most = 32
    private var burst: UInt64
    private var interval: UInt64
    private var kinds: [Kind] = []

    /// `burst` lines of a kind at once, then one each `interval` nanoseconds.
    init(burst: UInt64, interval: UInt64) {
        self.burst = burst
        self.interval = interval
    }

    /// May the line be written? If so, how many of its kind were held back since the last one.
    mutating func admit(_ level: LogLevel, _ text: String, _ now: UInt64) -> UInt64? {
        let index = index(of: Self.key(text), now)
        if let held = kinds[index].limit.admit(now) {
            kinds[index].last = nil
            return held
        }
        kinds[index].last = (level, text)
        return nil
    }

    /// When the last line of a kind that was held back may be written; nil while there is none.
    var deadline: UInt64? { kinds.compactMap { $0.limit.deadline }.min() }

    /// The last lines of the kinds that were held back and may be written now; `all`: whether they may or not.
    mutating func take(_ now: UInt64, all: Bool = false) -> [Held] {
        var taken: [Held] = []
        for index in kinds.indices {
            guard let deadline = kinds[index].limit.deadline, all || deadline <= now, let last = kinds[index].last
            else {
                continue
            }
            taken.append(Held(level: last.level, text: last.text, others: kinds[index].limit.flush(now) - 1))
            kinds[index].last = nil
        }
        return taken
    }

    /// Where the kind is counted; one that said nothing for long makes room for it.
    private mutating func index(of key: UInt64, _ now: UInt64) -> Int {
        if let known = kinds.firstIndex(where: { $0.key == key }) { return known }
        let limit = RateLimit(burst: burst, interval: interval)
        guard kinds.count == Self.most else {
            kinds.append(Kind(key: key, limit: limit))
            return kinds.count - 1
        }
        for index in kinds.indices.dropLast() where kinds[index].last == nil {
            guard kinds[index].limit.allows(burst, now) else { continue }
            kinds[index] = Kind(key: key, limit: limit)
            return index
        }
        return kinds.count - 1
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
