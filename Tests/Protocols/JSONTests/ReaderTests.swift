// SPDX-License-Identifier: Apache-2.0
import JSON
import Testing

@Suite struct ReaderTests {
    private func read(_ text: String) -> JSONValue? { read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) -> JSONValue? {
        do { return try JSONReader.read(bytes, limits: limits) } catch { return nil }
    }

    private func error(_ text: String) -> JSONError? { error(Array(text.utf8)) }

    private func error(_ bytes: [UInt8]) -> JSONError? {
        do {
            _ = try JSONReader.read(bytes)
            return nil
        } catch { return error }
    }

    @Test func everyKindOfValueIsRead() {
        let text = " {\"a\":[1,-2,0.5e+3,true,false,null],\r\n\t\"b\":{\"c\":\"d\"},\"e\":[],\"f\":{}} "
        let value = read(text)
        #expect(value?["a"]?.elements?.count == 6)
        #expect(value?["a"]?.elements?[1].int64 == -2)
        #expect(value?["a"]?.elements?[2].int64 == nil)
        #expect(value?["a"]?.elements?[3].bool == true)
        #expect(value?["b"]?["c"]?.text == "d")
        #expect(value?["e"] == .array([]))
        #expect(value?["f"] == .object([]))
        #expect(value?["g"] == nil)
    }

    @Test func wholeNumbersKeepAll64Bits() {
        #expect(read("18446744073709551615")?.uint64 == .max)
        #expect(read("-9223372036854775808")?.int64 == .min)
        #expect(read("18446744073709551616")?.uint64 == nil)
        #expect(read("-0")?.int64 == 0)
        #expect(read("1e2")?.uint64 == nil)
    }

    @Test func escapesAndSurrogatePairsAreUnderstood() {
        #expect(read("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")?.text == "\"\\/\u{8}\u{c}\n\r\t")
        #expect(read("\"\\u0041\\u00e9\\uD83D\\uDE00\\u0000\"")?.text == "A\u{e9}\u{1F600}\u{0}")
        #expect(read("\"\u{1F600}\u{7FF}\u{FFFF}\"")?.text == "\u{1F600}\u{7FF}\u{FFFF}")
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}",
        "{a:1}",
        "{'a':1}", "{1:1}", "{\"a\" 1}", "[1 2]", "1 2", "{}{}", "tru", "True", "nul", "undefined", "NaN", "Infinity",
        "-Infinity", "-", "+1", "01", "-01", "1.", ".1", "1.e1", "1e", "1e+", "0x10", "1_000", "'a'", "\"a", "\"\\\"",
        "\"\\x41\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\uD800\"", "\"\\uD800\\u0041\"", "\"\\uD800x\"", "\"\\uDC00\"",
        "\"\\uD800\\uD800\"", "\"a\nb\"", "\"\t\"", "\"\u{0}\"", "// c\n1", "/* c */ 1", "# c", "&a 1", "*a", "!t 1",
        "\u{FEFF}1", "[1]]", "}", "]", ":", ",", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(error(text) != nil)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xFF], [0xFE], [0xE2, 0x82, 0x22],
        ] as [[UInt8]])
    func textThatIsNotUTF8IsRefused(_ bytes: [UInt8]) {
        #expect(error([0x22] + bytes + [0x22])?.rule == "the text is UTF-8")
    }

    @Test func anErrorNamesThePlaceAndTheRule() {
        #expect(error("{\"a\":1,\"a\":2}")?.description == "at byte 7: an object has no name twice")
        #expect(error("[01]")?.description == "at byte 2: a number has no leading zero")
        #expect(error("\"x\\uD800\"")?.offset == 2)
    }

    @Test func depthSizeAndMembersAreBounded() {
        let nested = { (depth: Int) in
            [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(read(nested(16)) != nil)
        #expect(read(nested(17)) == nil)
        #expect(read([UInt8](repeating: UInt8(ascii: "["), count: 10_000)) == nil)
        // Depth counts what is open, not what there was.
        #expect(read("[" + String(repeating: "[],", count: 100) + "[]]")?.elements?.count == 101)
        let text = [0x22] + [UInt8](repeating: 0x61, count: 16 << 10) + [0x22]
        #expect(read(text) == nil)
        #expect(read(text, JSONLimits(bytes: 1 << 20))?.text?.utf8.count == 16 << 10)
        let members = { (count: Int) in
            "{" + (0..<count).map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        }
        #expect(read(members(64)) != nil)
        #expect(read(members(65)) == nil)
    }

    @Test func namesAreComparedScalarByScalar() {
        // One letter in two forms that are canonically equivalent.
        let value = read("{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value?["\u{e9}"]?.uint64 == 1)
        #expect(value?["e\u{301}"]?.uint64 == 2)
    }
}
