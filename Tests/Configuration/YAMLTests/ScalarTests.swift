// SPDX-License-Identifier: Apache-2.0
import Testing
import YAML

@Suite struct ScalarTests {
    private func reading(_ text: String) -> Scalar.Reading { Scalar(text: text, isQuoted: false).reading }

    @Test(arguments: [
        "0", "7", "-1", "+5", "1_000", "0x1F", "0X1f", "-0x10", "0b101", "0o17", "0644", "1.5", ".5", "1.", "1e3",
        "1.5e-3", "1E+9", ".inf", "-.INF", ".nan", ".NaN", "1:30", "190:20:30", "12:30:45.5", "08",
    ])
    func everySpellingOfANumberReadsAsANumber(text: String) { #expect(reading(text) == .number) }

    @Test(arguments: [
        "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON",
        "off",
        "Off", "OFF",
    ])
    func everySpellingOfABooleanReadsAsABoolean(text: String) { #expect(reading(text) == .bool) }

    @Test(arguments: ["", "~", "null", "Null", "NULL"])
    func everySpellingOfNothingReadsAsNothing(text: String) { #expect(reading(text) == .null) }

    @Test(arguments: [
        "a", "y", "N", "D", "30s", "1MiB", "v2", "0x", "0xg", "0b2", "-", "+", ".", "..", "1.2.3", "e3", "1e", "1e+",
        "_1", "0o9a", "1:60", "1:", ":30", "00:11:22:33:44:5g", "2026-11-22", "/dev/raw-kcs1", "tRue", "nUll", "inf",
        ".in", "é", "1 000", "--1",
    ])
    func everythingElseReadsAsText(text: String) { #expect(reading(text) == .string) }

    @Test(arguments: ["5", "true", "", "~", "0x1F"])
    func quotedScalarIsAlwaysText(text: String) {
        #expect(Scalar(text: text, isQuoted: true).reading == .string)
    }
}
