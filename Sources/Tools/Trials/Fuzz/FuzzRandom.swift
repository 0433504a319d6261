// SPDX-License-Identifier: Apache-2.0

/// Numbers that a seed repeats (SplitMix64).
struct FuzzRandom {
    private var state: UInt64

    init(seed: UInt64, run: Int) { state = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(run) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// 0 to `bound` - 1.
    mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

    mutating func between(_ low: Int, _ high: Int) -> Int { low + below(max(1, high - low + 1)) }

    /// True in so many of a hundred cases.
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    /// A byte, more often one at which something changes.
    mutating func byte() -> UInt8 {
        switch below(8) {
        case 0: 0
        case 1: 0xFF
        case 2: UInt8(1 << below(8))
        case 3, 4: UInt8(below(17))
        default: UInt8(truncatingIfNeeded: next())
        }
    }
}
