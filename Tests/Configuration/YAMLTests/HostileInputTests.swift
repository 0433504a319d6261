// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@Suite struct HostileInputTests {
    @Test func mebibyteOfBracketsIsRefusedAtTheDepthLimit() {
        let parsed = Parsed([UInt8](repeating: UInt8(ascii: "["), count: 1 << 20))
        #expect(parsed.said == ["1:33 nested deeper than 32 levels"])
        #expect(parsed.diagnostics.render().utf8.count < 400)
    }

    @Test(arguments: ["{a: ", "- ", "[\n", "? ", "&a ["])
    func deepNestingIsRefusedInEveryStyle(opening: String) {
        let parsed = Parsed(String(repeating: opening, count: 20_000))
        #expect(parsed.said.count == 1)
        #expect(parsed.node == nil)
    }

    @Test func depthLimitIsExact() {
        func nested(_ depth: Int) -> Parsed {
            Parsed(String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
        }
        #expect(nested(32).said == [])
        #expect(nested(33).said == ["1:33 nested deeper than 32 levels"])
    }

    @Test func aliasesCountAsDeepAsWhatTheyStandFor() {
        var limits = Limits()
        limits.depth = 4
        #expect(Parsed("- &a [[x]]\n- [*a]", limits: limits).said == [])
        #expect(Parsed("- &a [[x]]\n- [[*a]]", limits: limits).said == ["2:5 nested deeper than 4 levels"])
        #expect(Parsed("- &a [x]\n- &b [*a]\n- &c [*b]\n- &d [*c]", limits: limits).said.count == 1)
    }

    @Test func aliasBombIsRefused() {
        var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        for level in 1...9 {
            let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let parsed = Parsed(text)
        #expect(parsed.said.count == 1)
        #expect(parsed.said[0].hasSuffix("more than 50000 values, aliases counted as what they stand for"))
    }

    @Test func aliasThatIsPartOfItselfIsRefused() {
        #expect(Parsed("&a [x, *a]").said == ["1:8 the alias 'a' stands for something that it is part of"])
        #expect(Parsed("&a {b: [*a]}").said == ["1:9 the alias 'a' stands for something that it is part of"])
    }

    @Test func numberOfValuesIsLimitedExactly() {
        var limits = Limits()
        limits.nodes = 4
        #expect(Parsed("[1, 2, 3]", limits: limits).said == [])
        #expect(Parsed("[1, 2, 3, 4]", limits: limits).node == nil)
        #expect(Parsed("[&a 1, *a, *a]", limits: limits).said == [])
        #expect(Parsed("[&a 1, *a, *a, *a]", limits: limits).node == nil)
        #expect(Parsed("[*x, *x, *x, *x, *x]", limits: limits).node == nil)
    }

    @Test func fileLargerThanTheLimitIsRefused() {
        var bytes = [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20)
        #expect(Parsed(bytes).said == ["1:1 the file is empty"])
        bytes.append(UInt8(ascii: "#"))
        #expect(Parsed(bytes).said == ["- larger than 1MiB"])
    }

    @Test func hugeKeysAndValuesAreCutInMessages() {
        let long = String(repeating: "k", count: 500_000)
        let parsed = Parsed("? \(long)\n: 1\n? \(long)\n: 2")
        #expect(parsed.said.count == 1)
        #expect(parsed.diagnostics.render().utf8.count < 600)
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x61, 0x00], "1:1 the file is UTF-16 or UTF-32; it must be UTF-8"),
            ([0xFE, 0xFF, 0x00, 0x61], "1:1 the file is UTF-16 or UTF-32; it must be UTF-8"),
            ([0x00, 0x00, 0xFE, 0xFF], "1:1 the file is UTF-16 or UTF-32; it must be UTF-8"),
            ([0x61, 0x0A, 0xC3, 0xA9, 0xFF], "2:2 the byte 0xff is not valid UTF-8"),
            ([0x61, 0xC3], "1:2 the byte 0xc3 is not valid UTF-8"),
            ([0x61, 0xC0, 0x80], "1:2 the byte 0xc0 is not valid UTF-8"),
            ([0xE0, 0x80, 0x80], "1:1 the byte 0xe0 is not valid UTF-8"),
            ([0xED, 0xA0, 0x80], "1:1 the byte 0xed is not valid UTF-8"),
            ([0xF4, 0x90, 0x80, 0x80], "1:1 the byte 0xf4 is not valid UTF-8"),
            ([0xF8, 0x88, 0x80, 0x80, 0x80], "1:1 the byte 0xf8 is not valid UTF-8"),
            ([0x80], "1:1 the byte 0x80 is not valid UTF-8"),
            ([0x61, 0x3A, 0x20, 0x00], "1:4 a NUL byte; the file must be text"),
            ([0x61, 0x1B, 0x5B], "1:2 the control character U+001B is not allowed"),
            ([0x61, 0x7F], "1:2 the control character U+007F is not allowed"),
            ([0x61, 0xC2, 0x9B], "1:2 the control character U+009B is not allowed"),
            ([0xEF, 0xBF, 0xBE], "1:1 the control character U+FFFE is not allowed"),
        ] as [([UInt8], String)])
    func anythingButCleanUTF8IsRefusedAtItsPlace(bytes: [UInt8], said: String) {
        let parsed = Parsed(bytes)
        #expect(parsed.said == [said])
        #expect(parsed.node == nil)
        #expect(!parsed.diagnostics.render().unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }
}
