// SPDX-License-Identifier: Apache-2.0

/// A generator of numbers that are the same for the same seed (SplitMix64).
public struct SeededRandom: Sendable, Hashable {
    private var state: UInt64

    /// A generator at its beginning.
    public init(seed: UInt64) { state = seed }

    /// A generator for one of many things that share a seed: near numbers give unlike generators.
    public init(seed: UInt64, _ path: UInt64...) {
        state = seed
        for step in path {
            state ^= step &* 0xD6E8_FEB8_6659_FD93
            state = next()
        }
    }

    /// The next number, any of 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// A number below `bound`, which is not 0.
    public mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

    /// True so many times in a thousand.
    public mutating func chance(_ perMille: UInt64) -> Bool { below(1000) < perMille }
}

/// What becomes of one interrupt.
public enum InterruptFault: Hashable, Sendable {
    /// It is raised at once, as it should be.
    case none
    /// It is not raised. The line is level-triggered: whoever looks next sees what it was for.
    case lost
    /// It is raised so many nanoseconds later.
    case delayed(UInt64)
    /// It is raised, and then again with nothing to tell.
    case spurious
}

/// What goes wrong with the interrupts towards the BMC: a fate for each, the same ones for the same seed.
public struct InterruptFaults: Hashable, Sendable {
    private var random: SeededRandom
    /// So many in a thousand are lost.
    public var lost: UInt64
    /// So many in a thousand are delayed.
    public var delayed: UInt64
    /// The longest delay, in nanoseconds.
    public var longestDelay: UInt64
    /// So many in a thousand are followed by one with nothing to tell.
    public var spurious: UInt64

    /// Faults at these rates.
    public init(
        seed: UInt64, lost: UInt64 = 0, delayed: UInt64 = 0, longestDelay: UInt64 = 5_000_000, spurious: UInt64 = 0
    ) {
        precondition(lost + delayed + spurious <= 1000, "an interrupt has one fate")
        random = SeededRandom(seed: seed)
        self.lost = lost
        self.delayed = delayed
        self.longestDelay = longestDelay
        self.spurious = spurious
    }

    /// The fate of the next interrupt.
    public mutating func next() -> InterruptFault {
        // Two numbers for each, so that one interrupt's fate does not depend on another's.
        let (kind, delay) = (random.below(1000), random.next())
        if kind < lost { return .lost }
        if kind < lost + delayed { return .delayed(1 + delay % max(1, longestDelay)) }
        return kind < lost + delayed + spurious ? .spurious : .none
    }
}
