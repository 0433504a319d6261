// SPDX-License-Identifier: Apache-2.0
//
// What kcsctl prints where a person looks: on a terminal of script(1)'s.
import CLinux
import Capture
import LinuxIO
import Testing

@Suite(.enabled(if: access("/usr/bin/script", X_OK) == 0)) struct TerminalTests {
    private let folder = TemporaryFolder()

    private func onTerminal(_ command: String, environment: [String]) throws -> [String] {
        let words = environment.joined(separator: " ")
        let result = try Program.run(["/usr/bin/script", "-qec", "env \(words) \(command)", "/dev/null"])
        return result.text.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }).map(String.init)
    }

    private func capture() throws -> String {
        let recorder = Recorder(RecorderIdentity(channel: "a-long-channel-name", description: "a test"), events: 1024)
        recorder.wallOffset(1_700_000_000_000_000_000, at: 0)
        let long = [UInt8](repeating: 0xA5, count: 200)
        recorder.idrRead(0x61, str: 0x83, port: .command, at: 1)
        for (direction, bytes) in [
            (Direction.fromHost, [0x18, 0x01] + long), (.toHost, [0x1C, 0x01, 0x00] + long), (.fromHost, [0x28, 0x11]),
            (.toHost, [0x2C, 0x11, 0xC1]),
        ] {
            bytes.withUnsafeBytes { recorder.message(direction, link: .ipmi, $0, at: 1_000_002) }
        }
        recorder.odrAndSTRWritten(odr: 0xFF, str: 0xC1, mask: 0xC4, at: 2_000_000_000_000_000)
        let path = folder.path + "/capture.pcapng"
        let file = try Syscalls.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        _ = CaptureDump.pcapng([recorder.snapshot()]).withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
        return path
    }

    /// Words in their order, without what is only there for the eye.
    private func words(_ text: [String]) -> [Substring] {
        text.joined(separator: " ").split(separator: " ").filter { $0 != "|" && $0 != "#" }
    }

    @Test func aTimelineFits80ColumnsAndLosesNothing() throws {
        let path = try capture()
        let lines = try onTerminal("\(Program.kcsctl) decode \(path)", environment: ["TERM=xterm", "NO_COLOR=1"])
        #expect(lines.count > 10)
        for line in lines { #expect(line.unicodeScalars.count <= 80, "\(line)") }
        #expect(lines.filter { $0.hasPrefix("# 20") } == ["# 2023-11-14, UTC", "# 2023-12-08, UTC"])
        let piped = try Program.run([Program.kcsctl, "decode", path]).text.split(separator: "\n").map(String.init)
        // All but date, nanoseconds and blanks.
        let isTime = { (word: Substring) in word.contains(":") && word.contains(".") || word.hasPrefix("+") }
        let isDate = { (word: Substring) in word.hasPrefix("2023-") || word == "UTC" }
        let (shown, whole) = (words(lines), words(piped))
        #expect(shown.filter { !isTime($0) && !isDate($0) } == whole.filter { !isTime($0) && !isDate($0) })
        #expect(shown.count { isTime($0) } == whole.count { isTime($0) })
    }

    @Test func whatWentWrongHasAColourWhereAPersonLooksAndNowhereElse() throws {
        let path = try capture()
        let escape = "\u{1B}["
        for command in ["decode \(path)", "decode --messages \(path)"] {
            let coloured = try onTerminal(
                "\(Program.kcsctl) \(command)", environment: ["TERM=xterm-256color", "NO_COLOR="])
            let red = coloured.filter { $0.hasPrefix("\(escape)31m") && $0.hasSuffix("\(escape)0m") }
            #expect(!red.isEmpty, "\(coloured.map { $0.debugDescription })")
            #expect(coloured.contains { !$0.contains(escape) }, "what went well has none")
            for environment in [["TERM=xterm", "NO_COLOR=1"], ["TERM=dumb", "NO_COLOR="]] {
                let plain = try onTerminal("\(Program.kcsctl) \(command)", environment: environment)
                #expect(!plain.isEmpty && !plain.contains { $0.contains(escape) }, "\(environment)")
            }
            let piped = try Program.run([Program.kcsctl] + command.split(separator: " ").map(String.init))
            #expect(!piped.text.contains(escape))
        }
    }

    @Test func aStatusFits80Columns() throws {
        let daemon = try Daemon(
            echoChannel("a-channel-with-a-name-of-32-char") + """
                  - name: absent
                    device: {type: raw-kcs, path: "@/a/node/that/lies/deep/and/is/not/there/raw-kcs17"}
                    plugin: echo
                  - name: refused
                    device: {type: sim, path: "@/refused"}
                    plugin: nonesuch

                """)
        let lines = try onTerminal("\(Program.kcsctl) --socket \(daemon.socket) status", environment: ["TERM=xterm"])
        let rows = lines.filter { $0.contains("raw-kcs17") || $0.contains("running") || $0.contains("CHANNEL") }
        #expect(rows.count >= 3, "\(lines)")
        for row in rows where !row.hasPrefix("    ") {
            let text = row.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[31m", with: "").replacing(
                "\u{1B}[33m", with: ""
            )
            .replacing("\u{1B}[0m", with: "")
            #expect(text.unicodeScalars.count <= 80, "\(text)")
        }
    }
}
