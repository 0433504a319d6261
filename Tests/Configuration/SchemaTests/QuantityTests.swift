// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            (0, "0s"), (1, "1ns"), (500_000, "500us"), (10_000_000, "10ms"), (1_500_000_000, "1500ms"),
            (90_000_000_000, "90s"), (120_000_000_000, "2m"), (3_600_000_000_000, "1h"),
            (UInt64.max, "18446744073709551615ns"),
        ] as [(UInt64, String)])
    func durationIsWrittenInItsLargestExactUnit(nanoseconds: UInt64, text: String) {
        #expect(TimeSpan(nanoseconds: nanoseconds).text == text)
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1B"), (1000, "1000B"), (65536, "64KiB"), (1 << 20, "1MiB"), (3 << 30, "3GiB"),
        ] as [(UInt64, String)])
    func sizeIsWrittenInItsLargestExactUnit(bytes: UInt64, text: String) {
        #expect(Quantity.size(bytes) == text)
    }
}
