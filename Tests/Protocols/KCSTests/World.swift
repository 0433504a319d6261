// SPDX-License-Identifier: Apache-2.0

import DriverModel

@testable import KCS

/// A host, the registers and the driver, and the daemon's side, each of which can be moved by one step.
///
/// A step of the host is one access to a port; the interrupt is one step; a step of the daemon is one access to a
/// register: the two halves of a two-byte system call are two steps.
struct World: Hashable {
    /// What is left of a two-byte system call.
    enum Half: Hashable {
        case none
        case output(UInt8)
        /// The driver's lock is held: no interrupt until the second half.
        case status(UInt8)
    }

    enum Daemon: Hashable {
        case running
        case asleep(until: UInt64?, input: Bool)
    }

    var device: DriverState
    var machine: TransferMachine
    var host: HostMachine
    var half = Half.none
    var daemon = Daemon.running
    var now: UInt64 = 0
    /// Requests that were handed out and not answered; the handler answers when it is told to.
    var delivered: [UInt8]?
    /// What a handler said about the last delivery.
    var ended: MessageEnd?

    init(driver: Driver, configuration: TransferConfiguration, host: HostMachine, now: UInt64 = 1000) {
        device = DriverState(driver: driver)
        _ = device.open()
        machine = TransferMachine(configuration)
        self.host = host
        self.now = now
        machine.started(StatusRegister(rawValue: device.readStatus()), staleBytes: 0, now: now)
    }

    /// The answer of the tests' handler: NetFn + 1, command, 00, then bytes of the request until `length`.
    static func answer(to request: [UInt8], length: Int) -> [UInt8] {
        var answer: [UInt8] = [request[0] | 4, request.count > 1 ? request[1] : 0, 0]
        var index = 2
        while answer.count < length {
            answer.append(index < request.count ? request[index] : UInt8(truncatingIfNeeded: answer.count))
            index += 1
        }
        return answer
    }

    /// Another daemon takes the place of this one, as the device's open does it.
    mutating func restartDaemon(at time: UInt64, _ configuration: TransferConfiguration) {
        device.close()
        (half, delivered, ended, daemon, now) = (.none, nil, nil, .running, time)
        _ = device.open()
        var stale = 0
        while stale < 2, device.poll0.contains(.input), case .data = device.read(offset: 0, count: 1) { stale += 1 }
        machine = TransferMachine(configuration)
        machine.started(StatusRegister(rawValue: device.readStatus()), staleBytes: stale, now: now)
    }

    // MARK: The interrupt

    var interruptIsPending: Bool {
        if case .status = half { return false }
        return device.interruptPending
    }

    mutating func interrupt() { _ = device.interrupt() }

    // MARK: The daemon

    /// Whether the device is what the sleeping daemon waits for.
    var inputWakes: Bool {
        guard case .asleep(_, true) = daemon else { return false }
        return device.poll0.contains(.input)
    }

    mutating func wake(input: Bool) {
        daemon = .running
        if input { machine.inputReady() }
    }

    mutating func answer(length: Int) {
        guard let request = delivered, let token = machine.owedToken else { return }
        delivered = nil
        _ = machine.reply(token, with: Self.answer(to: request, length: length).span, now: now)
        daemon = .running
    }

    /// One access. Returns false if the daemon went to sleep.
    mutating func daemonStep() -> Bool {
        switch half {
        case .output(let value):
            half = .none
            let written = device.writeData(value).action
            precondition(written == .written(1), "ODR was written with OBF set")
            return true
        case .status(let value):
            half = .none
            machine.inputRead(value, status: StatusRegister(rawValue: device.readStatus() | STRBit.ibf), now: now)
            return true
        case .none: break
        }
        switch machine.next(now: now) {
        case .lookAtStatus: machine.statusRead(StatusRegister(rawValue: device.readStatus()), now: now)
        case .readInput:
            guard case .data(let value) = device.read(offset: 0, count: 1) else {
                preconditionFailure("a read that sleeps")
            }
            half = .status(value)
        case .writeStatus(let mask, let value): writeStatus(mask, value, drop: false)
        case .dropOutput(let mask, let value): writeStatus(mask, value, drop: true)
        case .writeBoth(let output, let mask, let value):
            writeStatus(mask, value, drop: false)
            half = .output(output)
        case .replace(let output, let mask, let value):
            writeStatus(mask, value, drop: true)
            half = .output(output)
        case .deliver: delivered = machine.request
        case .ended(_, let reason):
            delivered = nil
            ended = reason
        case .sleep(let until, let input):
            daemon = .asleep(until: until, input: input)
            return false
        case .stopped:
            daemon = .asleep(until: nil, input: false)
            return false
        }
        return true
    }

    /// What ``daemonStep()`` is about to do, in a few letters.
    func describeDaemon() -> String {
        var copy = machine
        switch half {
        case .output(let value): return "B odr \(String(value, radix: 16))"
        case .status: return "B read str"
        case .none: break
        }
        switch copy.next(now: now) {
        case .lookAtStatus: return "B look \(String(device.readStatus(), radix: 16))"
        case .readInput: return "B read"
        case .writeStatus(_, let value): return "B str \(value.state)"
        case .dropOutput(_, let value): return "B drop \(value.state)"
        case .writeBoth(_, _, let value): return "B both \(value.state)"
        case .replace(_, _, let value): return "B repl \(value.state)"
        case .deliver: return "B deliver"
        case .ended: return "B ended"
        case .sleep: return "B sleep"
        case .stopped: return "B stopped"
        }
    }

    private mutating func writeStatus(_ mask: StatusRegister, _ value: StatusRegister, drop: Bool) {
        let kept = device.str & ~mask.rawValue & ~STRBit.obf
        let bit: UInt8 = drop ? 0 : STRBit.obf
        // Bit 0 as 1 leaves OBF as it is only if the model says so; it never sets it.
        _ = device.writeStatus(kept | value.rawValue & mask.rawValue | bit)
    }

    /// Lets everybody run, the daemon fast and the host slowly, until the host's request is over and all is quiet.
    mutating func runToRest(responseLength: Int) -> HostResult? {
        for _ in 0..<10_000 {
            if interruptIsPending {
                interrupt()
                continue
            }
            guard case .asleep(let until, _) = daemon else {
                _ = daemonStep()
                continue
            }
            if inputWakes {
                wake(input: true)
            } else if delivered != nil {
                answer(length: responseLength)
            } else if host.outcome == nil || !host.queue.isEmpty {
                if case .waits(let end) = hostStep() { now = max(now, end) }
                now += 1
                if let until, now >= until { wake(input: false) }
            } else if let until, until - now <= 4, machine.phase != .idle || machine.rest != .armed {
                now = until
                wake(input: false)
            } else {
                return host.outcome
            }
        }
        return nil
    }

    // MARK: The host

    enum HostStep: Hashable {
        case looked(StatusRegister, KCSState?)
        case readData(UInt8)
        case wrote(UInt8, command: Bool)
        case waits(until: UInt64)
        case finished(HostResult)
    }

    mutating func hostStep() -> HostStep {
        switch host.next(now: now) {
        case .readStatus:
            let status = StatusRegister(rawValue: device.hostReadsStatus())
            host.statusRead(status, now: now)
            return .looked(status, host.decision)
        case .readData:
            let value = device.hostReadsData()
            host.dataRead(value)
            return .readData(value)
        case .writeData(let value):
            _ = device.hostWritesData(value)
            return .wrote(value, command: false)
        case .writeCommand(let value):
            _ = device.hostWritesCommand(value)
            return .wrote(value, command: true)
        case .wait(let until): return .waits(until: until)
        case .finished(let result): return .finished(result)
        }
    }
}

extension DriverState {
    /// What poll(2) would report, without its side effect on the OBE event, which the machine does not use.
    var poll0: Readiness {
        var copy = self
        return copy.poll()
    }
}
