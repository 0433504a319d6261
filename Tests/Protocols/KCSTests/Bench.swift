// SPDX-License-Identifier: Apache-2.0

import DriverModel

@testable import KCS

/// A device and a machine, and a host that a test plays by hand; after each of its accesses the daemon runs to rest.
final class Bench {
    var world: World
    var answers = true

    init(_ handshake: Handshake, driver: Driver, lengths: [RequestLength] = []) {
        var configuration = TransferConfiguration(handshake: handshake)
        configuration.requestLengths = lengths
        world = World(
            driver: driver, configuration: configuration,
            host: HostMachine(HostConfiguration(.linux), request: [0x18, 0x01]), now: 1_000_000_000)
        run()
    }

    /// `fast` on the driver that suits it: no races, so that what is seen is the rule.
    static func fast() -> Bench { Bench(.fast, driver: .deferred) }

    var status: StatusRegister { StatusRegister(rawValue: world.device.hostReadsStatus()) }
    var state: KCSState { status.state }
    var counters: TransferCounters { world.machine.counters }

    /// Lets `duration` nanoseconds pass.
    func run(for duration: UInt64 = 20_000_000) {
        let end = world.now + duration
        for _ in 0..<100_000 {
            if world.interruptIsPending {
                world.interrupt()
                continue
            }
            guard case .asleep(let until, _) = world.daemon else {
                _ = world.daemonStep()
                continue
            }
            if world.inputWakes {
                world.wake(input: true)
            } else if world.delivered != nil, answers {
                world.answer(length: 3)
            } else if let until, until <= end {
                world.now = max(until, world.now)
                world.wake(input: false)
            } else {
                break
            }
        }
        world.now = end
    }

    func command(_ value: UInt8) {
        _ = world.device.hostWritesCommand(value)
        run()
    }

    func data(_ value: UInt8) {
        _ = world.device.hostWritesData(value)
        run()
    }

    /// Reads ODR if OBF is set, as hosts do before they write.
    @discardableResult
    func output() -> UInt8? {
        guard status.contains(.obf) else { return nil }
        let value = world.device.hostReadsData()
        run()
        return value
    }

    /// Writes a request as a careful host does.
    func write(_ bytes: [UInt8]) {
        output()
        command(ControlCode.writeStart)
        for byte in bytes.dropLast() {
            output()
            data(byte)
        }
        output()
        command(ControlCode.writeEnd)
        output()
        data(bytes[bytes.count - 1])
    }

    /// Reads a response to its end; the dummy is not part of it.
    func readResponse() -> [UInt8] {
        var bytes: [UInt8] = []
        while state == .read, let value = output() {
            bytes.append(value)
            data(ControlCode.read)
        }
        return bytes
    }

    /// The error code, by GET_STATUS/ABORT.
    func abort() -> UInt8? {
        output()
        command(ControlCode.getStatusAbort)
        output()
        data(0)
        guard state == .read, let code = output() else { return nil }
        data(ControlCode.read)
        return state == .idle && output() == 0 ? code : nil
    }

    /// Answers by hand.
    func reply(_ token: MessageToken, _ bytes: [UInt8]) -> ReplyOutcome {
        world.machine.reply(token, with: bytes.span, now: world.now)
    }

    func withhold(_ token: MessageToken) -> ReplyOutcome { world.machine.withhold(token, now: world.now) }

    /// What the machine says after it was stopped.
    func last() -> TransferAction { world.machine.next(now: world.now) }

    /// Whether a request is answered now.
    func works() -> Bool {
        answers = true
        write([0x18, 0x01])
        return readResponse() == [0x1C, 0x01, 0x00] && state == .idle && output() == 0
    }
}
