// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// A host that wants IDLE before it begins, looks as soon as it has begun, and neither aborts nor retries.
@Suite struct RestTests {
    static let answer = HostResult.success(World.answer(to: [0x18, 0x01], length: 3))

    static func simulation(_ seed: Int, _ handshake: Handshake = .strict, latency: UInt64) -> Simulation {
        var simulation = Simulation(
            driver: handshake == .strict ? .v2 : .deferred,
            configuration: TransferConfiguration(handshake, for: .manageability), temperament: .manageability,
            seed: UInt64(seed))
        simulation.interruptLatency = latency
        return simulation
    }

    static func ask(_ simulation: inout Simulation) -> Bool {
        simulation.transfer(HostConfiguration(.manageability), [0x18, 0x01], responseLength: 3) == answer
    }

    @Test func anInterruptThatTakesItsTimeIsEnoughForEachRequest() {
        for seed in 1...count(2000) {
            var simulation = Self.simulation(seed, latency: 20_000)
            // The look behind WRITE_START comes a millisecond after one that finds IBF set.
            simulation.beforeAccess = { host in host.step == .afterStart && host.pause == nil ? 20_000 : 0 }
            for pause: UInt64 in [150_000_000, 1_000_000_000, 10_000_000_000] {
                simulation.rest(pause)
                #expect(Self.ask(&simulation), "seed \(seed), after \(pause) ns")
            }
        }
    }

    @Test func whereIBFFallsAtOnceTheNextAttemptIsServed() {
        for seed in 1...count(2000) {
            var simulation = Self.simulation(seed, latency: 0)
            for pause: UInt64 in [0, 60_000_000, 150_000_000, 1_000_000_000, 10_000_000_000, 3_600_000_000_000] {
                simulation.rest(pause)
                if Self.ask(&simulation) { continue }
                simulation.rest(60_000_000)
                #expect(Self.ask(&simulation), "seed \(seed), after \(pause) ns")
            }
        }
    }

    @Test(arguments: [HostTemperament.linux, .edk2]) func aHostThatRecoversWaitsForSecondsOnceOnly(
        _ temperament: HostTemperament
    ) {
        for seed in 1...count(500) {
            var simulation = Self.simulation(seed, latency: 0)
            (simulation.longStalls, simulation.lateAnswers) = (0, 0)
            for number in 0..<5 {
                simulation.rest(1_000_000_000)
                let began = simulation.world.now
                let result = simulation.transfer(HostConfiguration(temperament), [0x18, 0x01], responseLength: 3)
                #expect(result == Self.answer)
                let limit: UInt64 = number == 0 ? 2_300_000_000 : 300_000_000
                #expect(simulation.world.now - began < limit, "seed \(seed), request \(number)")
            }
        }
    }

    @Test func requestsInARowAreServedAfterTheFirst() {
        for seed in 1...count(1000) {
            var simulation = Self.simulation(seed, latency: 0)
            (simulation.longStalls, simulation.lateAnswers) = (0, 0)
            _ = Self.ask(&simulation)
            simulation.rest(60_000_000)
            for number in 0..<20 { #expect(Self.ask(&simulation), "seed \(seed), request \(number)") }
        }
    }

    /// Also where another host stood still in the middle of a request, or the daemon was killed there.
    @Test(arguments: [Handshake.strict, .fast]) func noSTATEOfATransferThatWasLeftStays(_ handshake: Handshake) {
        for access in 1...40 {
            for kills in [false, true] {
                var simulation = Self.simulation(access, handshake, latency: 0)
                _ = simulation.transfer(HostConfiguration(.linux), [0x18, 0x01, 7], responseLength: 3)
                if kills { simulation.killsBefore = access }
                simulation.abandon([0x18, 0x01, 7], after: access)
                simulation.rest(10_200_000_000)
                // Where the last host recovered, one that leaves is not expected until one has.
                let isServed = (1...3).contains { _ in
                    simulation.rest(120_000_000)
                    return Self.ask(&simulation)
                }
                #expect(isServed, "left after \(access) accesses, killed \(kills)")
            }
        }
    }
}
