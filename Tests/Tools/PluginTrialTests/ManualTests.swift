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

    private func blocks(_ page: String = "WriteAHandler") throws -> [Block] {
        let path = "\(CCompiler.root)/Sources/Plugins/PluginKit/PluginKit.docc/\(page).md"
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
        let names = ["adder.c", "adder.swift", "adder.rs", "adder.transcript", "kcsmux.yaml"]
        #expect(blocks.compactMap { $0.name } == names)
        let commands = blocks.filter { $0.language == "sh" }.map { $0.text }
        let play = try #require(commands.first { $0.contains("kcssim plugin") })
        let daemon = try #require(commands.first { $0.contains("kcsmuxd --config") })
        let info = try #require(blocks.first { $0.text.hasPrefix("adder 1.0: ") }).text
        for compiler in ["cc ", "swiftc ", "cp -r "] {
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
    }

    /// The page about what ships goes on where the guide ends: in its folder, with its plugin in C.
    /// Answers the command that builds that, for a debugger.
    private func guide() throws -> String {
        let guide = try blocks()
        for block in guide { if let name = block.name { try folder.write(name, block.text) } }
        let build = try #require(guide.first { $0.text.hasPrefix("cc ") }).text.replacing("cc ", with: "cc -g ")
        #expect(try run(build).ending == .exited(0))
        return build
    }

    @Test(.enabled(if: Tools.find("valgrind") != nil)) func checkersOfTheManualFindWhatLeaks() throws {
        let build = try guide()
        let blocks = try blocks("Shipping")
        for block in blocks { if let name = block.name { try folder.write(name, block.text) } }
        let checks = blocks.filter { $0.language == "sh" && $0.text.contains("life.transcript") }.map { $0.text }
        #expect(checks.count == 2)
        // A container may forbid LeakSanitizer to stop the threads of its process.
        let isForbidden = "LeakSanitizer has encountered a fatal error"
        for check in checks {
            let clean = try run(check)
            if clean.errors.contains(isForbidden) { continue }
            #expect(clean.ending == .exited(0), "\(clean.errors)")
            #expect(clean.output == "life.transcript: ok, 10 lines\n" && clean.errors == "", "\(clean.errors)")
        }
        let source = try #require(folder.read("adder.c"))
        let leaky = source.replacing("{ free(instance); }", with: "{ (void)instance; }")
        #expect(leaky != source)
        try folder.write("adder.c", leaky)
        #expect(try run(build).ending == .exited(0))
        let statuses: [Int32] = [9, 23]
        let blocksLost = ["64 bytes in 2 blocks are definitely lost", "64 byte(s) in 2 object(s)"]
        for index in 0..<2 {
            let lost = try run(checks[index])
            if lost.errors.contains(isForbidden) { continue }
            #expect(lost.ending == .exited(statuses[index]), "\(lost.errors)")
            #expect(lost.errors.contains(blocksLost[index]) && lost.errors.contains("adder.c:18"), "\(lost.errors)")
        }
    }

    @Test func pluginInSwiftExportsAndWeighsWhatTheManualSays() throws {
        _ = try guide()
        let blocks = try blocks("Shipping")
        let index = try #require(blocks.firstIndex { $0.text.contains("exports.map") })
        let said = blocks[index + 1].text.split(separator: "\n")
        let made = try run(blocks[index].text)
        #expect(made.ending == .exited(0), "\(made.errors)")
        let lines = made.output.split(separator: "\n")
        #expect(lines.count == 2 && said.count == 2 && lines.first == said.first, "\(made.output)")
        let (size, expected) = (Int(lines.last ?? "") ?? 0, Int(said.last ?? "") ?? 0)
        #expect(abs(size - expected) < expected / 10, "\(size)")
    }
}
