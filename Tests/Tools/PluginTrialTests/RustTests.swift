// SPDX-License-Identifier: Apache-2.0
//
// The module `kcs`, with which plugins in Rust are written: what the examples do not use of it, panics, and the crate.
import LinuxIO
import TestKit
import Testing

@Suite(.serialized, .enabled(if: Tools.Language.rust.compiler != nil)) struct RustTests {
    private let folder = TestFolder()
    private static let here = "\(CCompiler.root)/Tests/Tools/PluginTrialTests/Plugins"

    /// A copy of the examples, for compilers that write beside their sources, and a folder for a crate beside it.
    private func copy() throws -> String {
        let copy = try Program(
            "/bin/sh", ["-c", "cp -r \(Tools.examples)/rust \(folder.path) && mkdir -p \(folder.path)/mine/src"])
        #expect(copy.wait() == .exited(0))
        return "\(folder.path)/rust"
    }

    private func play(_ plugin: String, _ transcript: String) throws {
        let played = try Tools.run("kcssim", ["plugin", plugin, transcript])
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
    }

    @Test func everyCallIsSafeAndEveryPanicIsCaught() throws {
        let source = String(
            decoding: try Syscalls.readFile("\(Self.here)/everything.rs", limit: 1 << 20), as: UTF8.self)
        _ = try copy()
        let plugin = try Tools.build(
            "everything", .rust, in: folder, source: try folder.write("rust/everything.rs", source))
        try play(plugin, "\(Self.here)/everything.transcript")

        let rejected = try Tools.run(
            "kcssim", ["plugin", plugin, "\(Self.here)/everything.transcript", "--options", "{mode: fast}"])
        #expect(rejected.errors.contains("--options:1:8: error: not fast"), "\(rejected.errors)")
        let mistaken = try Tools.run(
            "kcssim", ["plugin", plugin, "\(Self.here)/everything.transcript", "--options", "{on: false}", "--record"])
        let words = "< log error: the plugin panicked: the object of options has no member \"onn\"\n< create refused\n"
        #expect(mistaken.output.contains(words), "\(mistaken.output)")
    }

    @Test(.enabled(if: Tools.find("cargo") != nil)) func crateBuildsItsExamplesAndPluginsThatDependOnIt() throws {
        let crate = try copy()
        let example = try Syscalls.readFile("\(crate)/echo.rs", limit: 1 << 20)
        let text = String(decoding: example, as: UTF8.self).replacing("\nmod kcs;\n", with: "")
        try folder.write("mine/src/lib.rs", text.replacing("use self::kcs::", with: "use kcs::"))
        try folder.write(
            "mine/Cargo.toml",
            """
            [package]
            name = "kcs-mine"
            version = "1.0.0"
            edition = "2021"
            [lib]
            crate-type = ["cdylib"]
            [dependencies]
            kcs = { path = "../rust" }
            """)
        for (manifest, more) in [("rust", ["--examples"]), ("mine", [])] {
            let built = try Program(
                try #require(Tools.find("cargo")),
                ["build", "--offline", "--quiet", "--manifest-path", "\(folder.path)/\(manifest)/Cargo.toml"] + more)
            #expect(built.wait(within: 300_000) == .exited(0), "\(built.log)")
            #expect(built.log == "", "not a warning")
        }
        for example in ["echo", "oem"] {
            try play("\(crate)/target/debug/examples/lib\(example).so", "\(Tools.examples)/\(example).transcript")
        }
        try play("\(folder.path)/mine/target/debug/libkcs_mine.so", "\(Tools.examples)/echo.transcript")
    }
}
