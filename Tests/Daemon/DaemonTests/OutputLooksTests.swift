// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Daemon

@Suite("looks at OBF") struct OutputLooksTests {
    /// The times of looks in microseconds, from the wait's beginning.
    private func times(_ looks: OutputLooks, _ count: Int) -> [UInt64] {
        var time: UInt64 = 0
        return (0..<count).map { _ in
            time += looks.pause(after: time)
            return time / 1000
        }
    }

    @Test func theyComeSoonAtFirstAndThenEverMoreSeldom() {
        #expect(times(OutputLooks(), 6) == [100, 200, 400, 800, 1600, 3200])
        // A host CPU that reads after 300 µs is seen after 400; one that never reads costs ten looks a second.
        #expect(times(OutputLooks(), 14).suffix(4) == [102_400, 202_400, 302_400, 402_400])
    }

    @Test func aDeviceThatTellsInTimeIsReliedOnUntilItDoesNot() {
        var looks = OutputLooks()
        for _ in 0..<7 { looks.ended(byLook: false) }
        #expect(times(looks, 1) == [100])
        looks.ended(byLook: false)
        #expect(times(looks, 3) == [2000, 4000, 8000])
        looks.ended(byLook: true)
        #expect(times(looks, 1) == [100])
    }
}
