// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import JSON
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct CaptureCommandTests {
    private func echo(_ daemon: Daemon, _ count: Int) throws {
        let host = try SimulatedHost(directory: daemon.folder.path + "/echo")
        for number in 0..<count {
            let end = Clock.monotonic + UInt64(deadline) * 1_000_000
            let value = UInt8(truncatingIfNeeded: number)
            try #require(host.send(value, command: false, deadline: end))
            try #require(host.receive(deadline: end) == value)
        }
    }

    /// What a capture holds: accesses by direction, losses that it tells of, and whether it is whole.
    private struct Contents {
        var fromHost = 0
        var toHost = 0
        var lost: UInt64 = 0
        var hasStatistics = false
        var isWhole = false

        init(_ bytes: [UInt8]) throws {
            var reader = try #require(PcapngReader(bytes))
            while let item = reader.next() {
                switch item {
                case .packet(let packet):
                    if reader.interfaces[packet.interface].link == .registers {
                        if packet.direction == .fromHost { fromHost += 1 } else { toHost += 1 }
                    }
                case .statistics(_, _, let lost, _):
                    hasStatistics = true
                    self.lost += lost ?? 0
                default: break
                }
            }
            isWhole = reader.isWhole
        }
    }

    private func fields(_ daemon: Daemon) throws -> JSONValue {
        let answer = try daemon.ask(["command": .string("status"), "channel": .string("echo")])
        return try #require(answer["result"]?["channels"]?.elements?.first?["capture"])
    }

    // MARK: dump

    @Test func aDumpHoldsWhatCrossedTheChannel() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, 100)
        let result = try daemon.kcsctl("capture", "dump", "echo")
        #expect(result.status == 0)
        let path = String(result.text.dropLast())
        #expect(path.hasPrefix(daemon.folder.path + "/capture/echo-20") && path.hasSuffix("Z.pcapng"))
        #expect(try Syscalls.stat(path).mode & 0o777 == 0o600)
        let contents = try Contents(try Syscalls.readFile(path, limit: 1 << 24))
        #expect(contents.isWhole && contents.fromHost == 100 && contents.toHost == 100)
    }

    @Test func dumpsKeepToTheBudgetOfTheirFolder() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, 10)
        let other = daemon.folder.path + "/capture/mine.pcapng"
        for round in 0..<40 {
            let answer = try daemon.ask(["command": .string("capture-dump"), "channel": .string("echo")])
            #expect(answer["ok"]?.bool == true)
            if round == 0 { _ = try Syscalls.open(other, O_WRONLY | O_CREAT, mode: 0o600) }
        }
        let names = try Syscalls.list(daemon.folder.path + "/capture").filter { $0.hasSuffix(".pcapng") }
        #expect(names.count == 33 && names.contains("mine.pcapng"))
        let status = try daemon.ask(["command": .string("status")])
        #expect(status["result"]?["dumps"]?["files"]?.uint64 == 32)
        #expect(status["result"]?["dumps"]?["removed"]?.uint64 == 8)
        let shown = try daemon.kcsctl("status")
        #expect(shown.text.hasSuffix("\n\n32 dumps are kept; 8 older ones were removed.\n"), "\(shown.text)")
    }

    @Test func aDumpIsStreamedToAFileOrToStandardOutput() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, 50)
        let file = daemon.folder.path + "/own.pcapng"
        let named = try daemon.kcsctl("capture", "dump", "--all", "-o", file)
        #expect(named.status == 0 && named.text == "\(file)\n")
        #expect(try Contents(try Syscalls.readFile(file, limit: 1 << 24)).fromHost == 50)
        #expect(try Syscalls.stat(file).mode & 0o777 == 0o600)
        let piped = try daemon.kcsctl("capture", "dump", "echo", "-o", "-")
        let contents = try Contents(piped.output)
        #expect(contents.isWhole && contents.hasStatistics && contents.fromHost == 50)
        #expect((try? Syscalls.list(daemon.folder.path + "/capture"))?.contains { $0.hasSuffix(".pcapng") } != true)
        let nowhere = try daemon.kcsctl("capture", "dump", "echo", "-o", "/proc/none/x")
        #expect(nowhere.status == 73)
    }

    @Test func aLongDumpIsSentWholeAndTheConnectionGoesOn() throws {
        let daemon = try Daemon(echoChannel("echo", "capture: {events: 65536}"))
        try echo(daemon, long ? 30_000 : 3000)
        let client = try daemon.connect()
        for _ in 0..<2 {
            client.send(
                "{\"command\":\"capture-dump\",\"channel\":\"echo\",\"to\":\"stream\"}\n{\"command\":\"ping\"}\n")
            let count = try #require(try client.answer()["result"]?["bytes"]?.uint64)
            #expect(count > 100_000)
            let contents = try Contents(try client.bytes(Int(count)))
            #expect(contents.isWhole && contents.fromHost == (long ? 30_000 : 3000))
            #expect(try client.answer()["ok"]?.bool == true)
        }
    }

    @Test func whatIsNotRecordedCannotBeDumped() throws {
        let daemon = try Daemon(echoChannel("echo", "capture: {mode: none}"))
        for words in [["capture", "dump", "echo"], ["capture", "dump", "--all"]] {
            let result = try Program.run([Program.kcsctl, "--socket", daemon.socket] + words)
            #expect(result.status == 1)
            #expect(result.errors == "kcsctl: nothing is recorded: the capture mode is none\n")
        }
        let answer = try daemon.ask(["command": .string("capture-follow"), "channel": .string("echo")])
        #expect(answer["error"]?["code"]?.text == "nothing-recorded")
    }

    // MARK: follow

    private func follow(_ daemon: Daemon, from: String = "now") throws -> Client {
        let client = try daemon.connect()
        let answer = try client.ask([
            "command": .string("capture-follow"), "channel": .string("echo"), "from": .string(from),
        ])
        #expect(answer["result"]?["format"]?.text == "pcapng")
        return client
    }

    @Test func aFollowerSeesEveryAccessAndTheEnd() throws {
        let daemon = try Daemon(echoChannel())
        let client = try follow(daemon)
        try echo(daemon, 500)
        // The channel's end is the capture's.
        daemon.folder.write("kcsmux.yaml", Daemon.file(daemon.folder, echoChannel("other")))
        _ = try daemon.ask(["command": .string("reload")])
        let contents = try Contents(try client.rest())
        #expect(contents.isWhole && contents.hasStatistics)
        #expect(contents.fromHost == 500 && contents.toHost == 500 && contents.lost == 0)
    }

    @Test func aFollowerFromTheOldestSeesWhatWasThere() throws {
        let daemon = try Daemon(echoChannel())
        try echo(daemon, 20)
        let client = try follow(daemon, from: "oldest")
        var bytes: [UInt8] = []
        while try bytes.isEmpty || Contents(bytes).fromHost < 20 {
            bytes += try #require(try client.next())
        }
        #expect(try Contents(bytes).toHost == 20)
    }

    @Test func aFollowerThatDoesNotReadCostsABoundedBufferAndItsLossIsCounted() throws {
        let daemon = try Daemon(echoChannel("echo", "capture: {events: 1024}"))
        try echo(daemon, 100)
        let before = daemon.memory
        let client = try follow(daemon)
        let count = long ? 100_000 : 12_000
        try echo(daemon, count)
        #expect(daemon.memory - before < 1024, "grew from \(before) KiB to \(daemon.memory) KiB")
        #expect(try daemon.kcsctl("status").status == 0)
        daemon.folder.write("kcsmux.yaml", Daemon.file(daemon.folder, echoChannel("other")))
        _ = try daemon.ask(["command": .string("reload")])
        let contents = try Contents(try client.rest())
        #expect(contents.isWhole && contents.hasStatistics && contents.lost > 0)
        // The stop's own two records are events, not accesses.
        let told = UInt64(contents.fromHost + contents.toHost) + contents.lost
        #expect(told >= UInt64(2 * count) && told <= UInt64(2 * count + 2))
    }

    @Test func followWritesToAPipe() throws {
        let daemon = try Daemon(echoChannel())
        var pipes: [Int32] = [0, 0]
        #expect(pipe2(&pipes, Int32(O_CLOEXEC)) == 0)
        let program = try Program.start(
            [Program.kcsctl, "--socket", daemon.socket, "capture", "follow", "echo", "--from-oldest"],
            descriptors: [(1, pipes[1])])
        close(pipes[1])
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.isEmpty || (try? Contents(bytes))?.isWhole != true {
            try #require(wait(pipes[0]))
            let count = read(pipes[0], &chunk, chunk.count)
            try #require(count > 0)
            bytes += chunk[..<count]
        }
        // Whoever watched goes away: kcsctl ends, though there is nothing to write.
        close(pipes[0])
        #expect(program.wait() == 74)
    }

    // MARK: mode file

    private func files(_ daemon: Daemon) -> [String] {
        ((try? Syscalls.list(daemon.folder.path + "/capture")) ?? []).filter { $0.hasPrefix("echo-0") }.sorted()
    }

    @Test func modeFileWritesEveryAccessWithinItsBounds() throws {
        let daemon = try Daemon(echoChannel("echo", "capture: {mode: file, max_size: 64KiB, max_files: 3}"))
        try echo(daemon, 3000)
        #expect(daemon.stop() == 0)
        let names = files(daemon)
        #expect(names.count == 3)
        var last: Contents?
        for name in names {
            let bytes = daemon.folder.bytes("capture/" + name)
            #expect(bytes.count <= 64 << 10)
            let contents = try Contents(bytes)
            #expect(contents.isWhole)
            last = contents
        }
        #expect(last?.hasStatistics == true && last?.lost == 0)
    }

    @Test func modeFileLosesNothingThatFits() throws {
        let daemon = try Daemon(echoChannel("echo", "capture: {mode: file, events: 4096}"))
        try echo(daemon, 20_000 / (long ? 1 : 4))
        #expect(daemon.stop() == 0)
        var total = 0
        for name in files(daemon) { total += try Contents(daemon.folder.bytes("capture/" + name)).fromHost }
        #expect(total == 20_000 / (long ? 1 : 4))
    }

    @Test func aFolderThatCannotBeMadeIsSaidOnceAndTheChannelGoesOn() throws {
        let folder = TemporaryFolder()
        folder.write("capture", "a file where the folder should be")
        let daemon = try Daemon(echoChannel("echo", "capture: {mode: file}"), folder: folder)
        try echo(daemon, 200)
        let end = Clock.monotonic + UInt64(deadline) * 1_000_000
        while try fields(daemon)["trouble"]?.text == nil && Clock.monotonic < end { try echo(daemon, 1) }
        #expect(try fields(daemon)["trouble"]?.text?.contains(folder.path + "/capture") == true)
        #expect(daemon.log.split(separator: "\n").count { $0.contains("capture files are not written") } == 1)
        let table = try daemon.kcsctl("status")
        #expect(table.text.contains("capture: "))
        try echo(daemon, 10)
    }
}
