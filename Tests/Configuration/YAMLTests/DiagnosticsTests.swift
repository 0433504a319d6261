// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@Suite struct DiagnosticsTests {
    private func rendered(_ text: String, _ line: Int32, _ column: Int32) -> [String] {
        let diagnostics = Diagnostics(file: "f", text: Array(text.utf8))
        diagnostics.error("no", at: Mark(line: line, column: column))
        return diagnostics.render().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Text, place, the two lines below the message.
    @Test(
        arguments: [
            ("a: b", 1, 4, "  a: b", "     ^"), ("a\nb\nc", 2, 1, "  b", "  ^"), ("a\tb", 1, 3, "  a\tb", "   \t^"),
            ("\t\tb", 1, 3, "  \t\tb", "  \t\t^"), ("é: ü", 1, 4, "  é: ü", "     ^"),
            ("日本: x", 1, 5, "  日本: x", "        ^"), ("e\u{301}: x", 1, 5, "  e\u{301}: x", "     ^"),
            ("a\r\nb: c\r\n", 2, 4, "  b: c", "     ^"), ("a", 1, 99, "  a", "   ^"), ("a", 99, 5, "  ", "  ^"),
            ("", 1, 1, "  ", "  ^"), ("a\u{1B}[31mb", 1, 7, "  a\u{FFFD}[31mb", "        ^"),
            ("\u{202E}b", 1, 2, "  \u{FFFD}b", "   ^"),
        ] as [(String, Int32, Int32, String, String)])
    func caretStandsBelowItsCharacter(text: String, line: Int32, column: Int32, source: String, pointer: String) {
        #expect(rendered(text, line, column) == ["f:\(line):\(column): error: no", source, pointer, ""])
    }

    @Test func longLineIsCutAroundTheCaret() {
        let lines = rendered(String(repeating: "a", count: 500) + "X" + String(repeating: "b", count: 500), 1, 501)
        #expect(lines[1].hasPrefix("  ...aaa") && lines[1].hasSuffix("bbb..."))
        #expect(lines[1].count < 170)
        let caret = lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) }
        let mark = lines[1].firstIndex(of: "X").map { lines[1].distance(from: lines[1].startIndex, to: $0) }
        #expect(caret != nil && caret == mark)
    }

    @Test(arguments: [
        (1, 1), (150, 150), (151, 1), (151, 151), (1000, 1), (1000, 91), (1000, 92), (1000, 940), (1000, 1001),
    ])
    func caretMeetsItsCharacterWhereverALongLineIsCut(length: Int, column: Int) {
        var characters = [Character](repeating: "ü", count: length)
        if column <= length { characters[column - 1] = "X" }
        let lines = rendered(String(characters), 1, Int32(column)).map { Array($0) }
        #expect(lines[1].count <= 2 + 3 + 150 + 3)
        #expect(lines[2].last == "^")
        let under = lines[2].count - 1
        #expect(column <= length ? lines[1][under] == "X" : lines[1].count == under)
        #expect(lines[2].dropLast().allSatisfy { $0 == " " })
    }

    @Test func reportsComeInTheOrderOfPlacesTheFileAsAWholeFirst() {
        let diagnostics = Diagnostics(file: "f", text: Array("abc\ndef".utf8))
        diagnostics.error("third", at: Mark(line: 2, column: 2))
        diagnostics.warning("second", at: Mark(line: 1, column: 3))
        diagnostics.note("fourth", at: Mark(line: 2, column: 2))
        diagnostics.error("first", at: nil)
        #expect(diagnostics.all.map { $0.message } == ["first", "second", "third", "fourth"])
        #expect(
            diagnostics.render() == """
                f: error: first
                f:1:3: warning: second
                  abc
                    ^
                f:2:2: error: third
                  def
                   ^
                f:2:2: note: fourth
                  def
                   ^

                """)
        #expect(diagnostics.errorCount == 2)
    }

    @Test func warningsAreNoErrors() {
        let diagnostics = Diagnostics(file: "f")
        diagnostics.warning("w", at: nil)
        diagnostics.note("n", at: nil)
        #expect(!diagnostics.hasErrors)
    }

    @Test func sameReportIsMadeOnce() {
        let diagnostics = Diagnostics(file: "f")
        for _ in 0..<3 { diagnostics.error("x", at: .start) }
        diagnostics.error("y", at: .start)
        diagnostics.error("x", at: nil)
        #expect(diagnostics.errorCount == 3)
    }

    @Test func hundredAreKeptAndTheRestCounted() {
        let diagnostics = Diagnostics(file: "f")
        for line in 1...250 { diagnostics.error("x", at: Mark(line: Int32(line), column: 1)) }
        #expect(diagnostics.all.count == 100)
        #expect(diagnostics.errorCount == 250)
        #expect(diagnostics.render().hasSuffix("f: 150 more\n"))
        let other = Diagnostics(file: "f")
        other.append(diagnostics)
        #expect(other.errorCount == 250)
        #expect(other.render() == diagnostics.render())
    }

    @Test(arguments: [
        ("a", "'a'"), ("", "''"), ("a\nb\t", "'a\\nb\\t'"), ("\u{1B}[0m", "'\\u{1b}[0m'"),
        ("\u{202E}", "'\\u{202e}'"), ("é", "'é'"),
    ])
    func quotedTextIsHarmless(text: String, quoted: String) { #expect(quote(text) == quoted) }

    @Test func quotedTextIsCut() {
        #expect(quote(String(repeating: "x", count: 61)) == "'" + String(repeating: "x", count: 60) + "...'")
        #expect(quote(String(repeating: "x", count: 60)) == "'" + String(repeating: "x", count: 60) + "'")
    }
}
