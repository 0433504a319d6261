// SPDX-License-Identifier: Apache-2.0
import CLinux
import JSON
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct HostileClientTests {
    /// Numbers that look random and are the same in every run.
    private struct Sequence: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 22 ^ state) &* 0x9E37_79B9_7F4A_7C15
        }
    }

    /// A request that is wrong in one of many ways, none of which may have an effect.
    private func malformed(_ number: Int, _ random: inout Sequence) -> [UInt8] {
        func line(_ text: String) -> [UInt8] { Array(text.utf8) + [0x0A] }
        func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
        switch number % 20 {
        case 0: return noise(Int.random(in: 1...400, using: &random)) + [0x0A]
        case 1: return Array("{\"command\":\"".utf8) + noise(20).map { $0 | 0x80 } + Array("\"}\n".utf8)
        case 2: return [UInt8](repeating: UInt8(ascii: "["), count: 15_000) + [0x0A]
        case 3: return Array(repeating: Array("{\"a\":".utf8), count: 3000).flatMap { $0 } + [0x0A]
        case 4: return line("{\"command\":\"status\",\"channel\":\"\\uD800\"}")
        case 5: return line("{\"command\":\"stop\",\"channel\":\"\\uDC00\\uD800\"}")
        case 6: return line("{command: stop, channel: echo}")
        case 7: return line("{\"command\":\"stop\",\"channel\":\"echo\",}")
        case 8: return line("{\"command\":\"stop\",\"command\":\"ping\",\"channel\":\"echo\"}")
        case 9: return line("{\"command\":\"stop\",\"channel\":\"echo\"} {}")
        case 10: return line("{\"command\":\"stop\",\"channel\":\"echo\",\"force\":true}")
        case 11: return line("{\"command\":\"stop\",\"channel\":[\"echo\"]}")
        case 12: return line("{\"command\":\"stop\"}")
        case 13: return line("{\"command\":{\"stop\":\"echo\"}}")
        case 14: return line("[\"stop\",\"echo\"]")
        case 15: return line("\"stop echo\"")
        case 16: return line("# comment\n{\"command\":\"explode\"}")
        case 17: return line("{\"command\":\"log-level\",\"level\":\"TRACE\"}")
        case 18: return line("{\"command\":\"capture-dump\",\"channel\":\"../../etc\",\"to\":\"file\"}")
        default: return line("{\"command\":\"stop\",\"channel\":01}")
        }
    }

    @Test func malformedRequestsGetAnErrorObjectOrTheEndAndNothingElse() throws {
        let daemon = try Daemon(echoChannel())
        var random = Sequence(state: 7)
        let count = long ? 10_000 : 100
        var memory = 0
        var client = try daemon.connect()
        for number in 0..<count {
            if number == count / 4 { memory = daemon.memory }
            let request = malformed(number, &random)
            let lines = request.count { $0 == 0x0A }
            client.send(request)
            for _ in 0..<lines {
                guard let line = try client.line() else {
                    client = try daemon.connect()
                    break
                }
                let answer = try JSONReader.read(line)
                #expect(answer["ok"]?.bool == false)
                #expect(answer["error"]?["code"]?.text != nil && answer["error"]?["message"]?.text != nil)
            }
        }
        let status = try daemon.ask(["command": .string("status")])
        #expect(status["result"]?["channels"]?.elements?.first?["state"]?.text == "running")
        #expect(status["result"]?["log_level"]?.text == "notice")
        #expect(daemon.memory - memory < 1024, "grew from \(memory) KiB to \(daemon.memory) KiB")
    }

    @Test func endlessLinesAreCutOff() throws {
        let daemon = try Daemon(echoChannel())
        let before = daemon.memory
        for size in [(16 << 10) + 1, 1 << 20, 10 << 20] {
            let client = try daemon.connect()
            client.send([UInt8](repeating: UInt8(ascii: "x"), count: size))
            // The rest was not read, so the connection may also have broken.
            if let line = try client.line() {
                #expect(try JSONReader.read(line)["error"]?["code"]?.text == "too-long")
                #expect(try client.line() == nil)
            }
        }
        #expect(daemon.memory - before < 1024)
        // One of exactly the greatest length is a line.
        let client = try daemon.connect()
        var text = "{\"command\":\"ping\"}"
        text += String(repeating: " ", count: (16 << 10) - text.utf8.count)
        client.send(text + "\n")
        #expect(try client.answer()["ok"]?.bool == true)
    }

    @Test func halfARequestIsNoRequest() throws {
        let daemon = try Daemon(echoChannel())
        for half in ["{\"command\":\"stop\",\"channel\":\"echo\"}", "{\"comm", ""] {
            let client = try daemon.connect()
            client.send(half)
            shutdown(client.socket.raw, Int32(SHUT_WR))
            #expect(try client.line() == nil)
        }
        let status = try daemon.ask(["command": .string("status")])
        #expect(status["result"]?["channels"]?.elements?.first?["state"]?.text == "running")
    }

    @Test func aRequestInPiecesIsServedAndOneThatEndsWithTheInputToo() throws {
        let daemon = try Daemon(echoChannel())
        let client = try daemon.connect()
        for byte in "{\"command\":\"ping\"}\r\n".utf8 { client.send([byte]) }
        #expect(try client.answer()["ok"]?.bool == true)
        client.send("{\"command\":\"ping\"}\n{\"command\":\"version\"}\n")
        shutdown(client.socket.raw, Int32(SHUT_WR))
        #expect(try client.answer()["ok"]?.bool == true)
        #expect(try client.answer()["result"]?["version"]?.text != nil)
        #expect(try client.line() == nil)
    }

    @Test func manyStalledClientsAreNotNoticedByTheChannels() throws {
        let daemon = try Daemon(echoChannel())
        let host = try SimulatedHost(directory: daemon.folder.path + "/echo")
        let before = daemon.descriptors
        var clients: [Client] = []
        for number in 0..<500 {
            let client = try daemon.connect()
            // Silent ones, half requests, and requests whose answers nobody reads.
            switch number % 3 {
            case 0: break
            case 1: client.send("{\"command\":\"sta")
            default: client.send(Array(repeating: Array("{\"command\":\"status\"}\n".utf8), count: 50).flatMap { $0 })
            }
            clients.append(client)
            let end = Clock.monotonic + UInt64(deadline) * 1_000_000
            #expect(host.send(UInt8(truncatingIfNeeded: number), command: false, deadline: end))
            #expect(host.receive(deadline: end) == UInt8(truncatingIfNeeded: number))
        }
        // The operator still gets in, and what the others cost is bounded.
        #expect(try daemon.kcsctl("status").status == 0)
        #expect(daemon.descriptors <= before + 64 + 2)
        let status = try daemon.ask(["command": .string("status"), "channel": .string("echo")])
        #expect(status["result"]?["channels"]?.elements?.first?["bytes_out"]?.uint64 == 500)
        withExtendedLifetime(clients) {}
    }

    @Test func aClientThatDoesNotReadIsNotReadFrom() throws {
        let daemon = try Daemon(echoChannel())
        let client = try daemon.connect()
        let flags = cl_fcntl(client.socket.raw, F_GETFL, 0)
        _ = cl_fcntl(client.socket.raw, F_SETFL, flags | O_NONBLOCK)
        let before = daemon.memory
        let requests = Array(repeating: Array("{\"command\":\"status\"}\n".utf8), count: 100_000).flatMap { $0 }
        var sent = 0
        // Until the daemon has stopped taking any: what it holds is in its buffers and the socket's.
        while sent < requests.count {
            let count = requests[sent...].withUnsafeBytes {
                CLinux.send(client.socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
                continue
            }
            // Ten turns with others in which it took nothing more.
            for _ in 0..<10 { #expect(try daemon.ask(["command": .string("ping")])["ok"]?.bool == true) }
            var room = pollfd(fd: client.socket.raw, events: Int16(POLLOUT), revents: 0)
            if poll(&room, 1, 0) == 0 { break }
        }
        #expect(sent < requests.count)
        #expect(daemon.memory - before < 2048)
    }
}
