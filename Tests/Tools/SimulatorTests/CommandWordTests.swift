// SPDX-License-Identifier: Apache-2.0
import Common
import Simulator
import Testing

@Suite struct CommandWordTests {
    @Test(arguments: [("0", 0), ("255", 255), ("0x00", 0), ("0xff", 255), ("0XaB", 0xAB), ("007", 7)])
    func bytesAreHexadecimalOrDecimal(text: String, value: Int) throws {
        #expect(try CommandWord.byte(text) == UInt8(value))
    }

    @Test(arguments: [
        "", "256", "0x100", "-1", "+1", "0x", "x1", "1 ", "0x-1", "1e1", "D", "٣", "99999999999999999999",
    ])
    func otherWordsAreNoBytes(text: String) {
        do {
            _ = try CommandWord.byte(text)
            Issue.record("took '\(text)'")
        } catch { #expect(error.description == "'\(text)' is not a byte: 0 to 255, or 0x00 to 0xff") }
    }

    @Test(arguments: [
        ("500us", 500_000), ("10ms", 10_000_000), ("30s", 30_000_000_000), ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000), ("0s", 0),
    ])
    func durationsHaveAUnit(text: String, value: UInt64) throws {
        #expect(try CommandWord.duration(text) == value)
        #expect(Quantity.duration(value) == text)
    }

    @Test func noTimeNeedsNoUnit() throws { #expect(try CommandWord.duration("0") == 0) }

    @Test(arguments: ["", "5", "s", "1.5s", "-1s", "1 s", "1S", "99999999999999999h", "5124095577h"])
    func otherWordsAreNoDurations(text: String) {
        do {
            let value = try CommandWord.duration(text)
            Issue.record("took '\(text)' as \(value)")
        } catch { #expect(error.description.hasPrefix("'\(text)' is not a duration")) }
    }

    @Test func lagMayBeNever() throws {
        #expect(try CommandWord.lag("never") == .max)
        #expect(try CommandWord.lag("500ms") == 500_000_000)
        do {
            _ = try CommandWord.lag("always")
            Issue.record("took 'always'")
        } catch { #expect(error.description.hasSuffix("nor 'never'")) }
    }

    @Test func sizesHaveAUnitOrNone() throws {
        #expect(try CommandWord.size("64KiB", limit: 1 << 20) == 65536)
        #expect(try CommandWord.size("1MiB", limit: 1 << 20) == 1 << 20)
        #expect(try CommandWord.size("4096", limit: 1 << 20) == 4096)
        for text in ["2MiB", "64KB", "", "1.5MiB"] {
            do {
                _ = try CommandWord.size(text, limit: 1 << 20)
                Issue.record("took '\(text)'")
            } catch { #expect(error.description.hasPrefix("'\(text)' is ")) }
        }
    }
}
