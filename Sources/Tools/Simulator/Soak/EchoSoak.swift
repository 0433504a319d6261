// SPDX-License-Identifier: Apache-2.0
//
// A soak of a channel that answers each data byte with one. What the host may expect is a queue: it knows of each byte
// whether it reached IDR, and what it overwrote there.
import Common
import DriverModel
import LinuxIO

/// What one exchange of bytes is, all of it decided before it begins.
struct EchoExchange {
    let bytes: [UInt8]
    /// How many bytes may be without an answer at a time.
    let window: Int
    /// Which bytes are written whatever IBF says.
    let rude: [Bool]
    /// After so many accesses the host forgets what it was doing.
    let resetAfter: Int?
    /// After so many accesses the host stands still, and for how long.
    let stall: (after: Int, nanoseconds: UInt64)?
    /// If the device vanishes in this exchange: after so many accesses, and for how long.
    let vanish: (after: Int, nanoseconds: UInt64)
    /// Rings for nothing before it.
    let isSpurious: Bool

    init(_ random: inout SeededRandom, _ faults: Set<SoakFault>) {
        let count = 1 + Int(random.below(16))
        bytes = (0..<count).map { [value = random.next()] _ in UInt8(truncatingIfNeeded: value) }
            .enumerated().map { $1 &+ UInt8(truncatingIfNeeded: $0 &* 57) }
        window = 1 + Int(random.below(4))
        let isRude = random.chance(100) && faults.contains(.ibf)
        rude = (0..<count).map { [bits = random.next()] in isRude && bits >> UInt64($0) & 1 == 1 }
        let (resetPlace, stallPlace, vanishPlace) = (random.below(40), random.below(40), random.below(40))
        resetAfter = random.chance(30) && faults.contains(.reset) ? Int(resetPlace) : nil
        let (stallTime, vanishTime) = (random.below(10_000_000), random.below(200_000_000))
        stall = random.chance(50) && faults.contains(.stall) ? (Int(stallPlace), stallTime) : nil
        vanish = (Int(vanishPlace), vanishTime + 1_000_000)
        isSpurious = random.chance(50) && faults.contains(.spurious)
    }
}

/// A soak of one such channel.
struct EchoSoak {
    private let soak: SoakHost
    /// What bytes are exclusive-ored with.
    private let mask: UInt8

    init(_ soak: SoakHost, mask: UInt8) {
        self.soak = soak
        self.mask = mask
    }

    /// One exchange, from a quiet channel to a quiet channel.
    func exchange(_ plan: EchoExchange, vanishes: Bool) throws(SoakEnd) {
        if plan.isSpurious { soak.host.ringForNothing() }
        var expected: [UInt8] = []
        var sent = 0
        var accesses = 0
        var patience = SoakHost.Patience(soak)
        var stall = plan.stall
        while sent < plan.bytes.count || !expected.isEmpty {
            if let reset = plan.resetAfter, accesses >= reset {
                soak.counts.resets += 1
                soak.counts.abandoned += expected.count
                return try findQuiet(plan.bytes)
            }
            if vanishes && accesses >= plan.vanish.after {
                soak.counts.abandoned += expected.count
                try soak.vanish(for: plan.vanish.nanoseconds)
                return try findQuiet(plan.bytes)
            }
            if let pause = stall, accesses >= pause.after {
                stall = nil
                soak.stall(pause.nanoseconds)
                patience = .init(soak)
            }
            let str = try soak.status()
            if str & STRBit.obf != 0 {
                try compare(soak.readData(), &expected)
            } else if sent < plan.bytes.count, expected.count < plan.window || plan.rude[sent],
                str & STRBit.ibf == 0 || plan.rude[sent]
            {
                write(plan.bytes[sent], wasFull: str & STRBit.ibf != 0, &expected)
                sent += 1
            } else {
                if try patience.wait(soak) { continue }
                throw .wrong(late(expected))
            }
            accesses += 1
            patience = .init(soak)
        }
        if vanishes {
            try soak.vanish(for: plan.vanish.nanoseconds)
            try findQuiet(plan.bytes)
        }
    }

    private func write(_ value: UInt8, wasFull: Bool, _ expected: inout [UInt8]) {
        if wasFull { soak.counts.ignoredIBF += 1 }
        if !soak.host.write(value) {
            // What was in IDR is the last byte that has not been answered.
            _ = expected.popLast()
            soak.counts.overwritten += 1
        }
        expected.append(value ^ mask)
    }

    private func compare(_ value: UInt8, _ expected: inout [UInt8]) throws(SoakEnd) {
        guard let wanted = expected.first else {
            throw .wrong("ODR gave \(Hex.number(value)), and every byte had its answer")
        }
        guard value == wanted else {
            let rest = Hex.numbers(expected)
            throw .wrong("ODR gave \(Hex.number(value)), wanted were \(rest)")
        }
        expected.removeFirst()
        soak.counts.checked += 1
    }

    private func late(_ expected: [UInt8]) -> String {
        let str = describeStatus(soak.host.readStatus())
        let time = Quantity.duration(soak.settings.timeout)
        let what = expected.first.map { "no answer \(Hex.number($0 ^ mask ^ mask))" } ?? "IBF did not clear"
        return "\(what) within \(time); STR \(str); driver \(soak.host.state)"
    }

    /// After a reset or a device's return: bytes of an earlier life may be on their way in either direction. A byte is sent
    /// one after the other, another one each time, until one's own answer comes: what comes before it is old. None of them is
    /// among the bytes of that earlier life.
    private func findQuiet(_ old: [UInt8]) throws(SoakEnd) {
        soak.clearFaults()
        let deadline = Clock.monotonic + soak.settings.timeout
        var attempt: UInt8 = 0
        while Clock.monotonic < deadline {
            repeat { attempt &+= 1 } while old.contains(attempt)
            let limit = Clock.monotonic + 200_000_000
            var isSent = false
            while Clock.monotonic < limit {
                try soak.check()
                let str = try soak.status()
                if str & STRBit.obf != 0 {
                    if soak.readData() == attempt ^ mask && isSent { return }
                } else if !isSent && str & STRBit.ibf == 0 {
                    soak.host.write(attempt)
                    isSent = true
                } else {
                    soak.sleep(50_000)
                    soak.host.nudge()
                }
            }
        }
        throw .wrong("no answer at all within \(Quantity.duration(soak.settings.timeout)) after a reset")
    }
}
