// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// The strict handshake on the driver as posted.
@Suite struct StrictHandshakeTests {
    @Test func aByteStaysUnreadAfterATransferAndIDLEIsShown() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.works())
        #expect(bench.state == .idle)
        #expect(bench.world.device.isReadable)
        #expect(bench.world.machine.rest == .armed)
    }

    @Test func WRITEIsShownWhileNothingIsUnread() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.state == .write)
        #expect(!bench.world.device.isReadable)
    }

    @Test func anIdleMachineParksNothingForLongAndLooksNoMore() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.works())
        bench.run(for: 51_000_000)
        #expect(bench.state == .write && !bench.world.device.isReadable)
        let before = bench.counters.looks
        bench.run(for: 10_000_000_000)
        #expect(bench.counters.looks == before)
        #expect(bench.works())
    }

    @Test(arguments: [0, 10_000_000, 49_000_000, 51_000_000, 500_000_000] as [UInt64], HostTemperament.allCases)
    func aStrayByteAtIdleKeepsIBFSetForLessThan100msAndTheSecondAttemptIsServed(
        after pause: UInt64, _ temperament: HostTemperament
    ) {
        for value in [0x55, ControlCode.read, ControlCode.writeStart, ControlCode.getStatusAbort, 0x00] as [UInt8] {
            var simulation = Simulation(
                driver: .v2, configuration: TransferConfiguration(.strict, for: temperament), temperament: temperament,
                seed: pause &+ UInt64(value))
            let host = HostConfiguration(temperament)
            _ = simulation.transfer(host, [0x18, 0x01], responseLength: 3)
            simulation.rest(pause)
            simulation.hostWrites(value, command: false)
            simulation.rest(100_000_000)
            #expect(simulation.world.device.hostReadsStatus() & 0x02 == 0, "a stray \(value)")
            if value == 0x55 { #expect(simulation.world.machine.counters.strays == 1) }
            // A host without recovery waits until a command that the stray may have been is given up.
            if temperament == .manageability { simulation.rest(5_100_000_000) }
            let results = (0..<2).map { _ in
                defer { simulation.rest(100_000_000) }
                return simulation.transfer(host, [0x18, 0x01], responseLength: 3)
            }
            let wanted = HostResult.success(World.answer(to: [0x18, 0x01], length: 3))
            #expect(results.contains(wanted), "a stray \(value): \(results)")
        }
    }

    @Test func noLooksWhileNothingIsUnread() {
        let bench = Bench(.strict, driver: .v2)
        let before = bench.counters.looks
        bench.run(for: 10_000_000_000)
        #expect(bench.counters.looks == before)
    }

    @Test func theFirstRequestAfterAStartIsServedToAHostWithoutRetries() {
        for seed in 1...200 {
            var simulation = Simulation(
                driver: .v2, configuration: TransferConfiguration(handshake: .strict), temperament: .freeipmi,
                seed: UInt64(seed))
            simulation.rest(1_000_000)
            let result = simulation.transfer(HostConfiguration(.freeipmi), [0x18, 0x01], responseLength: 15)
            #expect(result == .success(World.answer(to: [0x18, 0x01], length: 15)), "seed \(seed)")
        }
    }

    /// Hosts that begin anew while the daemon is late: nobody is left waiting for a time-out of the host's own.
    @Test(arguments: [HostTemperament.linux, .edk2]) func aLateDaemonLeavesNoHostWithItsByteInIDR(
        _ temperament: HostTemperament
    ) {
        for seed in 1...count(50_000) {
            var simulation = Simulation(
                driver: .v2, configuration: TransferConfiguration(.strict, for: temperament), temperament: temperament,
                seed: UInt64(seed))
            (simulation.hostStalls, simulation.daemonStalls) = (100_000, 100_000)
            simulation.wakeLatency = [200_000, 2_000_000, 20_000_000][seed % 3]
            var host = HostConfiguration(temperament)
            host.retries = 1000
            for request in 0..<3 {
                let start = simulation.world.now
                let result = simulation.transfer(host, [0x18, 0x01], responseLength: 3)
                #expect(result == .success(World.answer(to: [0x18, 0x01], length: 3)), "seed \(seed), \(request)")
                #expect(simulation.world.now - start < 4_000_000_000, "seed \(seed), request \(request)")
            }
        }
    }

    /// Bytes of a request that look like control codes, hosts that stand still, and a daemon that is late.
    @Test func dataThatLooksLikeACommandIsNeverTakenForOne() {
        let request: [UInt8] = [0xE8, 0x4F, 0x61, 0x31, 0x62, 0x60, 0x61, 0x62, 0x61, 0x3E]
        for seed in 1...count(50_000) {
            var simulation = Simulation(
                driver: .v2, configuration: TransferConfiguration(handshake: .strict), temperament: .linux,
                seed: UInt64(seed))
            (simulation.longStalls, simulation.daemonStalls, simulation.longestStall) = (50_000, 100_000, 120_000_000)
            simulation.wakeLatency = [200_000, 20_000_000, 100_000_000][seed % 3]
            var host = HostConfiguration(.linux)
            host.retries = 1000
            for round in 0..<3 {
                let result = simulation.transfer(host, request, responseLength: 10)
                #expect(result == .success(World.answer(to: request, length: 10)), "seed \(seed), \(round)")
            }
        }
    }

    @Test func aHostThatRecoversAsItsTransferEndsIsNoticedWithin60ms() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.abort() == TransferErrorCode.aborted.rawValue)
        bench.command(ControlCode.getStatusAbort)
        bench.data(0)
        // The host saw a state that it did not like, and reads ODR before it begins anew; that is taken for the read of
        // the error code.
        bench.output()
        #expect(bench.state == .idle)
        bench.output()
        _ = bench.world.device.hostWritesCommand(ControlCode.getStatusAbort)
        bench.world.interrupt()
        _ = bench.world.device.hostWritesData(0)
        bench.run(for: 60_000_000)
        #expect(bench.state == .read)
        #expect(!bench.status.contains(.ibf))
        #expect(bench.output() == TransferErrorCode.aborted.rawValue)
        bench.data(ControlCode.read)
        #expect(bench.state == .idle)
        bench.output()
        #expect(bench.works())
    }

    @Test func aHostThatRecoversRightAfterAnErrorIsNoticedWithin60ms() {
        for retries in 1...3 {
            let bench = Bench(.strict, driver: .v2)
            bench.command(ControlCode.writeEnd)
            #expect(bench.state == .error)
            for _ in 0..<retries {
                while bench.output() != nil {}
                _ = bench.world.device.hostWritesCommand(ControlCode.getStatusAbort)
                bench.world.interrupt()
                _ = bench.world.device.hostWritesData(0)
                bench.run(for: 60_000_000)
                #expect(bench.state == .read && !bench.status.contains(.ibf))
            }
            #expect(bench.output() != nil)
            bench.data(ControlCode.read)
            #expect(bench.state == .idle)
            bench.output()
            #expect(bench.works())
        }
    }

    @Test func aHostThatRecoversAtOnceWhereREADWasToComeIsNoticed() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.works())
        bench.write([0x18, 0x01])
        while bench.state == .read, bench.output() != nil, bench.state == .read { bench.data(ControlCode.read) }
        // In the place of the READ behind the last byte, and so quickly that a host that has done it looks the same.
        #expect(bench.state == .idle)
        _ = bench.world.device.hostReadsData()
        _ = bench.world.device.hostWritesCommand(ControlCode.getStatusAbort)
        bench.world.interrupt()
        _ = bench.world.device.hostWritesData(0)
        bench.run(for: 120_000_000)
        #expect(bench.state == .read && !bench.status.contains(.ibf))
        #expect(bench.output() == TransferErrorCode.aborted.rawValue)
        bench.data(ControlCode.read)
        #expect(bench.state == .idle)
        bench.output()
        #expect(bench.works())
    }

    @Test func aStrayByteWhileIdleDoesNotReachTheHandlerAndACommandTakesItsPlace() {
        let bench = Bench(.strict, driver: .v2)
        #expect(bench.works())
        bench.data(0x55)
        bench.run(for: 1_000_000_000)
        #expect(bench.works())
        #expect(bench.counters.delivered == 2)
    }

    @Test(arguments: HostTemperament.allCases) func aHostThatIgnoresOBFIsServed(_ temperament: HostTemperament) {
        var configuration = HostConfiguration(temperament)
        configuration.ignoresOutput = true
        var simulation = Simulation(
            driver: .v2, configuration: TransferConfiguration(.strict, for: temperament), temperament: temperament,
            seed: 7)
        _ = simulation.transfer(HostConfiguration(temperament), [0x18, 0x01], responseLength: 3)
        var served = 0
        for _ in 0..<20 {
            let result = simulation.transfer(configuration, [0x18, 0x01, 0x02], responseLength: 5)
            if result == .success(World.answer(to: [0x18, 0x01, 0x02], length: 5)) { served += 1 }
        }
        #expect(served == 20)
    }

    @Test func aHostThatLeavesBeforeTheDummyIsServedAgain() {
        var configuration = HostConfiguration(.edk2)
        configuration.leavesAfter = 4
        var simulation = Simulation(
            driver: .v2, configuration: TransferConfiguration(handshake: .strict), temperament: .edk2, seed: 9)
        for _ in 0..<20 {
            let result = simulation.transfer(configuration, [0x18, 0x01, 0x02], responseLength: 5)
            #expect(result == .success([0x1C, 0x01, 0x00, 0x02]))
        }
    }

    @Test func aKnownLengthNeedsNoSettling() {
        let table = [RequestLength(netFn: 6, command: 1, shortest: 20, longest: 20)]
        var looks: [UInt64] = []
        for lengths in [[], table] {
            var configuration = TransferConfiguration(handshake: .strict)
            configuration.requestLengths = lengths
            var simulation = Simulation(driver: .v2, configuration: configuration, temperament: .freeipmi, seed: 5)
            let request = [0x18, 0x01] + [UInt8](repeating: 0x33, count: 18)
            _ = simulation.transfer(HostConfiguration(.freeipmi), [0x18, 0x02], responseLength: 3)
            for _ in 0..<20 {
                let result = simulation.transfer(HostConfiguration(.freeipmi), request, responseLength: 3)
                #expect(result == .success(World.answer(to: request, length: 3)))
            }
            looks.append(simulation.world.machine.counters.looks)
        }
        #expect(looks[1] < looks[0])
    }

    @Test func theTableTellsWhatFollows() {
        let table = [RequestLength(netFn: 6, command: 1, shortest: 3, longest: 5)]
        #expect(table.next(after: 2, of: [0x18]) == .unknown)
        #expect(table.next(after: 1, of: [0x18, 0x01]) == .data)
        #expect(table.next(after: 2, of: [0x19, 0x01]) == .unknown)
        #expect(table.next(after: 4, of: [0x18, 0x01]) == .writeEnd)
        #expect(table.next(after: 4, of: [0x1C, 0x01]) == .unknown)
    }

    @Test func aRequestMaySayItselfHowLongItIs() {
        let counted = RequestLength(
            netFn: 0x2C, command: 1, shortest: 8, longest: 223, count: RequestLength.CountByte(offset: 2, added: 4))
        let table = [counted]
        #expect(table.next(after: 1, of: [0xB0, 0x01]) == .data)
        #expect(table.next(after: 2, of: [0xB0, 0x01]) == .unknown)
        #expect(table.next(after: 10, of: [0xB0, 0x01, 7]) == .writeEnd)
        #expect(table.next(after: 9, of: [0xB0, 0x01, 7]) == .data)
        #expect(table.next(after: 222, of: [0xB0, 0x01, 219]) == .writeEnd)
        // DCMI's and PICMG's requests of the same NetFn and command count nothing.
        #expect(table.next(after: 3, of: [0xB0, 0x01, 0xDC]) == .unknown)
        #expect(table.next(after: 3, of: [0xB0, 0x01, 0]) == .unknown)
        // Two handlers share a command: only what both say is known.
        let both = table + [RequestLength(netFn: 0x2C, command: 1, shortest: 4, longest: 4)]
        #expect(both.next(after: 1, of: [0xB0, 0x01]) == .data)
        #expect(both.next(after: 3, of: [0xB0, 0x01, 7]) == .unknown)
    }
}
