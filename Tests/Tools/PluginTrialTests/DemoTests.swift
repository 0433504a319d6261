// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import TestKit
import Testing

/// `kcssim demo` as its users run it.
@Suite(.serialized) struct DemoTests {
    private let folder = TestFolder()

    private func demo(_ words: String...) throws -> (ending: Program.Ending, output: String) {
        let program = try Program(
            "\(Tools.products)/kcssim", ["demo"] + words, environment: ["TMPDIR": folder.path, "PATH": "/usr/bin:/bin"])
        let ending = program.wait(within: 120_000)
        return (ending, program.standardOutput())
    }

    @Test func demoFitsATerminalAndLeavesNothingBehind() throws {
        let shown = try demo()
        #expect(shown.ending == .exited(0), "\(shown.output)")
        for line in shown.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(shown.output.contains("\n  request: Get Sensor Reading"), "\(shown.output)")
        #expect(try Syscalls.list(folder.path) == [])
    }

    @Test func demoThatIsKeptStandsInTheTemporaryFolder() throws {
        let shown = try demo("--keep")
        #expect(shown.ending == .exited(0), "\(shown.output)")
        let kept = try #require(try Syscalls.list(folder.path).first)
        #expect(try Syscalls.list("\(folder.path)/\(kept)/demo/capture").contains { $0.hasSuffix(".pcapng") })
    }
}
