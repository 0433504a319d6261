// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            (0, "0s"), (1, "1ns"), (500_000, "500us"), (10_000_000, "10ms"), (1_500_000_000, "1500ms"),
            (90_000_000_000, "90s"), (120_000_000_000, "2m"), (3_600_000_000_000, "1h"),
            (UInt64.max, "18446744073709551615ns"),
        ] as [(UInt64, String)])
    func durationIsWrittenInItsLargestExactUnit(nanoseconds: UInt64, text: String) {
        #expect(Quantity.duration(nanoseconds) == text)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1B"), (1000, "1000B"), (65536, "64KiB"), (1 << 20, "1MiB"), (3 << 30, "3GiB"),
        ] as [(UInt64, String)])
    func sizeIsWrittenInItsLargestExactUnit(bytes: UInt64, text: String) {
        #expect(Quantity.size(bytes) == text)
    }

    @Test(arguments: ["0s", "1ns", "500us", "1500ms", "90s", "2m", "1h", "007s"])
    func durationIsReadAsItIsWritten(text: String) throws {
        let value = try Quantity.parse(duration: text)
        #expect(try Quantity.parse(duration: Quantity.duration(value)) == value)
    }

    @Test(
        arguments: [
            ("", .noNumber), ("s", .noNumber), ("-1s", .noNumber), ("30", .noUnit), ("1.5s", .fraction),
            ("30 s", .unknownUnit), ("1m30s", .unknownUnit), ("30S", .unknownUnit), ("64KiB", .unknownUnit),
            ("2562048h", .tooLarge), ("99999999999999999999s", .tooLarge), ("9223372037s", .tooLarge),
        ] as [(String, Quantity.Fault)])
    func whatIsNoDurationIsRefusedWithItsReason(text: String, fault: Quantity.Fault) {
        do {
            let value = try Quantity.parse(duration: text)
            Issue.record("took '\(text)' as \(value)")
        } catch { #expect(error == fault) }
    }

    @Test(arguments: [("64KiB", 65536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("7B", 7)] as [(String, UInt64)])
    func sizeIsANumberAndAUnit(text: String, value: UInt64) throws {
        #expect(try Quantity.parse(size: text) == value)
        #expect(Quantity.size(value) == text)
    }
}
