// SPDX-License-Identifier: Apache-2.0

import DriverModel
import Testing

@testable import KCS

/// The transitions and error codes of IPMI 2.0 §9, on a driver without a race.
@Suite struct TransferMachineTests {
    @Test func aRequestIsDeliveredWholeAndItsAnswerRead() {
        let bench = Bench.fast()
        bench.answers = false
        bench.write([0x18, 0x01, 0x02, 0x03])
        #expect(bench.world.delivered == [0x18, 0x01, 0x02, 0x03])
        #expect(bench.state == .read)
        #expect(!bench.status.contains(.obf))
        bench.answers = true
        bench.run()
        #expect(bench.readResponse() == [0x1C, 0x01, 0x00])
        #expect(bench.state == .idle)
        #expect(bench.output() == 0)
        #expect(bench.counters.completed == 1)
    }

    @Test func eachByteOfTheWritePhaseIsAnsweredWithWriteAndADummy() {
        let bench = Bench.fast()
        for (value, command) in [(UInt8(0x61), true), (0x18, false), (0x01, false), (0x62, true)] {
            if command { bench.command(value) } else { bench.data(value) }
            #expect(bench.state == .write)
            #expect(bench.output() == 0)
        }
    }

    @Test func writeEndWithoutDataEntersErrorState() {
        let bench = Bench.fast()
        bench.command(0x62)
        #expect(bench.state == .error)
        #expect(bench.output() == 0)
        bench.command(0x61)
        bench.output()
        bench.command(0x62)
        #expect(bench.state == .error)
        #expect(bench.works())
    }

    @Test func aRequestOfOneByteEntersErrorState() {
        let bench = Bench.fast()
        bench.command(0x61)
        bench.command(0x62)
        bench.data(0x18)
        #expect(bench.state == .error)
        #expect(bench.world.delivered == nil)
        #expect(bench.works())
    }

    @Test func writeStartIsTakenInEachPhase() {
        let prefixes: [[(UInt8, Bool)]] = [
            [], [(0x61, true)], [(0x61, true), (0x18, false)], [(0x61, true), (0x18, false), (0x62, true)],
            [(0x61, true), (0x18, false), (0x62, true), (1, false)],
            [(0x61, true), (0x18, false), (0x62, true), (1, false), (0x68, false)],
            [(0x60, true)], [(0x60, true), (0, false)], [(0x63, true)], [(0, false)],
        ]
        for prefix in prefixes {
            let bench = Bench.fast()
            for (value, command) in prefix {
                bench.output()
                if command { bench.command(value) } else { bench.data(value) }
            }
            #expect(bench.works(), "\(prefix)")
        }
    }

    @Test func dataWhileIdleEntersErrorState() {
        let bench = Bench.fast()
        bench.data(0x18)
        #expect(bench.state == .error)
        #expect(bench.abort() == 0x01)
    }

    @Test(arguments: [UInt8(0x63), 0xFF, 0x00, 0x68]) func anIllegalControlCodeHasErrorCode02(_ code: UInt8) {
        let bench = Bench.fast()
        bench.command(code)
        #expect(bench.state == .error)
        #expect(bench.abort() == 0x02)
        #expect(bench.works())
    }

    @Test func abortWhileWritingHasErrorCode01() {
        let bench = Bench.fast()
        bench.command(0x61)
        bench.output()
        bench.data(0x18)
        #expect(bench.abort() == 0x01)
        #expect(bench.works())
    }

    @Test func abortWhileReadingEndsTheResponse() {
        let bench = Bench.fast()
        bench.write([0x18, 0x01])
        _ = bench.output()
        #expect(bench.abort() == 0x01)
        #expect(bench.works())
    }

    @Test func abortTwiceInARowGivesTheCodeOnce() {
        let bench = Bench.fast()
        bench.command(0x60)
        bench.output()
        bench.command(0x60)
        bench.output()
        bench.data(0)
        #expect(bench.state == .read)
        #expect(bench.output() == 0x01)
        bench.data(0x68)
        #expect(bench.state == .idle)
        #expect(bench.abort() == 0x01)
    }

    @Test func writeStartClearsTheErrorCode() {
        let bench = Bench.fast()
        bench.command(0x63)
        #expect(bench.works())
        #expect(bench.abort() == 0x01)
    }

    @Test func anotherByteThanREADWhileReadingEntersErrorState() {
        let bench = Bench.fast()
        bench.write([0x18, 0x01])
        _ = bench.output()
        bench.data(0x67)
        #expect(bench.state == .error)
        #expect(bench.works())
    }

    @Test func oneREADTooManyEntersErrorState() {
        let bench = Bench.fast()
        #expect(bench.works())
        bench.data(0x68)
        #expect(bench.state == .error)
        #expect(bench.works())
    }

    @Test(arguments: [Handshake.fast, .strict]) func aRequestThatIsTooLongHasErrorCode06(_ handshake: Handshake) {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        #expect(bench.works())
        bench.answers = false
        bench.write([UInt8](repeating: 0x18, count: TransferMachine.requestCapacity))
        #expect(bench.world.delivered?.count == TransferMachine.requestCapacity)
        bench.command(0x61)
        for _ in 0...TransferMachine.requestCapacity {
            bench.output()
            bench.data(0x18)
        }
        bench.run(for: 200_000_000)
        #expect(bench.counters.errors == 1)
        if handshake == .fast {
            #expect(bench.state == .error)
            #expect(bench.abort() == 0x06)
        }
        #expect(bench.works())
    }

    @Test func aHostThatStopsInTheMiddleOfAWriteMayGoOn() {
        let bench = Bench.fast()
        bench.command(0x61)
        bench.output()
        bench.data(0x18)
        bench.run(for: 4_000_000_000)
        #expect(bench.state == .write)
        // Another host may begin from here, or this one go on.
        bench.run(for: 16_000_000_000)
        #expect(bench.state == .idle)
        bench.output()
        bench.command(0x62)
        bench.output()
        bench.data(0x01)
        #expect(bench.readResponse() == [0x1C, 0x01, 0x00])
    }

    @Test(arguments: [
        ([UInt8](), [0x1C, 0x01, 0xFF] as [UInt8]), ([0x1C], [0x1C, 0x01, 0xFF]), ([0x1C, 0x09], [0x1C, 0x09, 0xFF]),
    ])
    func aShortAnswerIsFilledUp(_ given: [UInt8], _ read: [UInt8]) throws {
        let bench = Bench.fast()
        bench.answers = false
        bench.write([0x18, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        bench.world.delivered = nil
        #expect(bench.reply(token, given) == .accepted)
        bench.world.daemon = .running
        bench.run()
        #expect(bench.readResponse() == read)
    }

    @Test func anAnswerThatIsTooLongIsRefusedAndStaysOwed() throws {
        let bench = Bench.fast()
        bench.answers = false
        bench.write([0x18, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        let long = [UInt8](repeating: 0, count: TransferMachine.responseCapacity + 1)
        #expect(bench.reply(token, long) == .tooLong)
        #expect(bench.world.machine.owedToken == token)
    }

    @Test(arguments: [Handshake.fast, .strict]) func aRequestWithoutAnswerGetsC3(_ handshake: Handshake) throws {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        bench.answers = false
        bench.write([0x18, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        bench.run(for: 3_900_000_000)
        #expect(bench.state == .read && !bench.status.contains(.obf))
        bench.run(for: 200_000_000)
        #expect(bench.world.ended == .expired)
        #expect(bench.reply(token, [1, 2, 3]) == .stale)
        #expect(bench.readResponse() == [0x1C, 0x01, 0xC3])
        #expect(bench.counters.expired == 1)
    }

    @Test(arguments: [Handshake.fast, .strict]) func anAnswerAfterAnAbortIsStale(_ handshake: Handshake) throws {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        bench.answers = false
        bench.write([0x18, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        #expect(bench.abort() == 0x01)
        #expect(bench.world.ended == .aborted)
        #expect(bench.reply(token, [1, 2, 3]) == .stale)
        #expect(bench.counters.stale == 1)
        #expect(bench.works())
    }

    @Test(arguments: [Handshake.fast, .strict]) func aNewRequestDropsTheOldersAnswer(_ handshake: Handshake) throws {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        bench.answers = false
        bench.write([0x18, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        bench.write([0x18, 0x02])
        #expect(bench.world.delivered == [0x18, 0x02])
        #expect(bench.reply(token, [1, 2, 3]) == .stale)
        bench.answers = true
        bench.run()
        #expect(bench.readResponse() == [0x1C, 0x02, 0x00])
    }

    @Test(arguments: [Handshake.fast, .strict]) func nothingToAnswerWaitsForTheNextRequest(_ handshake: Handshake)
        throws
    {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        bench.answers = false
        bench.write([0xB0, 0x01])
        let token = try #require(bench.world.machine.owedToken)
        bench.world.delivered = nil
        #expect(bench.withhold(token) == .accepted)
        bench.world.daemon = .running
        bench.run()
        // The strict handshake shows beforehand what the next WRITE_START is to find.
        #expect(bench.state == (handshake == .fast ? .read : .write))
        if handshake == .fast { #expect(!bench.status.contains(.obf)) }
        #expect(bench.works())
    }

    @Test(arguments: [Handshake.fast, .strict]) func SMS_ATNIsKeptInEachState(_ handshake: Handshake) {
        let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
        bench.world.machine.setAttention(true)
        bench.world.daemon = .running
        bench.run()
        #expect(bench.status.contains(.smsAttention))
        bench.command(0x61)
        #expect(bench.status.contains(.smsAttention))
        bench.output()
        bench.data(0x18)
        bench.world.machine.setAttention(false)
        bench.world.daemon = .running
        bench.run(for: 1000)
        #expect(!bench.status.contains(.smsAttention))
        #expect(bench.state == .write)
        bench.world.machine.setAttention(true)
        #expect(bench.works())
        #expect(bench.status.contains(.smsAttention))
    }

    @Test(arguments: [Handshake.fast, .strict]) func stopLeavesErrorAnEmptyODRAndAnEmptyDriver(_ handshake: Handshake) {
        for steps in 0..<5 {
            let bench = Bench(handshake, driver: handshake == .fast ? .deferred : .v2)
            bench.world.machine.setAttention(true)
            let writes: [(UInt8, Bool)] = [(0x61, true), (0x18, false), (0x62, true), (0x01, false)]
            for (value, command) in writes.prefix(steps) {
                bench.output()
                if command { bench.command(value) } else { bench.data(value) }
            }
            bench.world.machine.stop()
            bench.world.daemon = .running
            bench.run()
            #expect(bench.last() == .stopped)
            #expect(bench.state == .error)
            #expect(!bench.status.contains(.obf))
            #expect(bench.status.contains(.smsAttention))
            #expect(!bench.world.device.isReadable && !bench.world.device.isInputFull)
        }
    }

    @Test(arguments: [Handshake.fast, .strict]) func aRestartAfterAKillServesTheNextRequest(_ handshake: Handshake) {
        let driver: Driver = handshake == .fast ? .deferred : .v2
        let writes: [(UInt8, Bool)] = [
            (0x61, true), (0x18, false), (0x62, true), (0x01, false), (0x68, false), (0x68, false), (0x68, false),
        ]
        for steps in 0...writes.count {
            let bench = Bench(handshake, driver: driver)
            for (value, command) in writes.prefix(steps) {
                bench.output()
                if command { bench.command(value) } else { bench.data(value) }
            }
            // Killed, opened again, and drained.
            bench.world.device.close()
            _ = bench.world.device.open()
            var stale = 0
            while bench.world.device.poll0.contains(.input) {
                _ = bench.world.device.read(offset: 0, count: 1)
                stale += 1
            }
            bench.world.machine = TransferMachine(TransferConfiguration(handshake: handshake))
            bench.world.machine.started(
                StatusRegister(rawValue: bench.world.device.readStatus()), staleBytes: stale, now: bench.world.now)
            bench.world.daemon = .running
            bench.world.delivered = nil
            bench.run()
            #expect(bench.works(), "after \(steps) steps")
        }
    }
}
