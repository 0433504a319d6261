// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@Suite struct DocumentTests {
    @Test(arguments: [
        ("a: 1", "{a:1}"), ("[a, 'b', \"c\\n\"]", "[a,\"b\",\"c\n\"]"), ("- - a\n  - b\n- c", "[[a,b],c]"),
        ("a: |\n  x\n  y\n", "{a:\"x\ny\n\"}"), ("a: >-\n  x\n  y\n", "{a:\"x y\"}"), ("a:\n", "{a:}"),
        ("? [a, b]\n: c", "{[a,b]:c}"), ("--- a", "a"), ("a: 1\n...\n", "{a:1}"), ("%YAML 1.1\n---\na: 1", "{a:1}"),
        ("\u{FEFF}a: 1", "{a:1}"), ("a: 1\r\nb: 2\r\n", "{a:1,b:2}"), ("'<<': 1", "{\"<<\":1}"),
        ("5: a\n'5': b", "{5:a,\"5\":b}"), ("a: # c\n  b # d", "{a:b}"), ("---\n", ""), ("{}", "{}"), ("[]", "[]"),
    ])
    func structureIsKept(text: String, outline: String) {
        let parsed = Parsed(text)
        #expect(parsed.outline == outline)
        #expect(parsed.said == [])
    }

    @Test(arguments: [
        ("a: &x [1, 2]\nb: *x", "{a:[1,2],b:[1,2]}"), ("- &x 1\n- &x 2\n- *x", "[1,2,2]"),
        ("- &x [&y a, *y]\n- *x\n- *y", "[[a,a],[a,a],a]"), ("&k a: 1\nb: *k", "{a:1,b:a}"),
    ])
    func aliasIsWhatItStandsFor(text: String, outline: String) {
        let parsed = Parsed(text)
        #expect(parsed.outline == outline)
        #expect(parsed.said == [])
    }

    @Test func aliasStandsAtItsOwnPlaceAndItsInsideAtTheAnchors() {
        let parsed = Parsed("a: &x [1]\nb: *x")
        let alias = parsed.node?.value(of: "b")
        #expect(alias?.mark == Mark(line: 2, column: 4))
        guard case .sequence(let inside)? = alias?.content else {
            Issue.record("no list")
            return
        }
        #expect(inside.first?.mark == Mark(line: 1, column: 8))
    }

    @Test func marksCountCharactersFromOne() {
        let parsed = Parsed("\u{FEFF}é: ü\n\tb: 1")
        #expect(parsed.said.count == 1)
        let good = Parsed("\u{FEFF}éé: ü\r\nb:\n  - c")
        #expect(good.node?.value(of: "éé")?.mark == Mark(line: 1, column: 5))
        #expect(good.node?.value(of: "b")?.mark == Mark(line: 3, column: 3))
    }

    /// Mistakes that leave the structure intact: text, what is said, what remains.
    @Test(
        arguments: [
            ("a: 1\nb: 2\na: 3", ["3:1 duplicate key 'a'; the first, at line 1, counts"], "{a:1,b:2}"),
            ("a: 1\n'a': 3", ["2:1 duplicate key 'a'; the first, at line 1, counts"], "{a:1}"),
            ("a: !!int 1", ["1:4 the tag 'tag:yaml.org,2002:int' is not allowed; tags are not used here"], "{a:1}"),
            ("! [b]", ["1:1 the tag '!' is not allowed; tags are not used here"], "[b]"),
            ("!x {b: c}", ["1:1 the tag '!x' is not allowed; tags are not used here"], "{b:c}"),
            ("%TAG ! tag:x,2000:\n---\na: 1", ["1:1 tags are not used here"], "{a:1}"),
            (
                "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", ["3:3 merge keys are not used here; write the keys out"],
                "{a:{b:1},c:{d:2}}"
            ),
            ("a: *x", ["1:4 no anchor 'x' before this alias"], "{a:!}"),
            ("a: 1\n---\nb: 2", ["2:1 a second document; a file has one"], "{a:1}"),
            ("a: 1\n--- [", ["2:1 a second document; a file has one"], "{a:1}"),
            ("a: \"x\\0y\"", ["1:4 a text may not hold the character U+0000"], "{a:!}"),
            (
                "a: !x 1\na: 2\n<<: 3",
                [
                    "1:4 the tag '!x' is not allowed; tags are not used here",
                    "2:1 duplicate key 'a'; the first, at line 1, counts",
                    "3:1 merge keys are not used here; write the keys out",
                ], "{a:1}"
            ),
        ] as [(String, [String], String)])
    func checkingGoesOnAfterAMistakeThatLeavesTheStructureIntact(text: String, said: [String], outline: String) {
        let parsed = Parsed(text)
        #expect(parsed.said == said)
        #expect(parsed.outline == outline)
    }

    @Test(arguments: [
        ("", "1:1 the file is empty"), ("# nothing\n", "1:1 the file is empty"), ("\u{FEFF}", "1:1 the file is empty"),
        ("a: [1, 2", "1:9 the list in [ ] that begins at line 1 is not closed: a ',' or ']' is missing here"),
        ("a: 1\n b: 2", "2:3 a ':' that can't stand here: check the indentation, or quote the text"),
        (
            "a:\n\tb: 1",
            "2:1 this character can't begin a value: indent with spaces, and quote text that begins with @, ` or %"
        ),
        (
            "a: @x",
            "1:4 this character can't begin a value: indent with spaces, and quote text that begins with @, ` or %"
        ),
        ("a: 'x", "1:6 the quoted text that begins at line 1 is not closed"),
        ("%YAML 3.0\n---\na", "1:1 found incompatible YAML document"),
        ("a: \"\\q\"", "1:5 this escape is not known in double quotes; in single quotes \\ is itself"),
    ])
    func syntaxErrorIsReportedOnceAtItsPlace(text: String, said: String) {
        let parsed = Parsed(text)
        #expect(parsed.said == [said])
        #expect(parsed.node == nil)
    }

    @Test func syntaxErrorSilencesWhatWasFoundBeforeIt() {
        #expect(Parsed("a: !x 1\na: 2\nb: [").said.count == 1)
    }

    @Test func nodesAreEqualWhereverTheyStand() {
        #expect(Parsed("a: [1, {b: 'c'}]").node == Parsed("\n\na:\n- 1\n- b: \"c\"").node)
        #expect(Parsed("a: 1").node != Parsed("a: '1'").node)
        #expect(Parsed("a: 1").node != Parsed("a: 1\nb: 1").node)
        #expect(Parsed("[1]").node != Parsed("[2]").node)
    }
}
