// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import Testing

@Suite struct LiteralTests {
    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("-1", -1), ("0x1F", 31), ("0xff", 255), ("-0x10", -16),
            ("9223372036854775807", Int64.max),
            ("-9223372036854775808", Int64.min), ("0x7fffffffffffffff", Int64.max), ("0x0044", 0x44), ("-0", 0),
        ] as [(String, Int64)])
    func integerIsDecimalOrHexadecimal(text: String, value: Int64) { #expect((try? Literal.integer(text)) == value) }

    @Test(arguments: [
        "", "-", "0x", "0X1", "+1", "1_000", "0123", "00", "-01", "1.0", "1e3", "0b1", "0o7", " 1", "1 ", "a", "0xg",
        "9223372036854775808", "-9223372036854775809", "0x8000000000000000", "99999999999999999999999", "--1",
    ])
    func nothingElseIsAnInteger(text: String) { #expect((try? Literal.integer(text)) == nil) }

    @Test(arguments: [("00", 0), ("0600", 0o600), ("0777", 0o777), ("01777", 0o1777)] as [(String, Int64)])
    func fileModeIsOctalBehindAZero(text: String, value: Int64) { #expect((try? Literal.fileMode(text)) == value) }

    @Test(arguments: ["0", "600", "0x180", "0o600", "0800", "", "-0600", "07777777777777777777777777"])
    func nothingElseIsAFileMode(text: String) { #expect((try? Literal.fileMode(text)) == nil) }

    @Test(
        arguments: [
            ("500us", 500_000), ("10ms", 10_000_000), ("30s", 30_000_000_000), ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000), ("0s", 0), ("5ns", 5), ("9223372036s", 9_223_372_036_000_000_000),
            ("007s", 7_000_000_000),
        ] as [(String, UInt64)])
    func durationIsANumberAndAUnit(text: String, value: UInt64) { #expect((try? TimeSpan(text))?.nanoseconds == value) }

    @Test(arguments: [
        "30", "0", "s", "", "1.5s", "1m30s", "30 s", "30S", "5min", "5sec", "-1s", "+1s", "0x1s", "9223372037s", "1d",
        "99999999999999999999s", "2562048h", "s30",
    ])
    func nothingElseIsADuration(text: String) { #expect((try? TimeSpan(text)) == nil) }

    @Test(
        arguments: [
            ("64KiB", 65536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), ("7B", 7), ("4096", 4096), ("0x1000", 4096),
            ("0", 0),
        ] as [(String, UInt64)])
    func sizeIsANumberAndAUnitOrBytes(text: String, value: UInt64) { #expect((try? Quantity.size(text)) == value) }

    @Test(arguments: [
        "64KB", "64K", "64k", "64kib", "1.5MiB", "-1", "-1KiB", "", "KiB", "9000000000GiB", "0x10KiB", "1 MiB", "0644",
        "9223372036854775808",
    ])
    func nothingElseIsASize(text: String) { #expect((try? Quantity.size(text)) == nil) }
}
