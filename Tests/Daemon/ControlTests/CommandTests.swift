// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import JSON
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct CommandTests {
    private func echo(_ daemon: Daemon, _ bytes: [UInt8], _ channel: String = "echo") throws {
        let host = try SimulatedHost(directory: daemon.folder.path + "/" + channel)
        for byte in bytes {
            let end = Clock.monotonic + UInt64(deadline) * 1_000_000
            #expect(host.send(byte, command: false, deadline: end))
            #expect(host.receive(deadline: end) == byte)
        }
    }

    private func channel(_ daemon: Daemon, _ name: String = "echo") throws -> JSONValue {
        let answer = try daemon.ask(["command": .string("status"), "channel": .string(name)])
        return try #require(answer["result"]?["channels"]?.elements?.first)
    }

    // MARK: status

    @Test func statusSaysWhatEachChannelDoes() throws {
        let daemon = try Daemon(
            echoChannel() + """
                  - name: absent
                    device: {type: raw-kcs, path: "@/nothing"}
                    plugin: echo
                  - name: refused
                    device: {type: sim, path: "@/refused"}
                    plugin: nonesuch
                  - name: idle
                    enabled: false
                    device: {type: sim, path: "@/idle"}
                    plugin: echo

                """)
        try echo(daemon, [1, 2, 3])
        let status = try #require(try daemon.ask(["command": .string("status")])["result"])
        #expect(status["running"]?.uint64 == 1)
        #expect(status["enabled"]?.uint64 == 3)
        let channels = try #require(status["channels"]?.elements)
        #expect(channels.map { $0["name"]?.text } == ["echo", "absent", "refused", "idle"])
        #expect(channels.map { $0["state"]?.text } == ["running", "waiting", "refused", "stopped"])
        #expect(channels[0]["bytes_in"]?.uint64 == 3)
        #expect(channels[0]["bytes_out"]?.uint64 == 3)
        #expect(channels[0]["plugins"]?.elements?.first?["stats"]?["echoed"]?.uint64 == 3)
        #expect(channels[1]["reason"]?.text?.contains("/nothing does not exist") == true)
        #expect(channels[2]["plugins"]?.elements?.first?["failure"]?.text?.contains("libkcs-nonesuch.so") == true)
        #expect(channels[3]["enabled"]?.bool == false)

        let table = try daemon.kcsctl("status")
        #expect(table.status == 0)
        for words in ["1 of 3 channels run", "CHANNEL", "echo     running", "absent   waiting", "does not exist"] {
            #expect(table.text.contains(words), "\(table.text)")
        }
        let detail = try daemon.kcsctl("status", "echo")
        for words in ["3 in, 3 out", "echoed 3", "running since 20", "ring, "] {
            #expect(detail.text.contains(words), "\(detail.text)")
        }
        #expect(try daemon.kcsctl("status", "--names").text == "echo\nabsent\nrefused\nidle\n")
    }

    @Test func aThousandChannelsAreToldInOneLine() throws {
        let count = long ? 1000 : 60
        var channels = ""
        for number in 0..<count {
            channels +=
                "  - {name: c\(number), enabled: false, device: {type: sim, path: \"@/c\(number)\"}, plugin: echo}\n"
        }
        let daemon = try Daemon(channels)
        let client = try daemon.connect()
        for _ in 0..<2 {
            let answer = try client.ask(["command": .string("status")])
            #expect(answer["result"]?["channels"]?.elements?.count == count)
        }
    }

    // MARK: channels

    @Test func aChannelIsStoppedStartedRestartedAndReset() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, [1])
        #expect(try daemon.kcsctl("stop", "echo").text == "echo: stopped\n")
        #expect(try channel(daemon)["state"]?.text == "stopped")
        let reset = try daemon.kcsctl("reset", "echo")
        #expect(reset.status == 1)
        #expect(reset.errors == "kcsctl: channel echo does not run: it is stopped\n")
        #expect(try daemon.kcsctl("start", "echo").text == "echo: running\n")
        try echo(daemon, [2])
        #expect(try daemon.kcsctl("restart", "echo").text == "echo: running\n")
        try echo(daemon, [3])
        #expect(try daemon.kcsctl("reset", "echo").text == "echo: running\n")
        try echo(daemon, [4])
        // Stopping what is stopped, and starting what runs, is what was asked for.
        #expect(try daemon.kcsctl("start", "echo").status == 0)
        #expect(try channel(daemon)["bytes_in"]?.uint64 == 4)
        #expect(daemon.log.contains("notice echo: restart, asked for by user \(getuid())"))
        let absent = try daemon.kcsctl("start", "ehco")
        #expect(absent.status == 1)
        #expect(absent.errors == "kcsctl: there is no channel 'ehco'; the channels are echo; did you mean echo?\n")
    }

    @Test func startDoesNotWaitForTheNextLookAtTheDevice() throws {
        let daemon = try Daemon(
            """
              - name: late
                device: {type: raw-kcs, path: "@/late"}
                plugin: echo

            """)
        #expect(try channel(daemon, "late")["state"]?.text == "waiting")
        let started = try daemon.kcsctl("start", "late")
        #expect(started.status == 0)
        #expect(started.text.contains("late: waiting: device \(daemon.folder.path)/late does not exist"))
    }

    // MARK: reload

    @Test func reloadTellsWhatChanged() throws {
        let daemon = try Daemon(echoChannel("one") + echoChannel("two") + echoChannel("three"))
        daemon.folder.write(
            "kcsmux.yaml",
            Daemon.file(
                daemon.folder, echoChannel("one") + echoChannel("two", "options: {xor: 1}") + echoChannel("four")))
        let answer = try #require(try daemon.ask(["command": .string("reload")])["result"])
        #expect(answer["added"] == .strings(["four"]))
        #expect(answer["removed"] == .strings(["three"]))
        #expect(answer["changed"] == .strings(["two"]))
        #expect(answer["unchanged"]?.uint64 == 1)
        let again = try daemon.kcsctl("reload")
        #expect(again.status == 0)
        #expect(again.text.contains("taken over; 3 channels were not touched"))
        try echo(daemon, [5], "four")
    }

    @Test func aWrongFileChangesNothingAndItsMistakesHavePlaces() throws {
        let daemon = try Daemon(echoChannel())
        daemon.folder.write("kcsmux.yaml", "version: 1\nchanels: []\n")
        let result = try daemon.kcsctl("reload")
        #expect(result.status == 78)
        #expect(result.errors.contains("is invalid, nothing was changed"))
        #expect(result.errors.contains("kcsmux.yaml:2:1: error: "))
        let answer = try daemon.ask(["command": .string("reload")])
        #expect(answer["error"]?["code"]?.text == "configuration")
        let diagnostic = try #require(answer["error"]?["diagnostics"]?.elements?.first { $0["line"]?.uint64 == 2 })
        #expect(diagnostic["column"]?.uint64 == 1)
        #expect(diagnostic["severity"]?.text == "error")
        #expect(try channel(daemon)["state"]?.text == "running")
    }

    @Test func theSocketMovesWithTheFile() throws {
        let daemon = try Daemon(echoChannel())
        let other = daemon.folder.path + "/other/c.sock"
        let client = try daemon.connect()
        daemon.folder.write(
            "kcsmux.yaml", Daemon.file(daemon.folder, echoChannel(), control: "{socket: \(other), mode: 0640}"))
        // The connection that asked may end with the socket that it came by.
        client.send("{\"command\":\"reload\"}\n")
        #expect(try client.rest().first == UInt8(ascii: "{"))
        #expect(try Client(other).ask(["command": .string("ping")])["ok"]?.bool == true)
        #expect(try Syscalls.stat(other).mode & 0o777 == 0o640)
        #expect((try? Syscalls.stat(daemon.socket)) == nil)
        // One that cannot be made leaves the old one.
        daemon.folder.write(
            "kcsmux.yaml", Daemon.file(daemon.folder, echoChannel(), control: "{socket: /proc/none/c.sock}"))
        let answer = try Client(other).ask(["command": .string("reload")])
        #expect(
            answer["result"]?["notes"]?.elements?.first?.text?.contains("the control socket stays as it was") == true)
        #expect(try Client(other).ask(["command": .string("ping")])["ok"]?.bool == true)
    }

    // MARK: the daemon

    @Test func logLevelIsShownAndSet() throws {
        let daemon = try Daemon(echoChannel())
        #expect(try daemon.kcsctl("log-level").text == "notice\n")
        #expect(try daemon.kcsctl("log-level", "trace").text == "trace (was notice)\n")
        try echo(daemon, [0x4F])
        _ = try daemon.ask(["command": .string("ping")])
        #expect(daemon.log.contains("trace echo: IDR 0x4f"))
        let wrong = try daemon.kcsctl("log-level", "loud")
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("log-level loud: not one of error, warning, notice, info, debug, trace"))
    }

    @Test func requestsOnOneConnectionAreAnsweredInTheirOrder() throws {
        let daemon = try Daemon(echoChannel())
        let client = try daemon.connect()
        var requests: [UInt8] = []
        for number in 0..<200 {
            let command = number % 3 == 0 ? "version" : number % 3 == 1 ? "nonsense" : "log-level"
            requests += JSONValue.object([JSONMember("command", .string(command))]).line
        }
        client.send(requests)
        for number in 0..<200 {
            let answer = try client.answer()
            switch number % 3 {
            case 0: #expect(answer["result"]?["process"]?.int64 == Int64(daemon.process))
            case 1: #expect(answer["error"]?["code"]?.text == "unknown-command")
            default: #expect(answer["result"]?["level"]?.text == "notice")
            }
        }
    }

    @Test(.enabled(if: Program.find("python3") != nil, "python3 is not installed"))
    func jsonOutputOfEveryCommandIsReadByPython() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, [1, 2])
        let capture = daemon.folder.path + "/x.pcapng"
        let commands: [[String]] = [
            ["status"], ["status", "echo"], ["status", "none"], ["stop", "echo"], ["start", "echo"],
            ["restart", "echo"],
            ["reset", "echo"], ["reload"], ["log-level"], ["log-level", "loud"], ["capture", "dump", "echo"],
            ["capture", "dump", "--all"], ["capture", "dump", "--all", "-o", capture], ["decode", capture],
            ["capture", "convert", capture, "-o", capture + "2"], ["plugin", "list"], ["plugin", "info", "echo"],
            ["plugin", "info", "debug-trigger"], ["plugin", "info", "nonesuch"], ["decode", "/nonesuch"],
        ]
        for words in commands {
            let result = try Program.run([Program.kcsctl, "--json", "--socket", daemon.socket] + words)
            let check = try Program.run(
                [
                    Program.find("python3")!, "-c",
                    "import json, sys\nn = 0\nfor line in sys.stdin:\n  n += isinstance(json.loads(line), dict)\n"
                        + "assert n > 0",
                ], input: result.output)
            #expect(check.status == 0, "\(words): \(result.text) \(check.errors)")
            #expect(result.text.contains("\"error\":") == (result.status != 0) || words.contains("decode"))
        }
        daemon.folder.write("kcsmux.yaml", "version: 2\n")
        let wrong = try Program.run([Program.kcsctl, "--json", "--socket", daemon.socket, "reload"])
        #expect(wrong.status == 78)
        #expect(wrong.text.contains("\"diagnostics\":[{"))
    }

    // MARK: kcsctl

    @Test func whoDecodesACutOrDamagedCaptureLearnsItFromTheStatus() throws {
        let daemon = try Daemon(echoChannel())
        let capture = try Program.run([
            Program.kcsctl, "--socket", daemon.socket, "capture", "dump", "echo", "-o", "-",
        ]).output
        let whole = try Program.run([Program.kcsctl, "decode", "-"], input: capture)
        #expect(whole.status == 0, "\(whole.errors)")
        let cut = try Program.run([Program.kcsctl, "decode", "-"], input: Array(capture.dropLast(3)))
        #expect(cut.status == 65)
        #expect(cut.text.contains("device opened"), "\(cut.text)")
        let damaged = try Program.run([Program.kcsctl, "--json", "decode", "-"], input: capture.dropLast(1) + [9])
        #expect(damaged.status == 65)
        #expect(damaged.text.contains("damaged at byte"), "\(damaged.text)")
    }

    @Test func withoutADaemonItSaysSo() throws {
        let folder = TemporaryFolder()
        let absent = try Program.run([Program.kcsctl, "--socket", folder.path + "/none", "status"])
        #expect(absent.status == 69)
        #expect(absent.errors == "kcsctl: no daemon: there is no \(folder.path)/none; is kcsmuxd running?\n")
        // A daemon that was killed leaves its socket.
        let daemon = try Daemon(echoChannel())
        daemon.stop(SIGKILL)
        let dead = try daemon.kcsctl("status")
        #expect(dead.status == 69)
        #expect(dead.errors.contains("nobody listens on \(daemon.socket)"))
    }

    @Test(arguments: [
        [], ["frob"], ["start"], ["stop", "a", "b"], ["status", "--errors"], ["--socket"], ["--frob"], ["plugin"],
        ["plugin", "frob"], ["plugin", "info"], ["capture"], ["capture", "dump"], ["capture", "dump", "a", "--all"],
        ["capture", "convert", "x"], ["decode"], ["decode", "/dev/null", "--since", "yesterday"],
        ["plugin", "info", "echo", "--device", "floppy"], ["plugin", "list", "--trust", "me"], ["reload", "now"],
        ["--json=1", "status"], ["log-level", "loud"],
    ])
    func aWrongCommandLineIsUsage(_ words: [String]) throws {
        let result = try Program.run([Program.kcsctl] + words)
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.errors.hasPrefix("kcsctl: "))
        #expect(result.output.isEmpty)
    }

    @Test(arguments: [
        (["statsu"], "did you mean status?"), (["capture", "dmup"], "did you mean dump?"),
        (["--sokcet", "x", "status"], "did you mean --socket?"), (["log-level", "warn"], "did you mean warning?"),
        (["plugin", "info", "debug-triger"], "did you mean debug-trigger?"),
    ])
    func aSlipIsRecognised(_ words: [String], _ suggestion: String) throws {
        let result = try Program.run([Program.kcsctl] + words)
        #expect(result.errors.contains(suggestion), "\(result.errors)")
    }

    @Test func theEnvironmentNamesTheSocket() throws {
        let daemon = try Daemon(echoChannel())
        let result = try Program.run([
            try #require(Program.find("env")), "KCSCTL_SOCKET=\(daemon.socket)", Program.kcsctl, "status", "--names",
        ])
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test func aSlipInAChannelIsRecognised() throws {
        let daemon = try Daemon(echoChannel("console") + echoChannel("debug"))
        let result = try daemon.kcsctl("status", "consle")
        #expect(result.status == 1)
        #expect(result.errors.contains("did you mean console?"), "\(result.errors)")
    }

    @Test(arguments: [
        "status", "start", "stop", "restart", "reset", "reload", "log-level", "plugin", "capture", "decode",
    ])
    func everyCommandHasHelp(_ command: String) throws {
        let help = try Program.run([Program.kcsctl, command, "--help"])
        #expect(help.status == 0)
        #expect(help.text.hasPrefix("Usage: kcsctl \(command)"))
        #expect(try Program.run([Program.kcsctl, "--help"]).text.contains(command))
    }
}
