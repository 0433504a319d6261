// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// A handshake that is for another driver notices; one that is for its driver does not, whatever hosts do.
@Suite struct DriverDoubtTests {
    /// What is thought of the driver after some requests of a host that stands still for `pause` before each write.
    static func doubt(
        _ handshake: Handshake, _ driver: Driver, _ temperament: HostTemperament, requests: Int, pause: UInt64 = 0
    ) -> DriverDoubt? {
        var simulation = Simulation(
            driver: driver, configuration: TransferConfiguration(handshake, for: temperament), temperament: temperament,
            seed: 5)
        simulation.beforeAccess = { host in
            switch host.queue.first {
            case .writeData, .writeCommand: pause
            default: 0
            }
        }
        for _ in 0..<requests {
            _ = simulation.transfer(HostConfiguration(temperament), PauseTests.request, responseLength: 8)
        }
        return simulation.world.machine.driverDoubt
    }

    @Test(arguments: HostTemperament.allCases) func strictNoticesADriverThatKeepsIDRInItsFirstRequests(
        _ temperament: HostTemperament
    ) {
        #expect(Self.doubt(.strict, .deferred, temperament, requests: 3) == .keepsInput)
    }

    /// EDK II, which looks a millisecond later, mostly finds what it wants.
    @Test(arguments: [HostTemperament.linux, .freeipmi]) func fastNoticesADriverThatTakesIDR(
        _ temperament: HostTemperament
    ) {
        #expect(Self.doubt(.fast, .v2, temperament, requests: 40) == .takesInput)
    }

    @Test(arguments: HostTemperament.allCases) func nothingIsDoubtedOnTheDriverThatIsMeant(
        _ temperament: HostTemperament
    ) {
        #expect(Self.doubt(.strict, .v2, temperament, requests: count(10_000)) == nil)
        #expect(Self.doubt(.fast, .deferred, temperament, requests: count(10_000)) == nil)
        for pause: UInt64 in [1_000_000, 45_000_000, 51_000_000, 60_000_000, 1_000_000_000] {
            #expect(Self.doubt(.strict, .v2, temperament, requests: 10, pause: pause) == nil, "\(pause) ns")
            #expect(Self.doubt(.fast, .deferred, temperament, requests: 10, pause: pause) == nil, "\(pause) ns")
        }
    }
}
