// SPDX-License-Identifier: Apache-2.0
import Schema
import Testing
import YAML

@testable import DaemonConfiguration

@Suite struct CheckerTests {
    private static let word = OptionShape(.enumeration, choices: ["ring", "off", "1"])
    private static let ten = OptionShape(.integer, minimum: -1, maximum: 10)
    private static let short = OptionShape(.string, minimum: 2, maximum: 3)
    private static let mode = OptionShape(.integer, maximum: 0o777, isFileMode: true)
    private static let pause = OptionShape(.duration, minimum: 1_000_000, maximum: 60_000_000_000)
    private static let memory = OptionShape(.size, minimum: 4096, maximum: 1 << 20)

    private struct Good: Sendable {
        let shape: OptionShape
        let text: String
        let payload: Value.Payload

        init(_ shape: OptionShape, _ text: String, _ payload: Value.Payload) {
            self.shape = shape
            self.text = text
            self.payload = payload
        }
    }

    @Test func scalarOfItsTypeIsTaken() {
        let table = [
            Good(.init(.bool), "true", .bool(true)), Good(.init(.bool), "false", .bool(false)),
            Good(.init(.integer), "0x10", .integer(16)), Good(Self.ten, "-1", .integer(-1)),
            Good(Self.ten, "10", .integer(10)), Good(Self.mode, "0660", .fileMode(0o660)),
            Good(Self.pause, "1ms", .duration(.milliseconds(1))), Good(Self.pause, "'1m'", .duration(.seconds(60))),
            Good(Self.memory, "4KiB", .size(4096)), Good(Self.memory, "0x1000", .size(4096)),
            Good(Self.memory, "\"1MiB\"", .size(1 << 20)), Good(Self.short, "abc", .string("abc")),
            Good(Self.short, "'12'", .string("12")), Good(.init(.string), "'on'", .string("on")),
            Good(.init(.string), "y", .string("y")), Good(.init(.string), "''", .string("")),
            Good(.init(.string), "'~'", .string("~")), Good(.init(.string), "|\n  12\n", .string("12\n")),
            Good(.init(.path), "/dev/raw-kcs1", .path("/dev/raw-kcs1")), Good(.init(.path), "./x", .path("./x")),
            Good(Self.word, "ring", .enumeration("ring")), Good(Self.word, "off", .enumeration("off")),
            Good(Self.word, "'off'", .enumeration("off")), Good(Self.word, "1", .enumeration("1")),
            Good(.init(.byte), "0", .byte(0)), Good(.init(.byte), "255", .byte(255)),
            Good(.init(.byte), "0x44", .byte(0x44)),
            Good(.init(.byte), "D", .byte(0x44)), Good(.init(.byte), "'5'", .byte(0x35)),
            Good(.init(.byte), "5", .byte(5)),
            Good(.init(.byte), "y", .byte(0x79)), Good(.init(.byte), "'~'", .byte(0x7E)),
            Good(.init(.byte), "\" \"", .byte(0x20)), Good(.init(.byte), "\"\\n\"", .byte(10)),
            Good(.init(.bytes), "DEBUG", .bytes(Array("DEBUG".utf8))),
            Good(.init(.bytes), "'12'", .bytes([0x31, 0x32])),
            Good(.init(.bytes), "[0x44, D, '1', 1]", .bytes([0x44, 0x44, 0x31, 1])),
            Good(.init(.bytes), "[]", .bytes([])),
            Good(.init(.bytes), "é", .bytes([0xC3, 0xA9])),
            Good(.init(.bytes, minimum: 1, maximum: 2), "ab", .bytes([97, 98])),
        ]
        for good in table {
            let checked = Checked(good.text, good.shape)
            #expect(checked.said == [], "\(good.text)")
            #expect(checked.value.payload == good.payload, "\(good.text)")
            #expect(checked.value.isGiven && checked.value.type == good.shape.type)
        }
    }

    @Test func scalarOfAnotherTypeIsRefusedWithAReason() {
        let table: [(OptionShape, String, String)] = [
            (.init(.bool), "yes", "it wants true or false, not 'yes' (write true)"),
            (.init(.bool), "Off", "it wants true or false, not 'Off' (write false)"),
            (.init(.bool), "TRUE", "it wants true or false, not 'TRUE' (write true)"),
            (.init(.bool), "on", "it wants true or false, not 'on' (write true)"),
            (.init(.bool), "'true'", "it wants true or false, not 'true' (quoted, it is text)"),
            (.init(.bool), "1", "it wants true or false, not '1'"),
            (.init(.bool), "[true]", "it wants true or false, not a list"),
            (.init(.integer), "'5'", "it wants a whole number, not '5' (quoted, it is text)"),
            (.init(.integer), "five", "it wants a whole number, not 'five'"),
            (.init(.integer), "1.5", "it wants a whole number, not '1.5'"),
            (
                .init(.integer), "0123",
                "it wants a whole number, not '0123' (a leading 0 means octal, which is for file modes only)"
            ),
            (.init(.integer), "1_000", "it wants a whole number, not '1_000'"),
            (
                .init(.integer), "9223372036854775808",
                "it wants a whole number, not '9223372036854775808' (the number is too large)"
            ),
            (Self.ten, "11", "it is 11; it must be -1 to 10"), (Self.ten, "-2", "it is -2; it must be -1 to 10"),
            (Self.ten, "0xb", "it is 0xb; it must be -1 to 10"),
            (Self.ten, "{a: 1}", "it wants a whole number, not a mapping"),
            (Self.mode, "660", "it wants a file mode such as 0660, not '660' (octal, with a leading 0)"),
            (Self.mode, "'0660'", "it wants a file mode such as 0660, not '0660' (quoted, it is text)"),
            (Self.mode, "0888", "it wants a file mode such as 0660, not '0888' (octal, with a leading 0)"),
            (Self.mode, "01777", "it is 01777; it must be at most 0777"),
            (
                Self.pause, "30",
                "it wants a duration such as 10ms or 30s, not '30' (a unit is missing; the units are us, ms, s, m and h)"
            ),
            (
                Self.pause, "1.5s",
                "it wants a duration such as 10ms or 30s, not '1.5s' (whole numbers only; the units are us, ms, s, m and h)"
            ),
            (
                Self.pause, "5min",
                "it wants a duration such as 10ms or 30s, not '5min' (the units are us, ms, s, m and h)"
            ),
            (Self.pause, "soon", "it wants a duration such as 10ms or 30s, not 'soon'"),
            (Self.pause, "61s", "it is 61s; it must be 1ms to 1m"),
            (Self.pause, "1us", "it is 1us; it must be 1ms to 1m"),
            (
                Self.pause, "99999999999h",
                "it wants a duration such as 10ms or 30s, not '99999999999h' (the number is too large)"
            ),
            (Self.memory, "64KB", "it wants a size such as 64KiB, not '64KB' (the units are B, KiB, MiB and GiB)"),
            (Self.memory, "-1", "it wants a size such as 64KiB, not '-1' (a size is not negative)"),
            (Self.memory, "'4096'", "it wants a size such as 64KiB, not '4096' (quoted, it is text)"),
            (Self.memory, "2MiB", "it is 2MiB; it must be 4KiB to 1MiB"),
            (.init(.string), "5", "it wants a string; '5' reads as a number (quote it if it is text)"),
            (.init(.string), "1.10", "it wants a string; '1.10' reads as a number (quote it if it is text)"),
            (.init(.string), "no", "it wants a string; 'no' reads as a boolean (quote it if it is text)"),
            (.init(.string), "true", "it wants a string; 'true' reads as a boolean (quote it if it is text)"),
            (.init(.string), "[a]", "it wants a string, not a list"),
            (Self.short, "a", "it is 1 byte long; it must be 2 to 3 bytes long"),
            (Self.short, "éé", "it is 4 bytes long; it must be 2 to 3 bytes long"),
            (.init(.path), "5", "it wants a path; '5' reads as a number (quote it if it is text)"),
            (.init(.path), "''", "it is empty; it must be a path"),
            (.init(.path), "\"a\\nb\"", "it is longer than a path may be, or holds control characters"),
            (Self.word, "rnig", "it wants ring, off, 1, not 'rnig' (did you mean 'ring'?)"),
            (Self.word, "no", "it wants ring, off, 1, not 'no'"),
            (Self.word, "0x1", "it wants ring, off, 1, not '0x1'"),
            (.init(.byte), "256", "it is 256; it must be 0 to 255"),
            (.init(.byte), "-1", "it is -1; it must be 0 to 255"),
            (.init(.byte), "DD", "it wants a byte, a number from 0 to 255 or one ASCII character, not 'DD'"),
            (.init(.byte), "é", "it wants a byte, a number from 0 to 255 or one ASCII character, not 'é'"),
            (.init(.byte), "''", "it wants a byte, a number from 0 to 255 or one ASCII character, not ''"),
            (
                .init(.byte), "'0x44'",
                "it wants a byte, a number from 0 to 255 or one ASCII character, not '0x44' (quoted, it is text)"
            ),
            (.init(.byte), "on", "it wants a byte, a number from 0 to 255 or one ASCII character, not 'on'"),
            (.init(.byte), "[1]", "it wants a byte, not a list"),
            (.init(.bytes), "12", "it wants text or a list of bytes; '12' reads as a number (quote it if it is text)"),
            (.init(.bytes), "{}", "it wants text or a list of bytes, not a mapping"),
            (.init(.bytes, maximum: 2), "abc", "it is 3 bytes long; it must be at most 2 bytes long"),
            (.init(.bytes), "[1, 300]", "an element of it is 300; it must be 0 to 255"),
            (.init(.list, children: [.init(.path)]), "/usr/lib", "it wants a list, not '/usr/lib' (write [/usr/lib])"),
            (
                .init(.list, maximum: 1, children: [.init(.bool)]), "[true, false]",
                "it is 2 elements long; it must be at most 1 elements"
            ),
            (.init(.map, children: [.init(.byte), .init(.bool)]), "[a]", "it wants a mapping, not a list"),
            (.init(.object), "[a]", "it wants a mapping, not a list"),
            (.init(.object), "a", "it wants a mapping, not 'a'"),
            (.init(.absent), "a", "it may not have a value"),
        ]
        for (shape, text, message) in table {
            let checked = Checked(text, shape)
            #expect(checked.said.count == 1, "\(text): \(checked.said)")
            #expect(checked.said.first?.hasSuffix(" " + message) == true, "\(text): \(checked.said)")
            #expect(checked.value.isGiven)
        }
    }

    @Test func nothingIsNoValueOfAnyType() {
        for type in [OptionType.bool, .string, .bytes, .byte, .object, .list, .actions, .enumeration, .oneOf, .map] {
            #expect(Checked("---\n", OptionShape(type)).said.map { $0.hasSuffix(" it has no value") } == [true])
        }
        #expect(Checked("~", .init(.byte)).said == ["1:1 it has no value; '~' means nothing (quote it if it is text)"])
    }

    private static let object = OptionShape(
        .object,
        children: [
            OptionShape(.string, key: "name", required: true),
            OptionShape(.duration, key: "cooldown", defaultText: "10s"),
            OptionShape(.bytes, key: "arm"),
            OptionShape(.list, key: "types", defaultText: "[1, 2]", children: [.init(.byte)]),
            OptionShape(
                .object, key: "limit",
                children: [OptionShape(.integer, key: "rate", defaultText: "60"), OptionShape(.path, key: "file")]),
            OptionShape(.object, key: "sel", children: [OptionShape(.path, key: "path", required: true)]),
        ])

    @Test func membersComeInTheOrderOfTheShapeWithDefaultsFilledIn() throws {
        let checked = Checked("cooldown: 5s\nname: x", Self.object)
        #expect(checked.said == [])
        let members = try #require(checked.value.object)
        #expect(members.map { $0.value.isGiven } == [true, true, false, false, false, false])
        #expect(members.map { $0.key } == Self.object.children.map { $0.key })
        let value = checked.value
        #expect(value["name"].text == "x")
        #expect(value["cooldown"].duration == .seconds(5))
        #expect(value["cooldown"].mark == Mark(line: 1, column: 11))
        #expect(value["arm"].isAbsent)
        #expect(value["types"].list?.map { $0.byte } == [1, 2])
        #expect(value["limit"]["rate"].integer == 60, "an object whose members all have defaults stands for itself")
        #expect(value["limit"]["file"].isAbsent)
        #expect(value["sel"].isAbsent, "an object that needs a key does not")
    }

    @Test func everyMistakeInAnObjectIsReported() {
        let checked = Checked(
            "cooldwn: 5s\narm: 5\ntypes: [a, 300, bb]\n[x]: 1\nlimit: {rate: x, foo: 1}\nsel: {}", Self.object)
        #expect(
            checked.said == [
                "1:1 unknown key 'cooldwn' (did you mean 'cooldown'?)", "1:1 missing key 'name'",
                "2:6 'arm' wants text or a list of bytes; '5' reads as a number (quote it if it is text)",
                "3:12 an element of 'types' is 300; it must be 0 to 255",
                "3:17 an element of 'types' wants a byte, a number from 0 to 255 or one ASCII character, not 'bb'",
                "4:1 a key of it must be a word, not a list", "5:15 'rate' wants a whole number, not 'x'",
                "5:18 unknown key 'foo'; known here: rate, file", "6:6 missing key 'path'",
            ])
    }

    @Test func misspeltKeyIsNotMissingAsWell() {
        let checked = Checked("nmae: x", Self.object)
        #expect(checked.said == ["1:1 unknown key 'nmae' (did you mean 'name'?)"])
    }

    @Test func pairsOfAMapKeepTheirOrderAndEqualKeysAreRefused() throws {
        let shape = OptionShape(.map, children: [OptionShape(.byte), OptionShape(.bool)])
        let good = Checked("R: true\nD: false\n5: true\n'5': true", shape)
        #expect(good.said == [])
        #expect(good.value.map?.map { $0.key.byte } == [0x52, 0x44, 5, 0x35])
        let bad = Checked("D: true\n0x44: false\n68: true\nx: 5\nyy: true", shape)
        #expect(
            bad.said == [
                "2:1 '0x44' in it equals an earlier key, which counts",
                "3:1 '68' in it equals an earlier key, which counts",
                "4:4 'x' in it wants true or false, not '5'",
                "5:1 a key of it wants a byte, a number from 0 to 255 or one ASCII character, not 'yy'",
            ])
    }

    @Test func firstAlternativeThatFitsIsTaken() {
        let shape = OptionShape(
            .oneOf,
            children: [
                .init(.object, children: [.init(.path, key: "file", required: true)]),
                .init(.object, children: [.init(.integer, key: "constant", required: true), .init(.bool, key: "x")]),
                .init(.integer, maximum: 5), .init(.string),
            ])
        #expect(Checked("file: /x", shape).value.oneOf?.index == 0)
        #expect(Checked("constant: 1", shape).value.oneOf?.index == 1)
        #expect(Checked("3", shape).value.oneOf?.value.integer == 3)
        #expect(Checked("a", shape).value.oneOf?.index == 3)
        #expect(Checked("constant: a", shape).said == ["1:11 'constant' wants a whole number, not 'a'"])
        #expect(
            Checked("9", shape).said == [
                "1:1 it wants a whole number of at most 5, or a string, not '9' (quote it if it is text)"
            ])
        #expect(Checked("[1]", shape).said == ["1:1 it wants object, or object, or integer, or string, not a list"])
    }

    @Test func badDefaultIsTheFaultOfWhoDeclaredIt() {
        let shape = OptionShape(
            .object,
            children: [
                OptionShape(.duration, key: "pause", defaultText: "10"), OptionShape(.bool, key: "b", defaultText: "["),
                OptionShape(.list, key: "l", defaultText: "[1]", children: [.init(.string)]),
            ])
        #expect(
            Checked("\n{}", shape).said == [
                "2:1 plugin 'p' declares a bad default for 'pause': it wants a duration such as 10ms or 30s, not '10' "
                    + "(a unit is missing; the units are us, ms, s, m and h)",
                "2:1 plugin 'p' declares a bad default for 'b': a value is missing here, or a bracket is not closed",
                "2:1 plugin 'p' declares a bad default for 'l': an element of it wants a string; '1' reads as a number "
                    + "(quote it if it is text)",
            ])
        #expect(Checked("{pause: 1s, b: true, l: []}", shape).said == [])
    }

    @Test func malformedShapeIsReportedNotTrapped() {
        for (text, shape) in [("[1]", OptionShape(.list)), ("a: 1", OptionShape(.map)), ("1", OptionShape(.oneOf))] {
            #expect(Checked(text, shape).said.count == 1)
        }
    }

    @Test func whatWasReportedAlreadyIsPassedOver() {
        let all: [OptionType] = [
            .object, .list, .map, .oneOf, .enumeration, .bool, .integer, .duration, .size, .string, .path, .byte,
            .bytes,
            .actions,
        ]
        for type in all {
            #expect(Checked("*nowhere", OptionShape(type)).said == ["1:1 no anchor 'nowhere' before this alias"])
        }
        #expect(Checked("[*nowhere]", .init(.bytes)).said.count == 1)
        #expect(Checked("*nowhere : 1", Self.object).said.count == 2)
        #expect(Checked("[*nowhere, {sysrq: *nowhere}]", .init(.actions)).said.count == 2)
    }

    @Test func mistakeInAnAnchoredValueIsReportedOnceForAllItsAliases() {
        let shape = OptionShape(.list, children: [.init(.list, children: [.init(.byte)])])
        #expect(
            Checked("- &a [300]\n- *a\n- *a", shape).said == [
                "1:7 an element of an element of it is 300; it must be 0 to 255"
            ])
    }
}
