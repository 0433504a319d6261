// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import Testing

/// The completion file, as bash runs it.
@Suite(.enabled(if: Program.find("bash") != nil, "bash is not installed"))
struct CompletionTests {
    /// What is offered for the last of `words`.
    private func offered(_ words: [String]) throws -> [String] {
        let root = Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
        let script = """
            source "$1"; shift
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _kcsctl
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let result = try Program.run(
            [Program.find("bash")!, "-c", script, "bash", root + "/config/kcsctl.bash", Program.kcsctl] + words)
        #expect(result.status == 0, "\(result.errors)")
        return result.text.split(separator: "\n").map { String($0) }
    }

    @Test func commandsAreOffered() throws {
        #expect(try offered(["re"]).sorted() == ["reload", "reset", "restart"])
        #expect(try offered(["capture", ""]).prefix(3) == ["dump", "follow", "convert"])
        #expect(try offered(["--json", "log-level", "t"]) == ["trace"])
        #expect(try offered(["plugin", "info", "ec"]) == ["echo"])
        #expect(try offered(["plugin", "info", "echo", "--device", "s"]).sorted() == ["serio-raw", "sim"])
    }

    @Test func channelsOfTheDaemonAreOffered() throws {
        let daemon = try Daemon(echoChannel("alpha") + echoChannel("beta"))
        #expect(try offered(["--socket", daemon.socket, "stop", "a"]) == ["alpha"])
        #expect(try offered(["--socket", daemon.socket, "capture", "follow", "be"]) == ["beta"])
        // Without a daemon there are none, and no noise.
        #expect(try offered(["--socket", daemon.socket + "x", "stop", "a"]) == [])
    }

    @Test func everyCommandOfTheHelpIsOffered() throws {
        let help = try Program.run([Program.kcsctl, "--help"]).text
        for command in try offered([""]) where !command.hasPrefix("-") {
            #expect(help.contains(command), "\(command)")
        }
    }
}
