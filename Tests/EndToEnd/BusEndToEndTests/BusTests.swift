// SPDX-License-Identifier: Apache-2.0
import CLinux
import DBus
import KCS
import LinuxIO
import SimulatedDevice
import Simulator
import TestKit
import Testing

/// One after the other: they kill, and keep to times.
@Suite(.serialized, .enabled(if: BusBench.isThere, "dbus-daemon, busctl or python3-dbus-next is missing"))
enum BusEndToEnd {}

extension BusEndToEnd {
    @Suite struct ForwardTests {
        private let bench = BusBench()

        @Test func requestsReachIPMIDAsTheChannelsAndItsAnswersTheHost() throws {
            let daemon = try bench.startAll()
            #expect(
                try bench.ask("6", "1").output.hasPrefix("completion code 0x00 (done)\n0x20 0x01 0x01 0x00 0x02 0x8d"))
            var host = try bench.host()
            // ipmid knows a channel by the names of the caller's connection.
            #expect(host.send([0x30 << 2, 9]) == .success([0x31 << 2, 9, 0] + Array("ipmi_kcs3".utf8)))
            let data = [UInt8]((0..<200).map { UInt8(truncatingIfNeeded: $0) })
            #expect(host.send([0x30 << 2 | 2, 1] + data) == .success([0x31 << 2 | 2, 1, 0] + data))
            #expect(host.send([0x30 << 2, 1]) == .success([0x31 << 2, 1, 0]), "no data, no answer's data")
            #expect(host.send([0x30 << 2, 10]) == .success([0x31 << 2, 10, 0] + [UInt8](repeating: 0, count: 997)))
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
        }

        /// What a host CPU gets of each fault, as `kcssim ipmi` has it, in less than its 5 s.
        @Test func everyFaultIsAnsweredRightAndInTime() throws {
            let daemon = try bench.startAll()
            let seconds: UInt64 = 1_000_000_000
            for (command, code) in [
                ("2", "0xc3"), ("4", "0xff"), ("5", "0xff"), ("7", "0xff"), ("8", "0xff"), ("11", "0xc1"),
                ("6", "0xd3"), ("1", "0xd3"),
            ] {
                let (output, time) = try bench.ask("0x30", command)
                #expect(output.hasPrefix("completion code \(code)"), "command \(command): \(output)\(daemon.log)")
                #expect(time < 5 * seconds, "command \(command) took \(time) ns")
            }
            // The service is gone, and returns.
            #expect(daemon.line("Ipmi.Host is away") != nil)
            try bench.startService()
            #expect(daemon.line("Ipmi.Host is there") != nil)
            #expect(try bench.ask("0x30", "1", "7").output.hasPrefix("completion code 0x00 (done)\n0x07"))
        }

        @Test func theHeadOfARefusalIsTheRequestsOwn() throws {
            try bench.startAll("deadline: 100ms")
            var host = try bench.host()
            for (command, code) in [(2, 0xC3), (4, 0xFF), (5, 0xFF), (6, 0xD3), (1, 0xD3)] as [(UInt8, UInt8)] {
                #expect(host.send([0x30 << 2 | 1, command]) == .success([0x31 << 2 | 1, command, code]))
            }
        }

        @Test func aLateAnswerIsDroppedAndCountedAndNotTheNextRequests() throws {
            try bench.startAll("deadline: 100ms")
            var host = try bench.host()
            let service = try #require(bench.service)
            #expect(host.send([0x30 << 2, 3, 5]) == .success([0x31 << 2, 3, 0xC3]))
            #expect(host.send([0x30 << 2, 1, 42]) == .success([0x31 << 2, 1, 0, 42]))
            #expect(service.line("late") != nil)
            #expect(try bench.waits("late_dropped", for: "1"))
            #expect(host.send([0x30 << 2, 1, 43]) == .success([0x31 << 2, 1, 0, 43]))
        }

        @Test func aBusThatStandsStillCostsNoMoreThanTheDeadline() throws {
            try bench.startAll("deadline: 300ms")
            var host = try bench.host()
            bench.bus?.signal(SIGSTOP)
            for _ in 0..<3 {
                let begun = Clock.monotonic
                #expect(host.send([0x30 << 2, 1, 1]) == .success([0x31 << 2, 1, 0xC3]))
                #expect(Clock.monotonic - begun < 5_000_000_000)
            }
            bench.bus?.signal(SIGCONT)
            #expect(try bench.waits("late_dropped", for: "3"))
            #expect(host.send([0x30 << 2, 1, 2]) == .success([0x31 << 2, 1, 0, 2]))
        }

        @Test func theDaemonStartsWithoutABusAndServesWhenThereIsOne() throws {
            let daemon = try bench.start()
            #expect(daemon.line("the bus is tried again until it is there") != nil)
            var host = try bench.host()
            #expect(host.send([0x06 << 2, 1]) == .success([0x07 << 2, 1, 0xD3]))
            try bench.startBus()
            #expect(daemon.line("on the bus as", "is away") != nil)
            #expect(host.send([0x06 << 2, 1]) == .success([0x07 << 2, 1, 0xD3]))
            try bench.startService()
            #expect(daemon.line("Ipmi.Host is there") != nil)
            #expect(host.send([0x30 << 2, 1, 5]) == .success([0x31 << 2, 1, 0, 5]))
        }

        /// Each answer is the request's own, or says that there is nobody; and another channel has all of its own.
        @Test func busAndServiceMayBeKilledUnderLoad() throws {
            let other = "\(bench.path)/other"
            _ = try DeviceDirectory.create(other, DeviceSettings())
            let daemon = try bench.startAll(
                more: """
                      - name: other
                        device: {type: sim, path: \(other)}
                        plugin: echo
                    """)
            let neighbour = try SimulatedHost(directory: other)
            var host = try bench.host()
            var number: UInt8 = 0
            var counts: [UInt8: Int] = [:]
            let far = Clock.monotonic + 3_600_000_000_000
            func ask() -> Bool {
                number &+= 1
                let sent = neighbour.send(number, deadline: far)
                let result = host.send([0x30 << 2, 1, number])
                #expect(sent && neighbour.receive(deadline: far) == number)
                guard case .success(let bytes) = result, bytes.count >= 3 else {
                    Issue.record("the host got \(result)")
                    return false
                }
                counts[bytes[2], default: 0] += 1
                #expect(bytes == [0x31 << 2, 1, 0, number] || bytes == [0x31 << 2, 1, 0xD3], "\(bytes)")
                return bytes[2] == 0
            }
            let rounds = repetitions(200)
            for round in 0..<rounds {
                for _ in 0..<20 { _ = ask() }
                bench.killBus()
                bench.killService()
                for _ in 0..<5 { #expect(!ask()) }
                try bench.startBus()
                _ = ask()
                try bench.startService()
                let end = Clock.monotonic + UInt64(Program.patience) * 1_000_000
                while !ask() {
                    guard Clock.monotonic < end else {
                        Issue.record("round \(round): not served any more: \(daemon.log)")
                        return
                    }
                }
            }
            print("\(rounds) kills of the bus: \(counts[0] ?? 0) answered, \(counts[0xD3] ?? 0) refused with D3")
            #expect(counts.keys.allSatisfy { $0 == 0 || $0 == 0xD3 })
            #expect(try bench.figure("connections") == "\(rounds + 1)")
        }

        @Test func requestsLeaveNothingBehind() throws {
            let daemon = try bench.startAll()
            var host = try bench.host()
            func resident() throws -> Int {
                let text = try Syscalls.readFile("/proc/\(daemon.identifier)/statm", limit: 4096)
                return Int(String(decoding: text, as: UTF8.self).split(separator: " ")[1]) ?? 0
            }
            let data = [UInt8](repeating: 0xA5, count: 8)
            func run(_ count: Int) {
                for _ in 0..<count { #expect(host.send([0x30 << 2, 1] + data) == .success([0x31 << 2, 1, 0] + data)) }
            }
            run(50)
            let before = try resident()
            let begun = Clock.monotonic
            let count = CurrentProcess.environment("KCSMUX_LONG") == "1" ? 100_000 : 200
            run(count)
            print("\(count) requests, \((Clock.monotonic - begun) / UInt64(count) / 1000) µs each")
            // 256 KiB, which one byte a request would be at full length.
            #expect(try resident() - before < 64, "pages")
        }

        @Test func aLibraryThatIsNotThereIsNamed() {
            do throws(BusError) {
                _ = try SystemdLibrary.load("libsystemd-that-is-not-there.so.0")
                Issue.record("it was loaded")
            } catch { #expect(error.text.contains("libsystemd-that-is-not-there.so.0, which cannot be loaded")) }
            do throws(BusError) {
                _ = try SystemdLibrary.load("libc.so.6")
                Issue.record("it was taken")
            } catch { #expect(error.text == "D-Bus needs a newer libc.so.6: this one has no sd_bus_new") }
        }
    }
}
