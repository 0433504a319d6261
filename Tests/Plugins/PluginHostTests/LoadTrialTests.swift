// SPDX-License-Identifier: Apache-2.0
//
// Plugins that kill whoever loads them, tried by a kcsmuxd of their own.
import CLinux
import LinuxIO
import PluginHost
import TestKit
import Testing

@Suite(.enabled(if: CCompiler.isThere)) struct LoadTrialTests {
    private let folder = TestFolder()

    private func load(_ flags: String..., limit: UInt64 = 60_000_000_000) throws -> LoadFailure? {
        let path = try CCompiler.library(
            "\(CCompiler.root)/Tests/Plugins/PluginHostTests/Plugins/deadly.c", to: "\(folder.path)/libkcs-deadly.so",
            flags.map { "-D\($0)" })
        let trial = LoadTrial(program: "\(Tools.products)/kcsmuxd", limit: limit)
        switch PluginLoader(folders: [], trust: .strict, trial: trial).load(path) {
        case .success: return nil
        case .failure(let failure): return failure
        }
    }

    @Test func soundPluginLivesThroughIt() throws { #expect(try load() == nil) }

    @Test(arguments: [
        ("CONSTRUCTOR=*(volatile int *)0 = 1", "loading it ended it by signal 11 (SIGSEGV)"),
        ("CONSTRUCTOR=abort()", "loading it ended it by signal 6 (SIGABRT)"),
        ("CONSTRUCTOR=raise(SIGKILL)", "loading it ended it by signal 9 (SIGKILL)"),
        ("CONSTRUCTOR=exit(0)", "loading it ended it with exit status 0"),
        ("CONSTRUCTOR=_exit(3)", "loading it ended it with exit status 3"),
        ("ENTRY=abort()", "calling its kcs_plugin_entry ended it by signal 6 (SIGABRT)"),
        ("ENTRY=return (void *)64", "reading what it declares ended it by signal 11 (SIGSEGV)"),
    ])
    func whatEndsTheProcessThatLoadsItIsRefusedWithItsStep(flag: String, words: String) throws {
        let failure = try #require(try load(flag))
        #expect(failure.rule == .survival && failure.finding == words, "\(failure.description)")
        #expect(failure.description.hasPrefix("\(folder.path)/libkcs-deadly.so: plugin would have ended kcsmuxd: "))
    }

    @Test func whatNeverComesBackIsRefused() throws {
        let failure = try load("CONSTRUCTOR=for (;;) pause()", limit: 1_000_000_000)
        #expect(failure?.finding == "loading it did not end within 1 s", "\(failure?.description ?? "loaded")")
    }

    @Test func whatItDeclaresIsReadAsKcsmuxdReadsIt() throws {
        let twice = try #require(try load("KEY=\"a\""))
        #expect(twice.rule == .declaration && twice.finding.contains("'a' twice"), "\(twice.description)")
        let unreadable = try #require(try load("DEFAULT=\"many\""))
        #expect(
            unreadable.rule == .declaration && unreadable.finding.contains("bad default for 'a'"),
            "\(unreadable.description)")
    }
}
