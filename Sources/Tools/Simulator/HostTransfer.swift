// SPDX-License-Identifier: Apache-2.0
//
// The host's transfer machine on the ports of a simulated device: one access at a time, as a real host's code makes them.
import CLinux
import DriverModel
import KCS
import LinuxIO
import SimulatedDevice

/// IPMI-style KCS requests of a host with the habits of a real one.
public struct HostTransfer {
    /// The device.
    public let host: SimulatedHost
    /// The host's habits, and how long it waits for IBF or OBF.
    public var configuration: HostConfiguration
    /// When all requests together must be over, by the monotonic clock, whatever the host's habits; the largest value for
    /// never. A request that is not over then fails for what it waited for.
    public var end = UInt64.max
    /// How many requests had to be repeated so far.
    public private(set) var recoveries = 0

    private static let nudgePeriod: UInt64 = 2_000_000
    private static let pollsBeforeSleep = 20

    /// A host with habits as they are by default, and `timeout` nanoseconds for each wait.
    public init(_ host: SimulatedHost, temperament: HostTemperament, timeout: UInt64) {
        var configuration = HostConfiguration(temperament)
        configuration.timeout = timeout
        self.init(host, configuration)
    }

    /// A host with these habits.
    public init(_ host: SimulatedHost, _ configuration: HostConfiguration) {
        self.host = host
        self.configuration = configuration
    }

    /// Sends one whole request, NetFn/LUN first, and waits for its end.
    public mutating func send(_ request: [UInt8]) -> HostResult {
        var machine = HostMachine(configuration, request: request)
        while true {
            if let result = run(&machine, accesses: .max) { return result }
        }
    }

    /// Writes one whole request and does not read: for hosts that send several in a row. A failure, or success without
    /// bytes.
    public mutating func write(_ request: [UInt8]) -> HostResult {
        var machine = HostMachine(configuration, request: request)
        var pace = Pace(now: Clock.monotonic)
        var isLast = false
        while true {
            let now = Clock.monotonic
            let action = machine.next(now: now)
            switch action {
            case .finished(let result): return result
            // A slow machine never waits: the time for the next look is over when it gets there.
            case .wait where now >= end, .readStatus where now >= end: return timedOut
            case .wait(let time): wait(until: min(time, end), &pace)
            default:
                perform(action, &machine, &pace)
                if case .writeData = action, isLast {
                    recoveries += machine.recoveries
                    let deadline = Clock.deadline(after: configuration.timeout, end)
                    guard host.wait(for: STRBit.ibf, toBe: 0, deadline: deadline) else { return .failure(.inputStuck) }
                    return .success([])
                }
                if case .writeCommand(let code) = action { isLast = code == ControlCode.writeEnd }
            }
        }
    }

    /// Makes accesses until the request is over, or `limit` of them were made (nil then): for tests that stop in between.
    public mutating func run(_ machine: inout HostMachine, accesses limit: Int) -> HostResult? {
        var pace = Pace(now: Clock.monotonic)
        var left = limit
        while true {
            // Before the machine is asked: what it answers is to be done, now or by the next call.
            if left == 0 { return nil }
            let now = Clock.monotonic
            let action = machine.next(now: now)
            switch action {
            case .finished(let result):
                recoveries += machine.recoveries
                return result
            // As above.
            case .wait where now >= end, .readStatus where now >= end:
                recoveries += machine.recoveries
                return timedOut
            case .wait(let time): wait(until: min(time, end), &pace)
            default:
                left -= 1
                perform(action, &machine, &pace)
            }
        }
    }

    private var timedOut: HostResult {
        .failure(host.readStatus() & STRBit.ibf == 0 ? .noOutput : .inputStuck)
    }

    /// How a host that waits spends its time.
    private struct Pace {
        var nudgedAt: UInt64
        var polls = 0

        init(now: UInt64) { nudgedAt = now }
    }

    private func perform(_ action: HostAction, _ machine: inout HostMachine, _ pace: inout Pace) {
        switch action {
        case .readStatus: machine.statusRead(StatusRegister(rawValue: host.readStatus()), now: Clock.monotonic)
        case .readData:
            machine.dataRead(host.readData())
            pace.polls = 0
        case .writeData(let value):
            host.write(value)
            pace = Pace(now: Clock.monotonic)
        case .writeCommand(let value):
            host.write(value, command: true)
            pace = Pace(now: Clock.monotonic)
        case .wait, .finished: break
        }
    }

    private func wait(until time: UInt64, _ pace: inout Pace) {
        let now = Clock.monotonic
        // What another process died before doing is done by whoever waits long.
        if now &- pace.nudgedAt >= Self.nudgePeriod {
            pace.nudgedAt = now
            host.nudge()
        }
        guard now < time else { return }
        pace.polls += 1
        // A pause shorter than the kernel's slack is a few polls without one: the other side may run on this processor.
        if time - now < 20_000 && pace.polls < Self.pollsBeforeSleep {
            sched_yield()
            return
        }
        var until = timespec(
            tv_sec: .init(truncatingIfNeeded: time / 1_000_000_000),
            tv_nsec: .init(truncatingIfNeeded: time % 1_000_000_000))
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nil)
    }
}

extension HostResult {
    /// Why there is no response, as a sentence; nil if there is one.
    public var reason: String? {
        guard case .failure(let failure) = self else { return nil }
        switch failure {
        case .absent: return "the status port reads 0xff: there is no device"
        case .wrongState(let state): return "STATE was \(state.name) where the protocol wants another"
        case .inputStuck: return "IBF stayed set"
        case .noOutput: return "OBF stayed clear"
        }
    }
}
