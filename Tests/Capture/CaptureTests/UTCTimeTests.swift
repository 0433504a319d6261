// SPDX-License-Identifier: Apache-2.0
import Capture
import Testing

@Suite struct UTCTimeTests {
    @Test(arguments: [
        (UInt64(0), "1970-01-01 00:00:00.000000000"),
        (1_700_000_000_000_000_000, "2023-11-14 22:13:20.000000000"),
        (951_782_400_000_000_001, "2000-02-29 00:00:00.000000001"),
        (4_107_542_399_999_999_999, "2100-02-28 23:59:59.999999999"),
        (4_107_542_400_000_000_000, "2100-03-01 00:00:00.000000000"),
    ])
    func timesAreWrittenAndReadAsUTC(time: UInt64, text: String) {
        #expect(UTCTime.text(time) == text)
        #expect(UTCTime.parse(text) == time)
    }

    @Test(arguments: ["", "x", "2026-13-01", "2026-02-29", "2026-11-22T24:00:00", "1.", "99999999999999", "2026-1-2"])
    func whatIsNoTimeIsRefused(text: String) { #expect(UTCTime.parse(text) == nil) }

    @Test func shorterFormsAreRead() {
        #expect(UTCTime.parse("1700000000.5") == 1_700_000_000_500_000_000)
        #expect(UTCTime.parse("2023-11-14T22:13:20Z") == 1_700_000_000_000_000_000)
        #expect(UTCTime.parse("1970-01-02") == 86_400_000_000_000)
    }

    @Test func namesOfFilesHaveNoColons() {
        #expect(UTCTime.compact(1_700_000_000_999_999_999) == "20231114T221320Z")
    }

    @Test func durationsAreShort() {
        #expect(UTCTime.short(999) == "999 ns")
        #expect(UTCTime.short(1500) == "1.50 us")
        #expect(UTCTime.short(12_345_678) == "12.3 ms")
        #expect(UTCTime.short(3_000_000_000) == "3.00 s")
    }
}
