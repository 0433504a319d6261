// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import MCTP
import Simulator
import TestKit
import Testing

extension MCTPEndToEnd {
    @Suite struct ClientTests {
        @Test func aClientThatDoesNotReadIsSentAwayAndOthersDoNotNotice() throws {
            let bench = try Bench("astlpc")
            let echo = try bench.echo(.vendorIANA)
            let lazy = try bench.program(.vendorPCI)
            let client = try bench.client()
            _ = try client.types(including: .vendorIANA)
            _ = try client.types(including: .vendorPCI)
            // Its socket and its queue at kcsmuxd take some; then it has to go.
            for number in 0..<400 {
                _ = try client.carrier.send(message(32768, UInt64(number), type: .vendorPCI), to: EID(8))
                let body = message(64, UInt64(number))
                #expect(try client.exchange(body, with: EID(8)).body == body)
                if bench.daemon.log.contains("it does not read") { break }
            }
            #expect(bench.daemon.line("closed client", "it does not read") != nil)
            #expect(lazy.waitUntilClosed(deadline: Bench.deadline))
            #expect(try client.types() == [.vendorIANA])
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func garbageClosesItsOwnConnectionOnly() throws {
            let bench = try Bench("astlpc", "socket: {name: \"\", path: SOCKET, types: [1, 0x7F]}")
            let echo = try bench.echo(.vendorIANA)
            let client = try bench.client()
            for bytes: [UInt8] in [[0], [1, 2], [5], [UInt8](repeating: 0xFF, count: 100_000)] {
                let garbage = try bench.program(nil)
                try garbage.send(bytes: bytes)
                #expect(garbage.waitUntilClosed(deadline: Bench.deadline), "\(bytes.prefix(4))")
            }
            // Behind a sound first packet, what cannot be sent is only dropped.
            let garbage = try bench.program(.pldm)
            var random = SplitMix(seed: 3)
            for size in [1, 1, 2, 3, 50, 7000] {
                var bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                if size > 1 { bytes[1] = 5 }
                try garbage.send(bytes: bytes)
            }
            #expect(try client.types(including: .pldm).contains(.pldm))
            let body = message(9000, 4)
            _ = try client.types(including: .vendorIANA)
            #expect(try client.exchange(body, with: EID(8)).body == body)
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func connectionsComeAndGoWithoutATrace() throws {
            let bench = try Bench("astlpc")
            let echo = try bench.echo(.vendorIANA)
            let client = try bench.client()
            _ = try client.types(including: .vendorIANA)
            let before = try Syscalls.list("/proc/\(bench.daemon.identifier)/fd").count
            for number in 0..<max(200, repetitions(1000)) {
                let visitor = try bench.program(number % 2 == 0 ? .pldm : nil)
                if number % 3 == 0 { try? visitor.send(MuxClient.Frame(EID(9), [1, 0x80, 0, 2])) }
                if number % 20 == 0 {
                    let body = message(500, UInt64(number))
                    #expect(try client.exchange(body, with: EID(8)).body == body)
                }
            }
            // The last ones may not have been accepted yet, or are noticed only as they are looked at.
            let deadline = Bench.deadline
            var isSettled = false
            while !isSettled && Clock.monotonic < deadline {
                let types = try client.types()
                isSettled =
                    try types == [.vendorIANA]
                    && Syscalls.list("/proc/\(bench.daemon.identifier)/fd").count == before
            }
            #expect(isSettled)
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func whereTheSystemHasNoDescriptorsTheyWaitAndKcsmuxdDoesNotSpin() throws {
            let bench = try Bench("astlpc")
            let client = try bench.client()
            let prlimit = try #require(Tools.find("prlimit"))
            // The lowest number that is free: a limit there leaves none.
            let open = Set(try Syscalls.list("/proc/\(bench.daemon.identifier)/fd").compactMap { Int($0) })
            let free = try #require((0..<1024).first { !open.contains($0) })
            func limit(_ count: Int) throws {
                let run = try Program(prlimit, ["--pid", "\(bench.daemon.identifier)", "--nofile=\(count):"])
                #expect(run.wait() == .exited(0), "\(run.log)")
            }
            try limit(free)
            let program = try bench.program(.pldm)
            #expect(bench.daemon.line("takes no new clients for a second: Too many open files") != nil)
            #expect(try client.endpointID() == EID(8))
            try limit(1024)
            #expect(try client.types(including: .pldm) == [.pldm])
            withExtendedLifetime(program) {}
            bench.stop()
        }

        @Test func aSocketOfTheServiceManagerIsUsed() throws {
            let folder = TestFolder()
            let path = "\(folder.path)/passed"
            let socket = FileDescriptor(
                owning: CLinux.socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0))
            try UnixSocket.bind(socket.raw, path, abstract: false).get()
            #expect(listen(socket.raw, 16) == 0)
            let bench = try Bench(
                "astlpc", "socket: {name: local}",
                environment: ["LISTEN_FDS": "1", "LISTEN_FDNAMES": "mctp.local"], passed: [socket.raw])
            let echo = try EchoProgram(name: path, abstract: false, type: .vendorIANA)
            let client = try bench.client()
            _ = try client.types(including: .vendorIANA)
            let body = message(3000, 5)
            #expect(try client.exchange(body, with: EID(8)).body == body)
            // There is no socket of that name of kcsmuxd's own.
            do {
                _ = try MuxClient(name: "local", type: nil)
                Issue.record("kcsmuxd listens to @local as well")
            } catch { #expect(error.description.contains("@local")) }
            withExtendedLifetime(echo) {}
            bench.stop()
        }

        @Test func loopbackSendsBackWithoutAHost() throws {
            let bench = try Bench("loopback")
            let program = try bench.program(.vendorIANA)
            for size in [1, 2, 64, 65, 4096, 65536] {
                let body = message(size, UInt64(size))
                try program.send(MuxClient.Frame(EID(9), body))
                #expect(program.receive(deadline: Bench.deadline) == MuxClient.Frame(EID(9), body))
            }
            bench.stop()
        }
    }
}
