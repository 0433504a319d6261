// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@Suite struct RateLimitTests {
    @Test func aBurstIsLetThroughAndThenOneAnInterval() {
        var limit = RateLimit(burst: 3, interval: 10)
        for _ in 0..<3 { #expect(limit.admit(100) == 0) }
        #expect(limit.admit(100) == nil)
        #expect(limit.admit(109) == nil)
        #expect(limit.admit(110) == 2)
        #expect(limit.admit(119) == nil)
        #expect(limit.admit(120) == 1)
    }

    @Test func restEarnsNoMoreThanTheBurst() {
        var limit = RateLimit(burst: 2, interval: 10)
        #expect(limit.admit(100) == 0)
        #expect(limit.admit(1_000_000) == 0)
        #expect(limit.admit(1_000_000) == 0)
        #expect(limit.admit(1_000_000) == nil)
    }

    @Test func theFirstIsToldAtOnceAndTheRestOnceAnInterval() {
        let interval: UInt64 = 10_000_000_000
        var limit = RateLimit(interval: interval)
        #expect(limit.admit(100) == 0)
        #expect(limit.deadline == nil)
        for time in 101..<200 as Range<UInt64> { #expect(limit.admit(time) == nil) }
        let deadline = 100 + interval
        #expect(limit.deadline == deadline)
        #expect(limit.admit(deadline) == 99)
        #expect(limit.admit(deadline + 1) == nil)
        #expect(limit.flush(deadline + 2) == 1)
        #expect(limit.flush(deadline + 3) == 0)
        #expect(limit.deadline == nil)
    }

    @Test func whatWasFlushedCountsAsLetThrough() {
        var limit = RateLimit(interval: 10)
        #expect(limit.admit(100) == 0)
        #expect(limit.admit(101) == nil)
        #expect(limit.flush(105) == 1)
        #expect(limit.admit(114) == nil)
        #expect(limit.admit(115) == 1)
    }

    @Test func anIntervalOfZeroIsNoLimit() {
        var limit = RateLimit(burst: 0, interval: 0)
        for _ in 0..<1000 { #expect(limit.admit(0) == 0) }
    }

    @Test func anyTimesAndLimitsAreTaken() {
        var limit = RateLimit(burst: .max, interval: .max)
        #expect(limit.admit(.max) == 0)
        #expect(limit.admit(0) == nil)
        #expect(limit.flush(.max) == 1)
    }

    @Test func howManyAreAllowedIsToldWithoutTakingThem() {
        var limit = RateLimit(burst: 4, interval: 10)
        for (count, now, isAllowed) in [
            (4, 0, true), (5, 0, false), (4, 0, true), (.max, 0, false),
        ] as [(UInt64, UInt64, Bool)] {
            #expect(limit.allows(count, now) == isAllowed, "\(count) at \(now)")
        }
        #expect(limit.admit(0) == 0)
        for (count, now, isAllowed) in [(3, 0, true), (4, 9, false), (4, 10, true)] as [(UInt64, UInt64, Bool)] {
            #expect(limit.allows(count, now) == isAllowed, "\(count) at \(now)")
        }
        var none = RateLimit(interval: 0)
        #expect(none.allows(.max, 0) == true)
    }
}
