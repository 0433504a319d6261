// SPDX-License-Identifier: Apache-2.0

import DriverModel

@testable import KCS

/// A host, an interrupt and a daemon that each take random times for what they do, in virtual time.
struct Simulation {
    /// A generator that gives the same numbers for the same seed.
    struct Random {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }

        mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

        /// From `low` to `high`, small values more often than large ones.
        mutating func skewed(_ low: UInt64, _ high: UInt64) -> UInt64 {
            low + below(below(high - low + 1) + 1)
        }
    }

    var world: World
    var random: Random
    let configuration: TransferConfiguration
    /// How long the daemon sleeps on after it was to be woken, at most, in nanoseconds.
    var wakeLatency: UInt64 = 200_000
    /// How long an interrupt takes to be handled at most, in nanoseconds; with 0 IBF falls before the host can look.
    var interruptLatency: UInt64 = 20_000
    /// How often a step of the host takes up to 100 µs instead of a microsecond, in a million.
    var hostStalls: UInt64 = 1000
    /// How often one takes up to 5 ms, as under system management mode, in a million.
    var longStalls: UInt64 = 10
    /// How often the daemon loses its processor for up to 5 ms between two steps, in a million.
    var daemonStalls: UInt64 = 0
    /// How long a long stall of the host is at most, in nanoseconds.
    var longestStall: UInt64 = 5_000_000
    /// The access of the host, counted from 1, before which the daemon is killed; it is started anew 10 ms later.
    var killsBefore: Int?
    /// How long the host stands still before its next access, in nanoseconds; asked once for each.
    var beforeAccess: (HostMachine) -> UInt64 = { _ in 0 }
    /// How often an answer is given later, in a million.
    var lateAnswers: UInt64 = 100_000

    private var hostAt: UInt64 = 0
    private var daemonAt: UInt64 = 0
    private var interruptAt: UInt64?
    private var answerAt: UInt64?
    private var responseLength = 3
    private var hasPaused = false
    private var accesses = 0

    init(driver: Driver, configuration: TransferConfiguration, temperament: HostTemperament, seed: UInt64) {
        world = World(
            driver: driver, configuration: configuration,
            host: HostMachine(HostConfiguration(temperament), request: [0x18, 0x01]), now: 1_000_000)
        random = Random(state: seed)
        self.configuration = configuration
        hostAt = world.now
        daemonAt = world.now
    }

    /// One request from its first to its last access. Nil if it does not end in ten virtual minutes.
    mutating func transfer(_ host: HostConfiguration, _ request: [UInt8], responseLength: Int) -> HostResult? {
        self.responseLength = responseLength
        world.host = HostMachine(host, request: request)
        hostAt = max(hostAt, world.now) + random.skewed(1000, 20_000_000)
        let end = world.now + 600_000_000_000
        accesses = 0
        while world.now < end {
            if world.host.outcome != nil, world.host.queue.isEmpty { return world.host.outcome }
            killIfDue()
            advance()
        }
        return nil
    }

    /// A host of Linux's kind that is gone after some accesses of a request.
    mutating func abandon(_ request: [UInt8], after limit: Int) {
        world.host = HostMachine(HostConfiguration(.linux), request: request)
        accesses = 0
        hostAt = max(hostAt, world.now)
        while accesses < limit, world.host.outcome == nil || !world.host.queue.isEmpty {
            advance()
        }
        killIfDue()
    }

    private mutating func killIfDue() {
        guard let limit = killsBefore, accesses >= limit else { return }
        killsBefore = nil
        killAndRestart(after: 10_000_000)
    }

    /// Lets time pass without the host.
    mutating func rest(_ duration: UInt64) {
        let end = world.now + duration
        hostAt = UInt64.max
        while world.now < end, let at = nextTime(), at < end { advance() }
        world.now = end
        hostAt = end
    }

    /// The daemon is killed wherever it is, and another one opens the device and throws away what the driver holds.
    mutating func killAndRestart(after pause: UInt64) {
        world.restartDaemon(at: world.now + pause, configuration)
        (interruptAt, answerAt) = (nil, nil)
        daemonAt = world.now
        hostAt = max(hostAt, world.now)
    }

    /// The host writes a port, whatever IBF says.
    mutating func hostWrites(_ value: UInt8, command: Bool) {
        _ = world.device.hostWrites(value, command: command)
    }

    private func nextTime() -> UInt64? {
        var at = hostAt
        if case .running = world.daemon { at = min(at, daemonAt) }
        if case .asleep(let until, _) = world.daemon {
            if let until { at = min(at, max(until, daemonAt)) }
            if world.inputWakes { at = min(at, daemonAt) }
        }
        if world.interruptIsPending { at = min(at, interruptAt ?? world.now) }
        if let answerAt { at = min(at, answerAt) }
        return at == UInt64.max ? nil : at
    }

    private mutating func advance() {
        if world.interruptIsPending, interruptAt == nil {
            interruptAt = world.now + (interruptLatency == 0 ? 0 : random.skewed(500, interruptLatency))
        }
        guard let at = nextTime() else {
            world.now += 1000
            return
        }
        world.now = max(world.now, at)
        if let due = interruptAt, due <= world.now, world.interruptIsPending {
            interruptAt = nil
            world.interrupt()
            if world.inputWakes { daemonAt = world.now + random.skewed(2_000, wakeLatency) }
            return
        }
        if !world.interruptIsPending { interruptAt = nil }
        if let due = answerAt, due <= world.now {
            answerAt = nil
            world.answer(length: responseLength)
            daemonAt = world.now
            return
        }
        if moveDaemon() { return }
        if hostAt <= world.now { moveHost() }
    }

    private mutating func moveDaemon() -> Bool {
        switch world.daemon {
        case .running:
            guard daemonAt <= world.now else { return false }
            let had = world.delivered != nil
            if world.daemonStep() {
                let stalls = daemonStalls > 0 && random.below(1_000_000) < daemonStalls
                daemonAt = world.now + (stalls ? random.skewed(2_000, 5_000_000) : random.skewed(300, 2_000))
            } else if world.inputWakes {
                daemonAt = world.now + random.skewed(2_000, wakeLatency)
            } else if case .asleep(let until?, _) = world.daemon {
                // A timer fires late, never early.
                daemonAt = until + random.skewed(2_000, wakeLatency)
            } else {
                daemonAt = world.now + random.skewed(2_000, wakeLatency)
            }
            if world.delivered != nil, !had {
                let late = random.below(1_000_000) < lateAnswers
                answerAt = world.now + (late ? random.skewed(1000, 30_000_000) : 1000)
            }
            return true
        case .asleep(let until, _):
            guard daemonAt <= world.now else { return false }
            if let until, until <= world.now {
                world.wake(input: world.inputWakes)
                return true
            }
            if world.inputWakes {
                world.wake(input: true)
                return true
            }
            return false
        }
    }

    private mutating func moveHost() {
        if !hasPaused {
            hasPaused = true
            let pause = beforeAccess(world.host)
            if pause > 0 {
                hostAt = world.now + pause
                return
            }
        }
        hasPaused = false
        accesses += 1
        if case .waits(let until) = world.hostStep() {
            hostAt = until + random.skewed(0, 50_000)
            return
        }
        if random.below(1_000_000) < longStalls {
            hostAt = world.now + random.skewed(100_000, longestStall)
            return
        }
        let stalls = random.below(1_000_000) < hostStalls
        hostAt = world.now + (stalls ? random.skewed(1000, 100_000) : random.skewed(100, 2_000))
    }
}
