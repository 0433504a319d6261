// SPDX-License-Identifier: Apache-2.0
//
// Handlers of messages behind the daemon's transfer machine, with hosts of each temperament in front of it.
import CLinux
import DriverModel
import KCS
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

private enum Command {
    static let echo: UInt8 = 1
    static let decline: UInt8 = 2
    static let late: UInt8 = 3
    static let silent: UInt8 = 4
    static let never: UInt8 = 5
    static let twice: UInt8 = 6
    static let attention: UInt8 = 7
    static let failAndDecline: UInt8 = 8
    static let forge: UInt8 = 9
    static let short: UInt8 = 10
    static let pass: UInt8 = 11
    static let passLate: UInt8 = 12
    static let abort: UInt8 = 13
}

extension SimulatedHost {
    /// One request as a host of that temperament makes it. `limit` bounds the whole, in nanoseconds.
    func request(
        _ temperament: HostTemperament, _ bytes: [UInt8], timeout: UInt64 = 20_000_000_000, retries: Int = 10
    ) -> HostResult {
        var configuration = HostConfiguration(temperament)
        configuration.timeout = timeout
        if temperament != .freeipmi { configuration.retries = retries }
        var machine = HostMachine(configuration, request: bytes)
        let end = Clock.monotonic + 20_000_000_000
        while Clock.monotonic < end {
            switch machine.next(now: Clock.monotonic) {
            case .readStatus: machine.statusRead(StatusRegister(rawValue: readStatus()), now: Clock.monotonic)
            case .readData: machine.dataRead(readData())
            case .writeData(let value): write(value)
            case .writeCommand(let value): write(value, command: true)
            case .wait(let until):
                // The host's own pause between two looks.
                let now = Clock.monotonic
                if until > now { usleep(UInt32(clamping: min(until - now, 1_000_000) / 1000)) }
            case .finished(let result): return result
            }
        }
        return .failure(.noOutput)
    }
}

extension EndToEnd {
    @Suite struct MessageTests {
        private let bench = Bench()

        enum Setting: String, CaseIterable, Sendable {
            // `fast` in front of a driver that takes IDR early is a race by design; behind `deferred` it is what is used.
            case strict, deferred

            var driver: Driver { self == .deferred ? .deferred : .v2 }
        }

        /// kcsmuxd with two messengers, for NetFn 30 and 32, on one channel.
        private func start(
            _ setting: Setting, _ timeout: String = "500ms", behind: String = "0x32"
        ) throws -> (Program, SimulatedHost) {
            _ = try DeviceDirectory.create("\(bench.path)/a", DeviceSettings(driver: setting.driver))
            let plugin = try bench.build("messenger")
            let handshake = setting == .deferred ? "" : "handshake: \(setting.rawValue), "
            let driver = setting == .deferred ? ", driver: deferred" : ""
            try bench.configure(
                """
                  - name: a
                    device: {type: sim, path: \(bench.path)/a\(driver)}
                    plugins:
                      - {plugin: \(plugin), options: {net_fn: 0x30, tag: 0xAA}}
                      - {plugin: \(plugin), options: {net_fn: \(behind), tag: 0xBB}}
                    transfer: {\(handshake)timeout: \(timeout)}
                    restart: {backoff: 20ms}
                """)
            let daemon = try bench.start()
            return (daemon, try bench.host("a"))
        }

        /// Inside `message`, and later; the code is for the host if nobody behind takes the request.
        @Test func whatAHandlerGivesBackIsTheNextOnes() throws {
            var (daemon, host) = try start(.strict, behind: "0x30")
            for command in [Command.pass, Command.passLate, Command.pass] {
                let result = host.request(.linux, [0x30 << 2, command, 5])
                #expect(result == .success([0x31 << 2, command, 0, 0xBB, 5]), "\(daemon.log)")
            }
            #expect(daemon.line("late pass: 0") != nil && daemon.line("second pass: -1") != nil)
            #expect(daemon.line("reply after pass: -1") != nil)
            #expect(
                host.request(.linux, [0x30 << 2, Command.echo, 5]) == .success([0x31 << 2, Command.echo, 0, 0xAA, 5]))
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0))
            (daemon, host) = try start(.strict)
            for command in [Command.pass, Command.passLate] {
                #expect(host.request(.linux, [0x30 << 2, command, 5]) == .success([0x31 << 2, command, 0xD3]))
            }
        }

        @Test func aHandlerMayEndTheTransferUnderWay() throws {
            let (daemon, host) = try start(.strict, "20s")
            // A host without retries sees the end; the next request is served.
            guard case .failure = host.request(.freeipmi, [0x30 << 2, Command.abort, 20]) else {
                Issue.record("there was an answer: \(daemon.log)")
                return
            }
            #expect(daemon.line("abort: 0") != nil)
            #expect(
                host.request(.linux, [0x30 << 2, Command.echo, 5]) == .success([0x31 << 2, Command.echo, 0, 0xAA, 5]))
        }

        private func stop(_ daemon: Program, _ host: SimulatedHost) {
            daemon.signal(SIGTERM)
            #expect(daemon.wait() == .exited(0), "\(daemon.log)")
            #expect(host.readStatus() & 0xC0 == 0xC0, "STATE is ERROR")
            #expect(host.readStatus() & 0x01 == 0, "OBF is clear")
        }

        @Test(arguments: Setting.allCases, [HostTemperament.linux, .edk2])
        func requestsOfEveryLengthAreAnswered(setting: Setting, temperament: HostTemperament) throws {
            let (daemon, host) = try start(setting, "4s")
            for length in [0, 1, 2, 3, 17, 40] {
                let data = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
                let result = host.request(temperament, [0x30 << 2, Command.echo] + data)
                #expect(
                    result == .success([0x31 << 2, Command.echo, 0, 0xAA] + data), "\(length) bytes: \(daemon.log)")
            }
            stop(daemon, host)
        }

        @Test func strictestHostIsServedOnceTheChannelIsArmed() throws {
            let (daemon, host) = try start(.deferred, "4s")
            for _ in 0..<20 {
                #expect(
                    host.request(.freeipmi, [0x30 << 2, Command.echo, 5])
                        == .success([0x31 << 2, Command.echo, 0, 0xAA, 5]))
            }
            stop(daemon, host)
        }

        @Test(arguments: Setting.allCases)
        func declinedMessagesGoToTheNextHandlerAndThenToC1(setting: Setting) throws {
            let (daemon, host) = try start(setting, "4s")
            #expect(
                host.request(.linux, [0x32 << 2, Command.echo, 9]) == .success([0x33 << 2, Command.echo, 0, 0xBB, 9]))
            #expect(
                host.request(.linux, [0x32 << 2, Command.decline]) == .success([0x33 << 2, Command.decline, 0xC1]))
            #expect(host.request(.linux, [0x06 << 2, 1]) == .success([0x07 << 2, 1, 0xC1]))
            stop(daemon, host)
        }

        @Test(arguments: Setting.allCases)
        func replyMayComeLater(setting: Setting) throws {
            let (daemon, host) = try start(setting, "4s")
            #expect(
                host.request(.linux, [0x30 << 2, Command.late, 20]) == .success([0x31 << 2, Command.late, 0, 0xAA, 20]))
            #expect(daemon.line("late reply: 0") != nil)
            stop(daemon, host)
        }

        @Test(arguments: Setting.allCases)
        func requestWithoutAnswerGetsC3InTime(setting: Setting) throws {
            let (daemon, host) = try start(setting)
            #expect(host.request(.linux, [0x30 << 2, Command.never]) == .success([0x31 << 2, Command.never, 0xC3]))
            #expect(daemon.line("warning a: plugin messenger", "NetFn 0x30 command 0x05", "C3") != nil, "\(daemon.log)")
            // The next one is served, and a reply that comes after its time is stale.
            #expect(host.request(.linux, [0x30 << 2, Command.echo]) == .success([0x31 << 2, Command.echo, 0, 0xAA]))
            stop(daemon, host)
        }

        @Test func replyAfterTheChannelClosedIsRefusedInOneLine() throws {
            let (daemon, host) = try start(.deferred, "4s")
            _ = host.request(.linux, [0x30 << 2, Command.never], timeout: 30_000_000, retries: 0)
            stop(daemon, host)
            #expect(daemon.line("plugin messenger: reply() was called after the channel closed, and refused") != nil)
            #expect(daemon.line("reply in stop: -4") != nil, "\(daemon.log)")
        }

        @Test(arguments: [Setting.deferred])
        func replyAfterAnAbortIsStale(setting: Setting) throws {
            let (daemon, host) = try start(setting, "4s")
            // The host gives up long before the handler answers, and asks something else.
            let result = host.request(.linux, [0x30 << 2, Command.late, 200], timeout: 30_000_000, retries: 0)
            #expect(result != .success([0x31 << 2, Command.late, 0, 0xAA, 200]))
            #expect(
                host.request(.linux, [0x30 << 2, Command.echo, 1]) == .success([0x31 << 2, Command.echo, 0, 0xAA, 1]))
            #expect(daemon.line("late reply: -5") != nil, "\(daemon.log)")
            #expect(
                host.request(.linux, [0x30 << 2, Command.echo, 2]) == .success([0x31 << 2, Command.echo, 0, 0xAA, 2]))
            stop(daemon, host)
        }

        @Test(arguments: [Setting.strict, .deferred])
        func handledWithoutReplyLeavesTheHostToItsOwnTime(setting: Setting) throws {
            let (daemon, host) = try start(setting, "100ms")
            let result = host.request(.linux, [0x30 << 2, Command.silent], timeout: 400_000_000, retries: 0)
            if case .success(let bytes) = result { Issue.record("an answer: \(bytes)") }
            #expect(host.request(.linux, [0x30 << 2, Command.echo]) == .success([0x31 << 2, Command.echo, 0, 0xAA]))
            #expect(!daemon.log.contains("was not answered in time"))
            stop(daemon, host)
        }

        @Test func wrongRepliesAreRefused() throws {
            let (daemon, host) = try start(.deferred, "4s")
            #expect(host.request(.linux, [0x30 << 2, Command.twice]) == .success([0x31 << 2, Command.twice, 0, 0xAA]))
            #expect(daemon.line("plugin messenger: reply() was called a second time for one request") != nil)
            #expect(daemon.line("second reply: -1") != nil, "\(daemon.log)")
            #expect(host.request(.linux, [0x30 << 2, Command.forge]) == .success([0x31 << 2, Command.forge, 0, 0xAA]))
            #expect(daemon.line("plugin messenger: reply() was called with token", "which no request has") != nil)
            #expect(daemon.line("forged reply: -1") != nil, "\(daemon.log)")
            #expect(
                host.request(.linux, [0x30 << 2, Command.short]) == .success([0x31 << 2, Command.short, 0xFF]),
                "a reply of NetFn alone is filled up")
            stop(daemon, host)
        }

        @Test(arguments: Setting.allCases)
        func attentionIsKept(setting: Setting) throws {
            let (daemon, host) = try start(setting, "4s")
            #expect(host.readStatus() & 0x04 == 0)
            #expect(
                host.request(.linux, [0x30 << 2, Command.attention, 1])
                    == .success([0x31 << 2, Command.attention, 0, 0xAA, 1]))
            #expect(host.wait(for: 0x04, toBe: 0x04, deadline: deadline))
            // The other handler's wish is its own.
            #expect(
                host.request(.linux, [0x32 << 2, Command.attention, 0])
                    == .success([0x33 << 2, Command.attention, 0, 0xBB, 0]))
            #expect(host.readStatus() & 0x04 != 0)
            #expect(host.request(.linux, [0x30 << 2, Command.echo]) == .success([0x31 << 2, Command.echo, 0, 0xAA]))
            #expect(host.readStatus() & 0x04 != 0)
            stop(daemon, host)
            #expect(host.readStatus() & 0x04 != 0, "kept over the stop")
        }

        @Test func handlerThatFailsAndDeclinesIsNotFollowedByADeadOne() throws {
            let (daemon, host) = try start(.deferred, "4s")
            for _ in 0..<3 {
                _ = host.request(.linux, [0x30 << 2, Command.failAndDecline], timeout: 200_000_000, retries: 0)
                #expect(
                    daemon.line("failed, starting again", "plugin messenger: asked to fail") != nil, "\(daemon.log)")
                #expect(daemon.line("a: running") != nil)
                #expect(
                    host.request(.linux, [0x32 << 2, Command.echo]) == .success([0x33 << 2, Command.echo, 0, 0xBB]))
            }
            stop(daemon, host)
        }

        @Test func handlerOfBytesOwnsItsChannelAlone() throws {
            let (probe, messenger) = (try bench.build("probe"), try bench.build("messenger"))
            try bench.configure(
                """
                  - name: a
                    device: {type: sim, path: \(bench.path)/a}
                    plugins: [{plugin: \(messenger)}, {plugin: \(probe)}]
                """)
            let daemon = try bench.launch()
            #expect(daemon.line("a handler of bytes owns its channel alone") != nil, "\(daemon.log)")
            #expect(daemon.isRunning)
        }
    }
}
