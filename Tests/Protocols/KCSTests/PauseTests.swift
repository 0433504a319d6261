// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// Hosts that stand still, as firmware in SMM, a kernel that is single-stepped and a loaded machine do.
@Suite struct PauseTests {
    /// Where a host stands still.
    enum Place: CaseIterable {
        case beforeWrite
        case beforeOutput
        case afterWrite
    }

    static let request: [UInt8] = [0x18, 0x04, 1, 2, 3, 4]
    static let declared = [RequestLength(netFn: 6, command: 4, shortest: 6, longest: 6)]
    static let answer = HostResult.success(World.answer(to: request, length: 8))

    /// One request that begins right after another one. `stands` is asked before each of the host's accesses with their count
    /// and place.
    static func outcome(
        _ temperament: HostTemperament, _ lengths: [RequestLength], pause: UInt64, retries: Int = 0,
        stands: @escaping (Int, Place?) -> Bool
    ) -> (result: HostResult?, accesses: Int) {
        var configuration = TransferConfiguration(.strict, for: temperament)
        configuration.requestLengths = lengths
        var simulation = Simulation(driver: .v2, configuration: configuration, temperament: temperament, seed: 1)
        (simulation.hostStalls, simulation.longStalls, simulation.lateAnswers) = (0, 0, 0)
        var host = HostConfiguration(temperament)
        // FreeIPMI looks a thousand times as often, which shows nothing more here.
        host.pollInterval = max(host.pollInterval, 100_000)
        _ = simulation.transfer(host, [0x18, 0x01], responseLength: 3)
        host.retries = retries
        var accesses = 0
        var wrote = false
        simulation.beforeAccess = { host in
            // The time before a request is nobody's business.
            if host.step == .start || host.step == .clearBeforeStart { return 0 }
            accesses += 1
            var place: Place?
            switch host.queue.first {
            case .writeData, .writeCommand: place = .beforeWrite
            case .readData: place = .beforeOutput
            default: place = wrote ? .afterWrite : nil
            }
            wrote = place == .beforeWrite
            return stands(accesses, place) ? pause : 0
        }
        let result = simulation.transfer(host, request, responseLength: 8)
        return (result, accesses)
    }

    static let pauses: [UInt64] = [
        1_000_000, 20_000_000, 49_000_000, 51_000_000, 60_000_000, 200_000_000, 4_000_000_000,
    ]

    static func check(_ temperament: HostTemperament, _ lengths: [RequestLength], retries: Int) {
        for pause in pauses {
            let accesses = outcome(temperament, lengths, pause: pause) { _, _ in false }.accesses
            for access in 1...accesses {
                let once = outcome(temperament, lengths, pause: pause, retries: retries) { count, _ in count == access }
                #expect(once.result == answer, "\(pause) ns before access \(access)")
            }
            for place in Place.allCases {
                let always = outcome(temperament, lengths, pause: pause, retries: retries) { _, at in at == place }
                #expect(always.result == answer, "\(pause) ns, always \(place)")
            }
        }
    }

    @Test(arguments: HostTemperament.allCases) func aRequestOfDeclaredLengthIsAnsweredWhereverItsHostStandsStill(
        _ temperament: HostTemperament
    ) {
        Self.check(temperament, Self.declared, retries: 0)
    }

    /// FreeIPMI does not retry.
    @Test(arguments: [HostTemperament.linux, .edk2]) func aHostThatRetriesGetsThroughWithoutADeclaredLength(
        _ temperament: HostTemperament
    ) {
        Self.check(temperament, [], retries: 3)
    }
}
