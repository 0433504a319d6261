// SPDX-License-Identifier: Apache-2.0
//
// `kcssim fuzz` as its users run it, on plugins that behave as the shipped ones do and have one bug each.
import LinuxIO
import TestKit
import Testing
import Trials

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct FuzzTests {
    private let folder = TestFolder()

    /// 1: bytes, 2: messages, 3: MCTP packets in messages.
    private func plugin(kind: Int, bug: Int) throws -> String {
        let source = "\(CCompiler.root)/Tests/Tools/KcssimTests/Plugins/planted.c"
        return try CCompiler.library(
            source, to: "\(folder.path)/libkcs-planted.so", ["-DKIND=\(kind)", "-DBUG=\(bug)"])
    }

    private struct Planted: CustomTestStringConvertible {
        let kind: Int
        let bug: Int
        let words: String
        var testDescription: String { words }

        init(_ kind: Int, _ bug: Int, _ words: String) { (self.kind, self.bug, self.words) = (kind, bug, words) }
    }

    private static let planted = [
        Planted(1, 1, "crash: it ended by signal 6 (SIGABRT)"),
        Planted(1, 2, "hang: data has not returned for 1s: it hangs"),
        Planted(1, 3, "leak: each time that it is played, "),
        Planted(1, 4, "misuse: timer_set() names timer 101, which is not open"),
        Planted(1, 5, "descriptors stay open"),
        Planted(2, 11, "crash: it ended by signal 11 (SIGSEGV)"),
        Planted(2, 12, "crash: it ended by signal 6 (SIGABRT)"),
        Planted(2, 13, "misuse: reply() was called a second time for one request, and refused"),
        Planted(2, 14, "reply: a reply of 0x18 0x22 to 0x18 0x22: it has no completion code"),
        Planted(3, 21, "leak: each time that it is played, "),
    ]

    /// A minute is enough where nothing else runs; here other tests may.
    @Test(arguments: planted) private func bugIsFoundAndShrunkToAFewLines(planted: Planted) throws {
        let path = try plugin(kind: planted.kind, bug: planted.bug)
        let file = "\(folder.path)/found.transcript"
        let run = try Program("\(Tools.products)/kcssim", ["fuzz", path, "--seed", "3", "--for", "180s", "-o", file])
        #expect(run.wait(within: 300_000) == .exited(1), "\(run.log)")
        #expect(run.log.contains(planted.words), "\(run.log)")
        let transcript = try #require(folder.read("found.transcript"))
        #expect(transcript.split(separator: "\n").count <= 20, "\(transcript)")
        let isLeak = transcript.contains("--repeat")
        let played = try Program(
            "\(Tools.products)/kcssim", ["plugin", path, file] + (isLeak ? ["--repeat", "16"] : ["--timeout", "1s"]))
        let ending = played.wait()
        #expect(ending != .exited(0), "\(transcript)")
        if planted.words.contains("signal") { #expect(ending != .exited(1), "a crash ends the trial, too") }
        // The bug is what it shows, and nothing else.
        let right = try plugin(kind: planted.kind, bug: 0)
        let other = try Tools.run("kcssim", ["plugin", right, file])
        #expect(!other.output.contains("\n-"), "\(other)")
        // What a right plugin does instead of the last step's fault is not known to the transcript.
        let isCutOff = ["crash", "hang", "reply"].contains { planted.words.hasPrefix($0) }
        if !isCutOff { #expect(other.ending == .exited(0), "\(other)") }
    }

    @Test func pluginWithoutABugIsLeftInPeaceAndASeedRepeatsAllOfIt() throws {
        let path = try plugin(kind: 2, bug: 0)
        let first = try Tools.run("kcssim", ["fuzz", path, "--seed", "9", "--runs", "60"])
        #expect(first.ending == .exited(0), "\(first)")
        let counts = first.output.split(separator: "\n").last?.split(separator: ",").first
        let second = try Tools.run("kcssim", ["fuzz", path, "--seed", "9", "--runs", "60"])
        #expect(second.output.split(separator: "\n").last?.split(separator: ",").first == counts)
        let other = try Tools.run("kcssim", ["fuzz", path, "--seed", "10", "--runs", "60"])
        #expect(other.output.split(separator: "\n").last?.split(separator: ",").first != counts)
        let bad = try plugin(kind: 2, bug: 14)
        let found = try (0..<2).map { _ in try Tools.run("kcssim", ["fuzz", bad, "--seed", "9", "--runs", "60"]).output
        }
        #expect(found[0].contains("run ") && found[0] == found[1])
    }

    @Test func shippedPluginsStandAFewRuns() throws {
        for name in ["echo", "post-code", "debug-trigger", "ipmi-lite", "mctp", "dcmi"] {
            let run = try Tools.run("kcssim", ["fuzz", name, "--seed", "1", "--runs", "\(repetitions(2000))"])
            #expect(run.ending == .exited(0), "\(name): \(run)")
        }
        // Options name files that plugins replace and remove: none of this machine's.
        let null = try Syscalls.stat("/dev/null")
        #expect(null.isCharacterDevice)
    }

    @Test func whatTheFieldSawIsFollowed() throws {
        let path = try plugin(kind: 2, bug: 12)
        var file = CaptureFile(channel: "ipmi")
        file.started()
        file.request(1_000, [0x28, 0x42])
        file.answer(1_100, [0x2C, 0x42, 0, 1, 0])
        file.request(2_000, [0x28, 0x47, 1, 0, 0x43, 0x4C, 0x52, 0xAA])
        let capture = try folder.write("field.pcapng", bytes: file.bytes)
        let run = try Tools.run("kcssim", ["fuzz", path, "--seed", "1", "--runs", "20", "--from", capture])
        #expect(run.output.contains("> request 0x28 0x42\n"), "\(run)")
        #expect(run.errors.contains("crash: it ended by signal 6 (SIGABRT), found in "), "\(run)")
        #expect(
            try Tools.run("kcssim", ["fuzz", path, "--from", "/dev/null"]).errors.contains("neither a capture nor"))
    }

    @Test func wrongUsageIsRefused() throws {
        #expect(try Tools.run("kcssim", ["fuzz"]).ending == .exited(64))
        #expect(try Tools.run("kcssim", ["fuzz", "echo", "--runs", "1", "--for", "1s"]).ending == .exited(64))
        #expect(try Tools.run("kcssim", ["fuzz", "nobody"]).errors.contains("plugin not found"))
        let wrong = try Tools.run("kcssim", ["fuzz", "echo", "--runs", "5", "--options", "{xor: 999}"])
        #expect(wrong.ending == .exited(1))
        #expect(wrong.errors.contains("no options were found that the plugin takes"), "\(wrong)")
    }
}
