// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import PluginKit
import PluginTestSupport
import Testing

private enum Speed: String, OptionChoice { case slow, fast }
private enum Colour: String, OptionChoice { case red }

/// A handler that reads its options as a test tells it to.
private final class Reading: Handler {
    static let plugin: Plugin = Plugin(
        name: "reading", version: "1", summary: "reads its options", inputs: [.none],
        options: [
            .bool("on", default: "true"), .integer("count", 0...9, default: "3"),
            .duration("pause", .zero ... .hours(1), default: "10ms"), .size("room", default: "4KiB"),
            .byte("mask", default: "0x0F"), .bytes("magic", default: "[1, 2]"), .string("name"), .path("file"),
            .enumeration("speed", of: Speed.self, default: .fast),
            .oneOf("unit", [.integer(nil), .enumeration(nil, of: Speed.self), .string(nil)]),
            .list("steps", of: .object(nil, [.integer("size", required: true)]), default: "[]"),
            .map("table", from: .byte(nil), to: .string(nil), default: "{}"),
            .object("inner", [.bool("deep", default: "false")], default: "{}"), .actions("alarm"),
        ],
        create: {
            plugin.create($0, $1, $2, $3) { host, options in
                read(options)
                return Handler(host: host)
            }
        })

    nonisolated(unsafe) static var read: (OptionValue) -> Void = { _ in }
}

@Suite(.serialized) struct OptionValueTests {
    private func read(_ given: [String: TestValue] = [:], _ body: @escaping (OptionValue) -> Void) {
        Reading.read = body
        #expect(FakeDaemon(Reading.plugin.descriptor, given) != nil)
    }

    @Test func defaultsAreReadByNameAndType() {
        read { options in
            #expect(options["on"].bool)
            #expect(options["count"].integer == 3)
            #expect(options["pause"].duration == .milliseconds(10))
            #expect(options["room"].size == 4096)
            #expect(options["mask"].byte == 0x0F)
            #expect(options["magic"].bytes == [1, 2])
            #expect(options["speed"].enumeration(as: Speed.self) == .fast)
            #expect(options["steps"].elements.isEmpty && options["table"].pairs.isEmpty)
            #expect(!options["inner"]["deep"].bool)
            for name in ["name", "file", "unit", "alarm"] as [StaticString] {
                #expect(options[name].ifPresent == nil && options[name].kind == .absent && !options[name].isGiven)
            }
        }
    }

    @Test func whatIsGivenIsRead() {
        let given: [String: TestValue] = [
            "name": .string("é"), "file": .path("/x"), "speed": .enumeration("slow"), "alarm": .actions("log"),
            "steps": .list([.object(["size": .integer(1)]), .object(["size": .integer(2)])]),
            "table": .map([(.byte(7), .string("seven"))]), "inner": .object(["deep": .bool(true)]),
        ]
        read(given) { options in
            #expect(options["name"].string == "é" && options["name"].isGiven)
            #expect(options["file"].ifPresent?.path == "/x")
            #expect(options["speed"].enumeration(as: Speed.self) == .slow)
            #expect(options["alarm"].actionsText == "log")
            #expect(options["steps"].elements.map { $0["size"].integer } == [1, 2])
            #expect(options["table"].pairs.first?.key.byte == 7)
            #expect(options["table"].pairs.first?.value.string == "seven")
            #expect(options["inner"]["deep"].bool)
        }
    }

    @Test func oneOfIsTheAlternativeThatFits() {
        read(["unit": .integer(4)]) { #expect($0["unit"].kind == .integer && $0["unit"].integer == 4) }
        read(["unit": .enumeration("slow")]) { options in
            #expect(options["unit"].kind == .enumeration)
            #expect(options["unit"].enumeration(as: Speed.self) == .slow)
        }
        read(["unit": .string("x")]) { #expect($0["unit"].kind == .string) }
    }

    @Test(arguments: [0, 1, 2, 3, 4]) func mistakeOfThePluginEndsTheProcessWithItsWords(number: Int) async throws {
        let ended = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [number] in
            let mistakes: [(OptionValue) -> Void] = [
                { _ = $0["pauze"] }, { _ = $0["pause"].integer }, { _ = $0["name"].string },
                { _ = $0["speed"].enumeration(as: Colour.self) }, { _ = $0["inner"]["shallow"] },
            ]
            Reading.read = mistakes[number]
            _ = FakeDaemon(Reading.plugin.descriptor)
        }
        let words = [
            "the object of options has no member pauze", "option pause is a duration, and was read as an integer",
            "option name is absent, and was read as a string",
            "option speed is fast, for which the enumeration that it is read as has no case",
            "option inner has no member shallow",
        ][number]
        let errors = String(decoding: try #require(ended).standardErrorContent, as: UTF8.self)
        #expect(errors.contains(words), "\(errors)")
    }

    @Test func checkNamesTheValueThatItRejects() {
        #expect(FakeDaemon.check(Reading.plugin.descriptor, [:]) == [], "a plugin without a check rejects nothing")
    }
}
