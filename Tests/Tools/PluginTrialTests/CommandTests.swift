// SPDX-License-Identifier: Apache-2.0
//
// `kcssim plugin` as its users run it: exit status, words, and plugins that misbehave.
import LinuxIO
import TestKit
import Testing

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct CommandTests {
    private let folder = TestFolder()

    private func play(
        _ plugin: String, _ transcript: String, _ more: String...
    ) throws -> (ending: Program.Ending, output: String, errors: String) {
        let file = try folder.write("t", transcript)
        return try Tools.run("kcssim", ["plugin", plugin, file] + more)
    }

    @Test func statusIsThatOfTheComparison() throws {
        #expect(try play("echo", "> data 1\n< odr 1").ending == .exited(0))
        let other = try play("echo", "> data 1\n< odr 2")
        #expect(other.ending == .exited(1))
        #expect(other.output.hasSuffix("@@ line 1 @@\n > data 1\n-< odr 0x02\n+< odr 0x01\n"), "\(other.output)")
        #expect(other.errors.contains("t:2: the plugin does something else"), "\(other.errors)")
        #expect(try play("echo", "> dato 1").ending == .exited(64))
        #expect(try play("nobody", "> data 1").errors.contains("plugin not found"))
        #expect(try Tools.run("kcssim", ["plugin", "echo"]).ending == .exited(64))
        #expect(try Tools.run("kcssim", ["plugin", "echo", "/nowhere/t"]).ending == .exited(1))
    }

    @Test func recordIsATranscriptThatThePluginKeeps() throws {
        let record = try play("echo", "options: {xor: 3}\n> data 1\n> stats", "--record")
        #expect(record.ending == .exited(0))
        #expect(record.output.hasPrefix("> data 1\n< odr 0x02\n> stats\n< stat echoed 1\n"), "\(record.output)")
        #expect(try play("echo", "options: {xor: 3}\n" + record.output).ending == .exited(0))
    }

    private func probe() throws -> String {
        try CCompiler.library(
            "\(CCompiler.root)/Tests/EndToEnd/EndToEndTests/Plugins/probe.c", to: "\(folder.path)/libkcs-probe.so")
    }

    @Test func misuseAndFailureStandInTheRecord() throws {
        let played = try play(
            try probe(), "> start\n> data 0xF8\n> data 0xF0\n> data 1\n> start crash\n> data 1", "--record")
        let lines = played.output.split(separator: "\n").map { String($0) }
        #expect(lines.contains("< log notice: elsewhere: write_odr -9, timer_open -9, post 0"), "\(played.output)")
        #expect(lines.contains("< misuse: write_odr() was called on another thread than the loop's, and refused"))
        #expect(lines.contains("< fail: asked to fail"))
        #expect(lines.contains("< log notice: stop: reason 3, STR 0"))
        #expect(lines.contains("< it does not run"))
        #expect(lines.suffix(2) == ["> data 1", "< odr 0x01"])
    }

    private static let posting = """
        import CKCSPlugin

        final class Posting: Handler {
            override func start(_ info: StartInfo) throws(HandlerError) -> Input { .automatic }
            override func data(_ value: UInt8, str: STR, now: UInt64) {
                let poster = host.poster(for: self)
                nonisolated(unsafe) let host = host  // the compiler knows better
                _ = host.work(for: self) {
                    host.log(.error, "from the worker's thread")
                    poster.post { handler in handler.host.log(.notice, "posted") }
                    return 42
                } done: { handler, answer in
                    handler.host.log(.notice, "done: \\(answer)")
                }
            }
        }

        private let plugin: Plugin = Plugin(
            name: "posting", version: "1", summary: "posts", inputs: [.automatic],
            create: { plugin.create($0, $1, $2, $3) { host, _ in Posting(host: host) } })

        @c(kcs_plugin_entry) public func entry() -> UnsafePointer<kcs_plugin> { plugin.descriptor }
        """

    @Test(.enabled(if: Tools.Language.swift.compiler != nil)) func postComesBackToTheLoopAndNothingElseDoes() throws {
        let plugin = try Tools.build(
            "posting", .swift, in: folder, source: try folder.write("posting.swift", Self.posting))
        let played = try play(
            plugin,
            """
            > data 1
            < log notice: done: 42
            < log notice: posted
            < misuse: log() was called on another thread than the loop's, and refused
            """)
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
    }

    @Test func callThatHangsEndsIt() throws {
        let played = try play(try probe(), "> data 0xF1", "--timeout", "300ms")
        #expect(played.ending == .exited(1))
        #expect(played.errors.contains("data has not returned for 300ms: it hangs"), "\(played.errors)")
    }

    @Test func messagesOfEveryKindAreAnswered() throws {
        let plugin = try CCompiler.library(
            "\(CCompiler.root)/Tests/EndToEnd/EndToEndTests/Plugins/messenger.c",
            to: "\(folder.path)/libkcs-messenger.so")
        let played = try play(
            plugin,
            """
            options: {net_fn: 0x30, tag: 0xAA}
            > start
            < input messages
            > request 0xc0 1 7
            < reply 0xc4 0x01 0x00 0xaa 0x07
            > request 0xc0 2
            < declined
            > request 0xc0 4
            < no reply
            > request 0xc0 5
            < pending
            > wait 4s
            < too late: the host CPU gets completion code 0xc3
            > request 0xc0 6
            < reply 0xc4 0x06 0x00 0xaa
            < misuse: reply() was called a second time for one request, and refused
            < log notice: second reply: -1
            > request 0xc0 7 1
            < attention on
            < reply 0xc4 0x07 0x00 0xaa 0x01
            > request 0xc0 9
            < misuse: reply() was called with token *
            < log notice: forged reply: -1
            < reply 0xc4 0x09 0x00 0xaa
            """)
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
    }
}
