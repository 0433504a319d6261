// SPDX-License-Identifier: Apache-2.0
import Common
import Testing

@Suite struct HexTests {
    @Test func everyByteGoesToTextAndBack() {
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.parse(Hex.bytes(all)) == all)
        #expect(Hex.parse(Hex.bytes(all, separator: "")) == all)
        #expect(Hex.bytes([0x0A, 0xFF]) == "0A FF")
        #expect(Hex.byte(0x5F) == "5F")
        #expect(Hex.number(0x5F) == "0x5f")
        #expect(Hex.numbers([0, 0xA9]) == "0x00 0xa9")
        #expect(Hex.lowercase([0x0A, 0xF9]) == "0af9")
    }

    @Test func anythingButPairsOfDigitsIsRefused() {
        for text in ["0", "0 1", "0G", "é0", "00x", "001"] { #expect(Hex.parse(text) == nil) }
        #expect(Hex.parse("c0-01:fe") == [0xC0, 0x01, 0xFE])
        #expect(Hex.parse("") == [])
    }
}
