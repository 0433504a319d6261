// SPDX-License-Identifier: Apache-2.0
//
// The examples in every language, built outside the package with the commands that they name, against one transcript each.
import LinuxIO
import TestKit
import Testing

@Suite(.serialized) struct ExampleTests {
    private let folder = TestFolder()

    /// C++ has one: what differs from C is in it.
    private static let examples = Tools.Language.allCases.filter { $0.compiler != nil }.flatMap { language in
        (language == .cpp ? ["echo"] : ["echo", "oem"]).map { ($0, language) }
    }

    @Test(arguments: examples)
    func exampleDoesWhatItsTranscriptWants(example: String, language: Tools.Language) throws {
        let plugin = try Tools.build(example, language, in: folder)
        let played = try Tools.run("kcssim", ["plugin", plugin, "\(Tools.examples)/\(example).transcript"])
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
        #expect(played.output.contains("ok, "))
        let info = try Tools.run("kcsctl", ["plugin", "info", plugin])
        #expect(info.ending == .exited(0), "\(info.errors)")
        #expect(info.output.contains("ABI         1."))
        #expect(info.output.contains(example == "echo" ? "xor: byte (default 0)" : "net_fn: integer"))
    }

    @Test func compilersOfEveryLanguageAreThere() {
        for language in Tools.Language.allCases {
            #expect(language.compiler != nil, ".ci/run installs what compiles \(language)")
        }
    }

    @Test(.enabled(if: Tools.find("pkg-config") != nil)) func packageConfigurationSaysWhatTheHeaderSays() throws {
        func ask(_ what: String...) throws -> String {
            let tool = try Program(
                try #require(Tools.find("pkg-config")), what + ["kcsmux-plugin"],
                environment: ["PKG_CONFIG_PATH": "\(CCompiler.root)/config"])
            return tool.standardOutput().split(separator: "\n").joined(separator: " ")
        }
        #expect(try ask("--modversion") == "1.1")
        #expect(try ask("--variable=plugindir") == "/usr/lib/kcsmux/plugins")
        let flags = try ask("--cflags").split(separator: " ").map { String($0) }
        try CCompiler.run(
            ["-shared", "-fPIC"] + flags + ["\(Tools.examples)/c/oem.c", "-o", "\(folder.path)/libkcs-oem-c.so"])
        let kit = try ask("--variable=pluginkit").split(separator: " ").first.map { String($0) } ?? ""
        #expect(try Syscalls.list(kit).contains("Handler.swift"))
    }

    @Test func exampleRejectsWhatItsCheckRejects() throws {
        let plugin = try Tools.build("oem", .c, in: folder)
        let transcript = "\(Tools.examples)/oem.transcript"
        let odd = try Tools.run("kcssim", ["plugin", plugin, transcript, "--options", "{net_fn: 0x31}"])
        #expect(odd.ending == .exited(1))
        #expect(odd.errors.contains("--options:1:10: error: net_fn must be even"), "\(odd.errors)")
    }
}
