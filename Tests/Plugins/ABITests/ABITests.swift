// SPDX-License-Identifier: Apache-2.0
//
// The promise of ABI 1.0: plugins that were built once load and work; the header that they were built with is a beginning of
// today's.
import CLinux
import LinuxIO
import PluginHost
import Schema
import TestKit
import Testing

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct ABITests {
    private let folder = TestFolder()

    private static var here: String { "\(CCompiler.root)/Tests/Plugins/ABITests" }
    private static var frozen: String { "\(here)/1.0" }
    private static var header: String { "\(CCompiler.root)/Sources/CKCSPlugin/include" }
    private static let plugins = ["echo-c", "echo-swift", "echo-rust", "oem-c"]

    private static var isX86: Bool {
        #if arch(x86_64)
            true
        #else
            false
        #endif
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (ending: Program.Ending, output: String) {
        let run = try Program(program, arguments)
        let ending = run.wait(within: 120_000)
        return (ending, run.standardOutput() + run.log)
    }

    // MARK: Stored plugins

    @Test(.enabled(if: Self.isX86), arguments: plugins)
    func storedPluginKeepsItsTranscript(name: String) throws {
        let script = name.hasPrefix("oem") ? "oem" : "echo"
        let played = try Tools.run(
            "kcssim",
            ["plugin", "\(Self.frozen)/x86_64/libkcs-\(name).so", "\(Self.frozen)/\(script).transcript"])
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
    }

    @Test(.enabled(if: Self.isX86), arguments: plugins)
    func storedPluginSaysWhatItIs(name: String) throws {
        let path = "\(Self.frozen)/x86_64/libkcs-\(name).so"
        let plugin = try PluginLoader(folders: [], trust: .any).load(path).get()
        #expect(plugin.name == name)
        #expect(plugin.abi == (1, 0))
        #expect(plugin.options.children.first?.key == (name == "oem-c" ? "net_fn" : "xor"))
        #expect(plugin.requests.count == (name == "oem-c" ? 4 : 0))
        #expect(plugin.commands.isEmpty, "1.0 had none")
    }

    @Test func storedPluginsAreSmallAndForTheirMachines() throws {
        for (folder, machine, wide) in [("x86_64", 62, true), ("armv7", 40, false)] as [(String, UInt8, Bool)] {
            for name in Self.plugins {
                let bytes = try Syscalls.readFile("\(Self.frozen)/\(folder)/libkcs-\(name).so", limit: 1 << 20)
                #expect(bytes.count < 8192, "\(folder)/\(name)")
                #expect(Array(bytes[..<5]) == [0x7F, 0x45, 0x4C, 0x46, wide ? 2 : 1])
                #expect(bytes[18] == machine)
                #expect(String(decoding: bytes, as: UTF8.self).contains("kcs_plugin_entry"))
            }
        }
    }

    /// A host in one C file, compiled with this header or a later one, runs what kcsmuxd cannot run here.
    private func host(_ compiler: String, include: String) throws -> String {
        let path = "\(folder.path)/host"
        let built = try run(
            compiler,
            ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I", include, "\(Self.here)/host.c", "-o", path, "-ldl"])
        #expect(built.ending == .exited(0), "\(built.output)")
        return path
    }

    private func laterHeader() throws -> String {
        let grown = try run("\(Self.here)/grow", ["\(Self.header)/kcs_plugin.h"])
        #expect(grown.ending == .exited(0))
        #expect(grown.output.contains("later_call") && grown.output.contains("later_callback"))
        try folder.write("kcs_plugin.h", grown.output)
        return folder.path
    }

    private static var echoes: [String] { plugins.filter { $0.hasPrefix("echo") } }

    @Test(.enabled(if: Self.isX86), arguments: [false, true])
    func storedPluginsRunInAHostOfThisHeaderAndOfALaterOne(isLater: Bool) throws {
        let host = try host("/usr/bin/cc", include: isLater ? try laterHeader() : Self.header)
        for name in Self.echoes {
            let ran = try run(host, ["\(Self.frozen)/x86_64/libkcs-\(name).so"])
            #expect(ran.ending == .exited(0) && ran.output.contains("right: \(name), "), "\(ran.output)")
        }
    }

    private static var arm: (compiler: String, emulator: String)? {
        guard let compiler = Tools.find("arm-linux-gnueabihf-gcc") else { return nil }
        return Tools.find("qemu-arm-static").map { (compiler, $0) }
    }

    @Test(.enabled(if: Self.arm != nil), arguments: [false, true])
    func storedPluginsOfARMRunInAHostOfThisHeaderAndOfALaterOne(isLater: Bool) throws {
        let arm = try #require(Self.arm)
        let host = try host(arm.compiler, include: isLater ? try laterHeader() : Self.header)
        for name in Self.echoes {
            let ran = try run(
                arm.emulator, ["-L", "/usr/arm-linux-gnueabihf", host, "\(Self.frozen)/armv7/libkcs-\(name).so"])
            #expect(ran.ending == .exited(0) && ran.output.contains("right: \(name), "), "\(ran.output)")
        }
    }

    /// $KCSMUX_ARMV7 names an ARMv7 build's `kcsctl`, and $KCSMUX_ARMV7_ROOT the root for the emulator's dynamic linker.
    @Test(.enabled(if: CurrentProcess.environment("KCSMUX_ARMV7") != nil && Self.arm != nil), arguments: plugins)
    func storedPluginsOfARMLoadInTheProgramsOfABMC(name: String) throws {
        let arm = try #require(Self.arm)
        let root = CurrentProcess.environment("KCSMUX_ARMV7_ROOT") ?? "/usr/arm-linux-gnueabihf"
        let program = CurrentProcess.environment("KCSMUX_ARMV7") ?? ""
        let path = "\(Self.frozen)/armv7/libkcs-\(name).so"
        let ran = try run(arm.emulator, ["-L", root, program, "plugin", "info", "--trust", "any", path])
        #expect(ran.ending == .exited(0) && ran.output.contains("ABI         1.0"), "\(ran.output)")
    }

    @Test func laterAndStrangerDescriptorIsTaken() throws {
        let plugin = try CCompiler.library(
            "\(Self.here)/stranger.c", to: "\(folder.path)/libkcs-stranger.so", ["-I", Self.frozen])
        let played = try Tools.run("kcssim", ["plugin", plugin, "\(Self.frozen)/echo.transcript"])
        #expect(played.ending == .exited(0), "\(played.output)\(played.errors)")
    }

    // MARK: The header

    @Test func headerStandsAloneInEveryLanguageThatItIsFor() throws {
        for name in ["kcs_plugin.h", "kcs_plugin_text.h"] {
            let source = try folder.write(
                "alone.c", "#include \"\(name)\"\nint alone(void);\nint alone(void) { return 0; }\n")
            let strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I", Self.header]
            #expect(try run("/usr/bin/cc", ["-std=c11"] + strict + [source]).output == "")
            #expect(try run("/usr/bin/c++", ["-std=c++17", "-x", "c++"] + strict + [source]).output == "")
            if let clang = Tools.find("clang") {
                #expect(try run(clang, ["-std=c11", "-Wnullability-completeness"] + strict + [source]).output == "")
                #expect(try run(clang, ["-std=c++17", "-x", "c++"] + strict + [source]).output == "")
            }
        }
        // The layout's assertions hold for the frozen header as for today's, with pointers of either width.
        for include in [Self.header, Self.frozen] {
            for compiler in ["/usr/bin/cc", Self.arm?.compiler] {
                guard let compiler else { continue }
                let layout = try run(
                    compiler,
                    ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include]
                        + ["\(CCompiler.root)/Sources/CKCSPlugin/layout.c"])
                #expect(layout.ending == .exited(0), "\(compiler): \(layout.output)")
            }
        }
    }

    @Test(.enabled(if: Tools.Language.rust.compiler != nil)) func rustSeesTheSameLayout() throws {
        // Its assertions are evaluated when it is compiled.
        let built = try run(
            try #require(Tools.Language.rust.compiler),
            [
                "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "-o", "\(folder.path)/kcs.rmeta",
                "\(Tools.examples)/rust/kcs_plugin.rs",
            ])
        #expect(built.ending == .exited(0), "\(built.output)")
    }

    /// A header's words without comments and spacing.
    private func words(_ path: String) throws -> String {
        let preprocessed = try run("/usr/bin/cc", ["-fpreprocessed", "-dD", "-E", "-P", path])
        #expect(preprocessed.ending == .exited(0))
        return preprocessed.output
    }

    private func definitions(_ text: String) -> [Substring: Substring] {
        var found: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("#define KCS_") {
            let rest = line.dropFirst(8)
            let end = rest.firstIndex { $0 == " " || $0 == "(" } ?? rest.endIndex
            found[rest[..<end]] = rest[end...]
        }
        return found
    }

    /// The members of each structure, in order.
    private func structures(_ text: String) -> [Substring: [Substring]] {
        var found: [Substring: [Substring]] = [:]
        let flat = text.split { $0 == "\n" }.filter { !$0.hasPrefix("#") }.joined(separator: " ")
        for part in flat.split(separator: "}") {
            guard let brace = part.lastIndex(of: "{"), let name = part[..<brace].split(separator: " ").last,
                name.hasPrefix("kcs_")
            else { continue }
            found[Substring(String(name))] = part[part.index(after: brace)...].split(separator: ";").map {
                Substring($0.split(separator: " ").joined(separator: " "))
            }.filter { !$0.isEmpty }
        }
        return found
    }

    @Test func todaysHeaderOnlyAddsToThatOf1_0() throws {
        let (then, now) = (try words("\(Self.frozen)/kcs_plugin.h"), try words("\(Self.header)/kcs_plugin.h"))
        let (defined, redefined) = (definitions(then), definitions(now))
        #expect(defined.count > 80)
        for (name, value) in defined where name != "KCS_ABI_MINOR" {
            #expect(redefined[name] == value, "\(name)")
        }
        let (members, grown) = (structures(then), structures(now))
        #expect(members.count == 10)
        for (name, list) in members {
            let today = grown[name] ?? []
            #expect(Array(today.prefix(list.count)) == list, "struct \(name)")
        }
        #expect(members["kcs_request_length"] == grown["kcs_request_length"], "it never grows")
    }
}
