// SPDX-License-Identifier: Apache-2.0
//
// The manual, followed to the letter in an empty folder: its files are saved under the names that it gives, and its commands
// run as they stand there.
import LinuxIO
import TestKit
import Testing

@Suite(.serialized) struct ManualTests {
    private let folder = TestFolder()

    private struct Block {
        let language: String
        let text: String
        /// The name under which it is to be saved.
        let name: String?
    }

    private func blocks() throws -> [Block] {
        let path = "\(CCompiler.root)/Sources/Plugins/PluginKit/PluginKit.docc/WriteAHandler.md"
        let lines = String(decoding: try Syscalls.readFile(path, limit: 1 << 20), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        var blocks: [Block] = []
        var name: String?
        var index = 0
        while index < lines.count {
            let line = lines[index]
            index += 1
            guard line.hasPrefix("```") else {
                let words = line.split(separator: "`")
                if words.count > 1,
                    words[0].lowercased().hasSuffix("save this as ")
                        || words[0].lowercased().hasSuffix("save it as ")
                {
                    name = String(words[1])
                }
                continue
            }
            var text = ""
            while index < lines.count, !lines[index].hasPrefix("```") {
                text += "\(lines[index])\n"
                index += 1
            }
            index += 1
            blocks.append(Block(language: String(line.dropFirst(3)), text: text, name: name))
            name = nil
        }
        return blocks
    }

    /// Runs commands of the manual as its reader does.
    private func run(_ commands: String) throws -> (ending: Program.Ending, output: String, errors: String) {
        let shell = try Program(
            "/bin/bash", ["-e", "-c", "cd \(folder.path)\n\(commands)"],
            environment: [
                "KCSMUX": CCompiler.root,
                "PATH": "\(Tools.products):\(CurrentProcess.environment("PATH") ?? "/usr/bin")",
                "PKG_CONFIG_PATH": "\(CCompiler.root)/config",
            ])
        let ending = shell.wait(within: 300_000)
        return (ending, shell.standardOutput(), shell.log)
    }

    @Test func pluginsOfTheManualWorkAtTheFirstStart() throws {
        let blocks = try blocks()
        for block in blocks { if let name = block.name { try folder.write(name, block.text) } }
        #expect(blocks.compactMap { $0.name } == ["adder.c", "adder.swift", "adder.transcript", "kcsmux.yaml"])
        let commands = blocks.filter { $0.language == "sh" }.map { $0.text }
        let play = try #require(commands.first { $0.contains("kcssim plugin") })
        let daemon = try #require(commands.first { $0.contains("kcsmuxd --config") })
        let info = try #require(blocks.first { $0.text.hasPrefix("adder 1.0: ") }).text
        for compiler in ["cc ", "swiftc "] {
            let build = try #require(commands.first { $0.hasPrefix(compiler) })
            let built = try run(build)
            #expect(built.ending == .exited(0), "\(built.errors)")
            #expect(built.errors == "", "not a warning")
            let shown = info.split(separator: "\n").filter { !$0.hasPrefix("file") }
            #expect(built.output.split(separator: "\n").filter { !$0.hasPrefix("file") } == shown)
            let played = try run(play)
            #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
            #expect(played.output == "adder.transcript: ok, 13 lines\n")
            let served = try run(daemon)
            #expect(served.ending == .exited(0), "\(served.errors)")
            #expect(served.output.hasPrefix("kcsmux.yaml: ok, 1 channel\n"), "\(served.output)")
            #expect(served.output.contains("\n0x43\n"), "\(served.output)")
            #expect(served.output.contains("answered 1"), "\(served.output)")
        }
        let cpp = try #require(commands.first { $0.contains("c++ ") })
        #expect(try run(cpp).ending == .exited(0))
        let rust = try #require(commands.first { $0.contains("rustc") })
        #expect(try run(rust).ending == .exited(0))
        #expect(try Tools.run("kcsctl", ["plugin", "info", "\(folder.path)/libkcs-echo-rust.so"]).ending == .exited(0))
    }
}
