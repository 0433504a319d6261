// SPDX-License-Identifier: Apache-2.0
//
// Many hosts at once, a thread for each device. What each of them does is a function of the seed, the device's position in the
// list, and the exchange's number, so that a soak can be repeated; only time is the machine's own.
import CLinux
import DriverModel
import Events
import KCS
import LinuxIO
import SimulatedDevice

/// A soak of some devices.
public final class Soak: @unchecked Sendable {
    private let settings: SoakSettings
    private let directories: [String]
    private let lock = Lock()
    private var results: [SoakCounts?]
    private var failures: [SoakFailure] = []
    private var kinds: [SoakKind?]
    private var progress: [SoakCounts]

    /// A soak of the devices in these folders.
    public init(_ directories: [String], _ settings: SoakSettings) {
        self.directories = directories
        self.settings = settings
        results = .init(repeating: nil, count: directories.count)
        kinds = .init(repeating: nil, count: directories.count)
        progress = .init(repeating: SoakCounts(), count: directories.count)
    }

    /// What a soak gave.
    public struct Report: Sendable {
        /// For each device, in the order given.
        public let counts: [SoakCounts]
        /// What answered; nil where that was not found out.
        public let kinds: [SoakKind?]
        /// What went wrong, the first thing first.
        public let failures: [SoakFailure]
        /// All devices.
        public var total: SoakCounts { counts.reduce(SoakCounts(), +) }
    }

    /// Runs to its end, or to the first failure. `tell` is called about every ten seconds with what was done so far.
    public func run(_ tell: (UInt64, SoakCounts) -> Void) -> Report {
        let began = Clock.monotonic
        let threads = directories.indices.map { index in Thread.start { self.soak(index) } }
        for (index, thread) in threads.enumerated() where thread == nil {
            fail(index, 0, "no thread could be started for it")
        }
        for thread in threads {
            guard let thread else { continue }
            while !thread.join(within: 10_000_000_000) {
                lock.lock()
                let sum = progress.reduce(SoakCounts(), +)
                lock.unlock()
                tell(Clock.monotonic - began, sum)
            }
        }
        return Report(counts: progress, kinds: kinds, failures: failures)
    }

    private func fail(_ index: Int, _ exchange: UInt64, _ reason: String) {
        lock.lock()
        failures.append(SoakFailure(directory: directories[index], exchange: exchange, reason: reason))
        lock.unlock()
    }

    private var hasFailed: Bool {
        lock.lock()
        defer { lock.unlock() }
        return !failures.isEmpty
    }

    private func note(_ index: Int, _ soak: SoakHost) {
        var counts = soak.counts
        counts.interrupts = soak.host.injected
        lock.lock()
        progress[index] = counts
        lock.unlock()
    }

    // MARK: One device

    private func soak(_ index: Int) {
        var number = settings.first
        do {
            let soak: SoakHost
            do {
                soak = try SoakHost(directories[index], number: index, settings) { [self] in hasFailed }
            } catch { return fail(index, number, error.description) }
            defer { note(index, soak) }
            do {
                try soakTyped(index, soak, &number)
            } catch {
                if case .wrong(let reason) = error { fail(index, number, reason) }
            }
        }
    }

    private func soakTyped(_ index: Int, _ soak: SoakHost, _ number: inout UInt64) throws(SoakEnd) {
        let end = Clock.monotonic + settings.duration
        try soak.waitUntilOpen(within: settings.timeout)
        var subject = try SoakSubject.find(soak)
        lock.lock()
        kinds[index] = subject.kind
        lock.unlock()
        while Clock.monotonic < end {
            try exchange(index, soak, &subject, number, settings.faults)
            number += 1
            if number % 16 == 0 { note(index, soak) }
        }
        // Whatever happened before, one more works.
        soak.clearFaults()
        try exchange(index, soak, &subject, number, [])
    }

    private func exchange(
        _ index: Int, _ soak: SoakHost, _ subject: inout SoakSubject, _ number: UInt64, _ faults: Set<SoakFault>
    ) throws(SoakEnd) {
        try soak.check()
        var random = SeededRandom(seed: settings.seed, UInt64(index), 2, number)
        if !faults.isEmpty { soak.setFaults(&random) }
        soak.counts.exchanges += 1
        try subject.exchange(&random, faults, vanishes: !faults.isEmpty && soak.isVanishDue)
    }
}

/// What answers on a device.
private enum SoakSubject {
    case echo(EchoSoak)
    case messages(MessageSoak)

    var kind: SoakKind {
        switch self {
        case .echo: return .echo
        case .messages: return .ipmi
        }
    }

    /// Finds out, with nothing going wrong.
    static func find(_ soak: SoakHost) throws(SoakEnd) -> SoakSubject {
        var found = soak.settings.kind
        if found == nil { found = try kind(soak) }
        if found == .ipmi {
            var transfer = HostTransfer(soak.host, temperament: .linux, timeout: soak.settings.timeout)
            let result = transfer.send(MessageSoak.deviceID)
            guard case .success(let response) = result, response.count > 3, Array(response[..<3]) == [0x1C, 1, 0] else {
                throw .wrong("Get Device ID was not answered as it should be: \(result.reason ?? "\(result)")")
            }
            return .messages(MessageSoak(soak, deviceID: response))
        }
        do {
            return .echo(EchoSoak(soak, mask: try findMask(soak)))
        } catch {
            throw .wrong("WRITE_START does not begin a transfer, and bytes are not answered: \(error.description)")
        }
    }

    /// A channel of messages shows STATE = WRITE after WRITE_START; one of bytes leaves STATE alone, and command bytes mean
    /// nothing to it.
    private static func kind(_ soak: SoakHost) throws(SoakEnd) -> SoakKind {
        let limit = Clock.monotonic + 500_000_000
        guard soak.host.send(ControlCode.writeStart, command: true, deadline: limit) else {
            throw .wrong("IBF does not clear: nothing is taken")
        }
        while Clock.monotonic < limit {
            try soak.check()
            let status = StatusRegister(rawValue: try soak.status())
            if status.state == .write && !status.contains(.ibf) { return .ipmi }
            soak.host.nudge()
            soak.sleep(1_000_000)
        }
        return .echo
    }

    /// What bytes are exclusive-ored with.
    private static func findMask(_ soak: SoakHost) throws(HostFailure) -> UInt8 {
        let access = HostAccess(soak.host, timeout: min(soak.settings.timeout, 1_000_000_000))
        // Answers to what another host wrote may be on their way.
        for _ in 0..<5 {
            while soak.host.wait(for: STRBit.obf, toBe: STRBit.obf, deadline: Clock.monotonic + 20_000_000) {
                _ = soak.host.readData()
            }
            var masks: [UInt8] = []
            for byte: UInt8 in [0x00, 0x55, 0xAA] {
                try access.write([byte], command: false)
                masks.append(try access.read() ^ byte)
            }
            if masks.allSatisfy({ $0 == masks[0] }) { return masks[0] }
        }
        throw HostFailure("their answers are not themselves, exclusive-ored with a constant")
    }

    mutating func exchange(
        _ random: inout SeededRandom, _ faults: Set<SoakFault>, vanishes: Bool
    ) throws(SoakEnd) {
        switch self {
        case .echo(let echo): try echo.exchange(EchoExchange(&random, faults), vanishes: vanishes)
        case .messages(var messages):
            let plan = MessageExchange(&random, faults)
            defer { self = .messages(messages) }
            try messages.exchange(plan, vanishes: vanishes)
        }
    }
}
