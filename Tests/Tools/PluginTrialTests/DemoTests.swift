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

    @Test func triggerWaitsUntilItsCaptureIsComplete() throws {
        let file = try folder.write(
            "kcsmux.yaml",
            """
            version: 1
            state_directory: \(folder.path)/state
            control: {socket: \(folder.path)/control.sock}
            capture: {directory: \(folder.path)/capture}
            channels:
              - {name: debug, device: {type: sim, path: \(folder.path)/device}, plugin: debug-trigger}
            """)
        let daemon = try Program("\(Tools.products)/kcsmuxd", ["--config", file])
        #expect(daemon.line("debug: running") != nil, "what was written before is stale: \(daemon.log)")
        let waited = try Tools.run(
            "kcssim", ["trigger", "\(folder.path)/device", "D", "--wait", "\(folder.path)/capture", "--timeout", "60s"])
        #expect(waited.ending == .exited(0), "\(waited.errors)")
        let path = String(waited.output.dropLast())
        #expect(try Tools.run("kcsctl", ["decode", path]).ending == .exited(0), "\(path)")
        withExtendedLifetime(daemon) {}
    }

    @Test func demoThatIsKeptStandsInTheTemporaryFolder() throws {
        let shown = try demo("--keep")
        #expect(shown.ending == .exited(0), "\(shown.output)")
        let kept = try #require(try Syscalls.list(folder.path).first)
        #expect(try Syscalls.list("\(folder.path)/\(kept)/demo/capture").contains { $0.hasSuffix(".pcapng") })
    }
}
