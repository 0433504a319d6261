// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

@Suite struct WatchdogTests {
    private let second: UInt64 = 1_000_000_000

    @Test func resetBeforeSetIs80() {
        #expect(startedBench().code(0x06, 0x22) == 0x80)
    }

    @Test func setDoesNotStartAndResetDoes() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 50, 0])
        bench.pass(60 * second)
        #expect(try bench.data(0x06, 0x25) == [4, 1, 0, 0, 50, 0, 50, 0])
        _ = try bench.data(0x06, 0x22)
        bench.pass(2 * second)
        #expect(try bench.data(0x06, 0x25) == [0x44, 1, 0, 0, 50, 0, 30, 0])
        #expect(bench.actions.isEmpty)
    }

    @Test func expiryActsOnceSetsItsFlagAndIsLogged() throws {
        for (code, action) in [
            (1, PlatformAction.watchdogReset), (2, .watchdogPowerOff), (3, .watchdogPowerCycle),
        ] {
            let bench = startedBench()
            _ = try bench.data(0x06, 0x24, [0x04, UInt8(code), 0, 0, 50, 0])
            _ = try bench.data(0x06, 0x22)
            bench.pass(5 * second - 1)
            #expect(bench.actions.isEmpty)
            bench.pass(1)
            #expect(bench.actions == [action])
            #expect(try bench.data(0x06, 0x25) == [4, UInt8(code), 0, 0x10, 50, 0, 0, 0])
            let event = try bench.data(0x0A, 0x43, [0, 0, 0, 0, 0, 0xFF])
            #expect([UInt8](event[12...]) == [0x23, 0xFE, 0x6F, 0xC0 | UInt8(code), 0x04, 0xFF])
            bench.pass(60 * second)
            #expect(bench.actions == [action])
            #expect(try bench.data(0x00, 0x07)[0] == 4)
            // The flag goes when it is asked to.
            _ = try bench.data(0x06, 0x24, [0x04, 0, 0, 0x10, 50, 0])
            #expect(try bench.data(0x06, 0x25)[3] == 0)
        }
    }

    @Test func whatNothingCarriesOutIsRefusedAtSet() throws {
        let bench = startedBench { $0.actions = [] }
        for action: UInt8 in 1...3 { #expect(bench.code(0x06, 0x24, [4, action, 0, 0, 10, 0]) == 0xCC) }
        #expect(bench.code(0x06, 0x24, [4, 0x20, 0, 0, 10, 0]) == 0xCC, "an NMI needs actions")
        #expect(bench.code(0x06, 0x24, [4, 0x10, 0, 0, 10, 0]) == 0xCC, "nothing makes an SMI")
        #expect(bench.code(0x06, 0x22) == 0x80, "nothing was set")
        #expect(bench.code(0x06, 0x24, [4, 0x30, 0, 0, 10, 0]) == 0x00, "the messaging interrupt is SMS_ATN")
        #expect(startedBench().code(0x06, 0x24, [4, 0x10, 0, 0, 10, 0]) == 0xCC)
        let some = startedBench { $0.actions = [ActionSet(.watchdogReset), ActionSet(.diagnostic)] }
        #expect(some.code(0x06, 0x24, [4, 0x21, 0, 0, 10, 0]) == 0x00)
        #expect(some.code(0x06, 0x24, [4, 2, 0, 0, 10, 0]) == 0xCC)
    }

    @Test func preTimeoutNMIRunsTheDiagnosticActions() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 0x21, 2, 0, 50, 0])
        _ = try bench.data(0x06, 0x22)
        bench.pass(3 * second)
        #expect(bench.actions == [.diagnostic])
        bench.pass(2 * second)
        #expect(bench.actions == [.diagnostic, .watchdogReset])
    }

    @Test func expiryShowsItsActionOnTheWatchdogsSensorUntilItsFlagIsCleared() throws {
        for action: UInt8 in 0...3 {
            let bench = startedBench()
            _ = try bench.data(0x06, 0x24, [4, action, 0, 0, 10, 0])
            _ = try bench.data(0x06, 0x22)
            #expect(try bench.data(0x04, 0x2D, [0xFE])[2...] == [0, 0x80])
            bench.pass(second)
            #expect(try bench.data(0x04, 0x2D, [0xFE])[2...] == [1 << action, 0x80])
            _ = try bench.data(0x06, 0x24, [4, action, 0, 0x10, 10, 0])
            #expect(try bench.data(0x04, 0x2D, [0xFE])[2...] == [0, 0x80])
        }
    }

    /// The clock goes on, and nobody looks.
    private func stall(_ bench: Bench, _ time: UInt64) {
        bench.now += time
        bench.controller.tick(now: bench.now, wall: bench.wall)
        bench.settle()
    }

    @Test func aTimerThatIsLookedAtLateWaitsForWhatTheHostMaySend() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 100, 0])
        _ = try bench.data(0x06, 0x22)
        stall(bench, 10 * second + second / 2)
        #expect(bench.actions.isEmpty, "the reset may wait in IDR")
        _ = try bench.data(0x06, 0x22)
        bench.pass(10 * second - 1)
        #expect(bench.actions.isEmpty)
        bench.pass(1)
        #expect(bench.actions == [.watchdogReset])
    }

    @Test func aStallGivesTheHostItsGraceOnce() throws {
        for (countdown, grace) in [(50, 5), (1000, 30)] as [(Int, UInt64)] {
            let bench = startedBench()
            _ = try bench.data(0x06, 0x24, [4, 1, 0, 0] + little(countdown))
            _ = try bench.data(0x06, 0x22)
            stall(bench, 1000 * second)
            #expect(bench.actions.isEmpty)
            #expect(bench.logs.contains("watchdog: the host could not be heard, the timer has \(grace) s"))
            bench.pass(grace * second - 1)
            #expect(bench.actions.isEmpty)
            stall(bench, 5 * second)
            #expect(bench.actions == [.watchdogReset], "once a countdown")
        }
    }

    @Test func statusTellsWhatIsLeftOfTheCountdown() throws {
        let bench = startedBench()
        #expect(bench.controller.figures(now: bench.now).watchdogMilliseconds == nil)
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 50, 0])
        _ = try bench.data(0x06, 0x22)
        bench.pass(2 * second)
        #expect(bench.controller.figures(now: bench.now).watchdogMilliseconds == 3000)
    }

    @Test func dontLogKeepsTheLogEmpty() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [0x84, 0, 0, 0, 10, 0])
        _ = try bench.data(0x06, 0x22)
        bench.pass(2 * second)
        #expect(try bench.data(0x06, 0x25)[3] == 0x10)
        #expect(try bench.data(0x0A, 0x40)[1] == 0)
    }

    @Test func resetInTimeKeepsItFromExpiring() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 50, 0])
        for _ in 0..<100 {
            _ = try bench.data(0x06, 0x22)
            bench.pass(4 * second)
        }
        #expect(bench.actions.isEmpty)
    }

    @Test func preTimeoutRaisesTheFlagBeforeTheAction() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 0x31, 2, 0, 50, 0])
        _ = try bench.data(0x06, 0x22)
        bench.pass(3 * second)
        #expect(bench.attention && bench.actions.isEmpty)
        #expect(try bench.data(0x06, 0x31) == [0x08])
        _ = try bench.data(0x06, 0x30, [0x08])
        #expect(!bench.attention)
        bench.pass(2 * second)
        #expect(bench.actions == [.watchdogReset])
        #expect(try bench.data(0x0A, 0x40)[1] == 2, "pre-timeout and expiry are both logged")
    }

    @Test func invalidFieldsAreCCAndKeepTheTimer() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 50, 0])
        for bad: [UInt8] in [
            [0, 1, 0, 0, 50, 0], [6, 1, 0, 0, 50, 0], [0x0C, 1, 0, 0, 50, 0], [4, 4, 0, 0, 50, 0],
            [4, 0x41, 0, 0, 50, 0], [4, 0x11, 6, 0, 50, 0],
        ] {
            #expect(bench.code(0x06, 0x24, bad) == 0xCC, "\(bad)")
        }
        #expect(try bench.data(0x06, 0x25) == [4, 1, 0, 0, 50, 0, 50, 0])
    }

    @Test func dontStopBitLetsARunningTimerGoOnFromTheNewValue() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 50, 0])
        _ = try bench.data(0x06, 0x24, [0x44, 1, 0, 0, 50, 0])
        #expect(try bench.data(0x06, 0x25)[0] == 4, "a stopped one stays stopped")
        _ = try bench.data(0x06, 0x22)
        bench.pass(4 * second)
        _ = try bench.data(0x06, 0x24, [0x44, 1, 0, 0, 100, 0])
        #expect(try bench.data(0x06, 0x25) == [0x44, 1, 0, 0, 100, 0, 100, 0])
        bench.pass(10 * second)
        #expect(bench.actions == [.watchdogReset])
    }

    @Test func runningTimerSurvivesAReload() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 100, 0])
        _ = try bench.data(0x06, 0x2E, [0x0F])
        _ = try bench.data(0x06, 0x22)
        bench.pass(3 * second)
        let snapshot = bench.controller.snapshot(now: bench.now)
        let next = Bench(fullConfiguration(), after: bench)
        next.now += second
        #expect(next.controller.restore(snapshot, now: next.now))
        next.start()
        #expect(try next.data(0x06, 0x25) == [0x44, 1, 0, 0, 100, 0, 100, 0], "the grace is the whole countdown")
        #expect(try next.data(0x06, 0x2F) == [0x0F])
        next.pass(10 * second)
        #expect(next.actions == [.watchdogReset])
    }

    @Test func timerThatRanOutDuringAReloadGivesTheHostItsGrace() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 10, 0])
        _ = try bench.data(0x06, 0x22)
        let next = Bench(fullConfiguration(), after: bench)
        next.now += 5 * second
        #expect(next.controller.restore(bench.controller.snapshot(now: bench.now), now: next.now))
        next.start()
        next.pass(second - 1)
        #expect(next.actions.isEmpty)
        next.pass(1)
        #expect(next.actions == [.watchdogReset])
    }

    @Test func stateFromBeforeARebootOfTheBMCIsDropped() throws {
        let bench = startedBench()
        bench.now += 1_000_000 * second
        _ = try bench.data(0x06, 0x24, [4, 1, 0, 0, 10, 0])
        _ = try bench.data(0x06, 0x22)
        let next = Bench(fullConfiguration(), after: bench)
        next.now = 5 * second
        #expect(next.controller.restore(bench.controller.snapshot(now: bench.now), now: next.now))
        next.start()
        #expect(try next.data(0x06, 0x25)[0] & 0x40 == 0)
    }

    @Test func anyDamageOfASnapshotIsRefused() {
        let snapshot = startedBench().controller.snapshot(now: 0)
        for index in 0..<snapshot.count {
            var damaged = snapshot
            damaged[index] ^= 0x01
            #expect(!startedBench().controller.restore(damaged, now: 0), "byte \(index)")
            #expect(!startedBench().controller.restore([UInt8](snapshot[0..<index]), now: 0))
        }
    }
}
