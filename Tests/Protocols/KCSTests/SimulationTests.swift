// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

#if canImport(Glibc)
    import Glibc
#endif

/// The full count with KCSMUX_LONG=1, a hundredth of it otherwise.
func count(_ full: Int) -> Int {
    guard let value = getenv("KCSMUX_LONG"), value[0] == 0x31 else { return max(full / 100, 1) }
    return full
}

extension TransferConfiguration {
    /// Resting in what hosts of that kind need.
    init(_ handshake: Handshake, for temperament: HostTemperament) {
        self.init(handshake: handshake)
        if temperament == .manageability { rest = .idle }
    }
}

@Suite struct SimulationTests {
    /// What became of many requests.
    struct Tally {
        var requests = 0
        var failed = 0
        var wrongBytes = 0
        var recoveries = 0
        var looks: UInt64 = 0
        var wrongGuesses: UInt64 = 0
        var dropped: UInt64 = 0
        /// Virtual time from the first access to the last, in all.
        var duration: UInt64 = 0
    }

    static let table: [RequestLength] = (0..<20).map {
        RequestLength(netFn: 6, command: UInt8($0), shortest: $0 + 2, longest: $0 + 2)
    }

    static func run(
        _ temperament: HostTemperament, _ handshake: Handshake, _ driver: Driver, requests: Int, seed: UInt64
    ) -> Tally {
        var configuration = TransferConfiguration(handshake, for: temperament)
        configuration.requestLengths = table
        var simulation = Simulation(
            driver: driver, configuration: configuration, temperament: temperament, seed: seed)
        let host = HostConfiguration(temperament)
        // The first command after a start is a window of its own.
        _ = simulation.transfer(host, [0x18, 0x00], responseLength: 3)
        var tally = Tally()
        for _ in 0..<requests {
            let length = Int(simulation.random.skewed(2, 40))
            let known = length < 22 && simulation.random.below(2) == 0
            var request: [UInt8] = known ? [0x18, UInt8(length - 2)] : [0x28, UInt8(truncatingIfNeeded: length)]
            while request.count < length { request.append(UInt8(truncatingIfNeeded: simulation.random.next())) }
            let responseLength = Int(simulation.random.skewed(3, 40))
            let start = simulation.world.now
            let result = simulation.transfer(host, request, responseLength: responseLength)
            tally.duration += simulation.world.now - start
            tally.requests += 1
            tally.recoveries += simulation.world.host.recoveries
            switch result {
            case .success(let bytes):
                if bytes != World.answer(to: request, length: responseLength) { tally.wrongBytes += 1 }
            case .failure, nil: tally.failed += 1
            }
        }
        tally.looks = simulation.world.machine.counters.looks
        tally.wrongGuesses = simulation.world.machine.counters.wrongGuesses
        tally.dropped = simulation.world.machine.counters.dropped
        print(
            "\(temperament) \(handshake) \(driver.name): \(tally.requests) requests, \(tally.failed) failed,",
            "\(tally.wrongBytes) with wrong bytes, \(tally.recoveries) recoveries,",
            "\(tally.looks / UInt64(tally.requests)) looks and \(tally.duration / UInt64(tally.requests) / 1000) us each,",
            "\(tally.wrongGuesses) wrong guesses, \(tally.dropped) dropped")
        return tally
    }

    @Test(arguments: HostTemperament.allCases) func strictLosesNothingOnTheDriverAsPosted(
        _ temperament: HostTemperament
    ) {
        let tally = Self.run(temperament, .strict, .v2, requests: count(100_000), seed: 1)
        #expect(tally.wrongBytes == 0)
        #expect(tally.failed <= (temperament == .freeipmi ? tally.requests / 10_000 : 0))
    }

    @Test(arguments: HostTemperament.allCases) func fastLosesNothingOnADriverThatKeepsIDR(
        _ temperament: HostTemperament
    ) {
        let tally = Self.run(temperament, .fast, .deferred, requests: count(100_000), seed: 2)
        #expect(tally.wrongBytes == 0)
        #expect(tally.failed == 0)
        #expect(tally.recoveries == 0)
    }

    /// Wherever in a transfer the daemon dies, and however late the next one is with everything: the ten retries that
    /// Linux has are enough. EDK II has three, which a daemon that is 20 ms late with each step can use up.
    @Test(arguments: [HostTemperament.linux, .edk2]) func aKillAtAnyAccessCostsAHostThatRetriesNoRequest(
        _ temperament: HostTemperament
    ) {
        let request: [UInt8] = [0x18, 0x00]
        let answer = World.answer(to: request, length: 15)
        var (most, failed) = (0, 0)
        for seed in 1...count(20_000) {
            var configuration = TransferConfiguration(.strict, for: temperament)
            configuration.requestLengths = Self.table
            var simulation = Simulation(
                driver: .v2, configuration: configuration, temperament: temperament, seed: UInt64(seed))
            simulation.daemonStalls = [0, 100_000][seed % 2]
            simulation.wakeLatency = [200_000, 2_000_000, 20_000_000][seed % 3]
            let host = HostConfiguration(temperament)
            _ = simulation.transfer(host, request, responseLength: 15)
            simulation.killsBefore = seed % 100
            let result = simulation.transfer(host, request, responseLength: 15)
            if result != .success(answer) { failed += 1 }
            most = max(most, simulation.world.host.recoveries)
            let next = simulation.transfer(host, request, responseLength: 15)
            #expect(next == .success(answer), "seed \(seed), the next request")
        }
        print("\(temperament): a kill cost \(most) recoveries at most, and \(failed) requests in all")
        #expect(failed <= (temperament == .edk2 ? count(20_000) / 1000 : 0))
    }

    /// Any port, any byte, whatever IBF says; then each kind of host gets its answer.
    @Test(arguments: [Handshake.strict, .fast]) func randomWritesNeitherTrapNorHang(_ handshake: Handshake) {
        let driver: Driver = handshake == .strict ? .v2 : .deferred
        var simulation = Simulation(
            driver: driver, configuration: TransferConfiguration(handshake: handshake), temperament: .linux, seed: 4)
        let codes: [UInt8] = [0x60, 0x61, 0x62, 0x68, 0x00, 0x18]
        let rounds = max(count(1_000_000) / 200, 1)
        for round in 0..<rounds {
            for _ in 0..<200 {
                let random = simulation.random.next()
                let value =
                    random & 1 == 0 ? codes[Int(random >> 8) % codes.count] : UInt8(truncatingIfNeeded: random >> 16)
                simulation.hostWrites(value, command: random & 2 == 0)
                simulation.rest(simulation.random.skewed(100, 3_000_000))
            }
            // A command of any kind takes the place of a byte that is stuck in IDR.
            simulation.hostWrites(ControlCode.writeStart, command: true)
            simulation.rest(200_000_000)
            let hosts: [HostTemperament] = [.linux, .freeipmi, .edk2]
            let host = HostConfiguration(hosts[round % 3])
            let result = simulation.transfer(host, [0x18, 0x01], responseLength: 15)
            if host.retries == 0, result != .success(World.answer(to: [0x18, 0x01], length: 15)) {
                // A host without retries may meet a window of the manual; the next request has none.
                let next = simulation.transfer(host, [0x18, 0x01], responseLength: 15)
                #expect(next == .success(World.answer(to: [0x18, 0x01], length: 15)), "round \(round)")
            } else {
                #expect(result == .success(World.answer(to: [0x18, 0x01], length: 15)), "round \(round)")
            }
        }
    }

    /// The race that the strict handshake is for; the figures are for the manual.
    @Test(arguments: HostTemperament.allCases) func fastFailsOnTheDriverAsPosted(_ temperament: HostTemperament) {
        let tally = Self.run(temperament, .fast, .v2, requests: count(20_000), seed: 3)
        #expect(tally.recoveries + tally.failed > 0)
    }
}
