// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import TestKit
import Testing

/// The manual pages and the completions of shells.
@Suite(.enabled(if: Tools.find("python3") != nil)) struct PageTests {
    @Test func pagesAndCompletionsAreWhatTheProgramsSay() throws {
        let program = try Program(
            try #require(Tools.find("python3")), ["\(CCompiler.root)/.ci/manual", Tools.products, "--check"],
            environment: ["PATH": "/usr/bin:/bin"])
        let ending = program.wait(within: 120_000)
        #expect(ending == .exited(0), "\(program.standardOutput())\(program.log)")
    }
}
