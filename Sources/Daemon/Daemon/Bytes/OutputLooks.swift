// SPDX-License-Identifier: Apache-2.0

/// When to look at OBF while output is awaited, beside the device's own news of it, which may be half a second late or never
/// come. A pause is as long as the wait has lasted, so that a host CPU that reads soon is seen soon, and one that does not
/// read costs little. Times are in nanoseconds.
struct OutputLooks {
    /// The first pause: where there is no interrupt, this is what a byte costs with the quickest host CPUs.
    private static let soon: UInt64 = 100_000
    /// The first pause where the device's news comes in time.
    private static let late: UInt64 = 2_000_000
    private static let longest: UInt64 = 100_000_000
    /// Waits in a row that the device's news must have ended before it is relied on.
    private static let proof = 8
    private var inTime = 0

    /// The pause after so long a wait; 0 is its beginning.
    func pause(after waited: UInt64) -> UInt64 {
        if waited == 0 { return inTime < Self.proof ? Self.soon : Self.late }
        return min(max(waited, Self.soon), Self.longest)
    }

    /// A wait is over: a look found OBF clear, or the device told of it.
    mutating func ended(byLook: Bool) { inTime = byLook ? 0 : min(inTime + 1, Self.proof) }
}
