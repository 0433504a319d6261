// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// What becomes of events when there is no room for them.
@Suite struct FullLogTests {
    private let second: UInt64 = 1_000_000_000

    private func filled(_ count: Int, _ change: (inout ControllerConfiguration) -> Void) throws -> Bench {
        let bench = startedBench(change)
        for index in 0..<count { _ = try bench.data(0x0A, 0x44, entry(index)) }
        return bench
    }

    private func heat(_ bench: Bench, _ degrees: Int64) {
        bench.values[0] = degrees * 1000
        bench.pass(second)
    }

    @Test func aFullLogThatWrapsDropsItsOldestOverRestartsAsWell() throws {
        let bench = try filled(35) { $0.selWraps = true }
        #expect(payloads(bench) == [Int](3..<35))
        #expect(try bench.data(0x0A, 0x40)[13] == 0x0F, "nothing was refused")
        #expect(payloads(restarted(bench)) == [Int](3..<35))
        heat(bench, 70)
        #expect(ids(bench).count == 32 && payloads(bench)[0] == 4, "the controller's own events, too")
        #expect(bench.controller.figures(now: bench.now).lost == 0)
    }

    @Test func theControllersOwnEventsThatAFullLogLosesAreCountedAndSaid() throws {
        let bench = try filled(4) { $0.selCapacity = 4 }
        heat(bench, 90)
        #expect(bench.controller.figures(now: bench.now).lost == 2)
        #expect(bench.logs.filter { $0 == "the event log is full, 1 events lost so far" }.count == 1, "once a minute")
        #expect(try bench.data(0x0A, 0x40)[13] == 0x8F, "the host sees the overflow")
    }

    @Test func aLogThatIsAlmostFullIsAnEventOnceUntilItIsCleared() throws {
        let bench = try filled(29) { _ in }
        let event = try bench.data(0x0A, 0x43, [0, 0, 0xFF, 0xFF, 0, 0xFF])
        #expect([UInt8](event[12...]) == [0x10, 0xFD, 0x6F, 0x05, 0xFF, 0xFF])
        #expect(try bench.data(0x0A, 0x40)[1] == 30)
        _ = try bench.data(0x0A, 0x44, entry(29))
        #expect(try bench.data(0x0A, 0x40)[1] == 31, "one event only")
        #expect(try bench.data(0x04, 0x2D, [0xFD])[2...] == [0x20, 0x80])
        _ = try bench.data(0x0A, 0x44, entry(30))
        #expect(try bench.data(0x04, 0x2D, [0xFD])[2...] == [0x30, 0x80], "full, and almost full")
        _ = try bench.data(0x0A, 0x47, bench.data(0x0A, 0x42) + [0x43, 0x4C, 0x52, 0xAA])
        #expect(try bench.data(0x0A, 0x40)[1] == 0, "that it is empty is none")
        #expect(try bench.data(0x04, 0x2D, [0xFD])[2...] == [0x00, 0x80])
    }

    @Test func aRestartDoesNotReportAlmostFullAgain() throws {
        let next = restarted(try filled(29) { _ in })
        next.pass(second)
        #expect(ids(next).count == 30)
    }

    @Test func aPlatformEventFillsTheEventBufferEvenWhenTheLogIsFull() throws {
        let bench = try filled(4) { $0.selCapacity = 4 }
        _ = try bench.data(0x06, 0x2E, [0x0C])
        #expect(bench.code(0x04, 0x02, [0x41, 4, 1, 0x30, 1, 0x59, 1, 2]) == 0xC4)
        #expect(bench.attention)
        #expect(try bench.data(0x06, 0x35)[7...] == [0x41, 0, 4, 1, 0x30, 1, 0x59, 1, 2])
    }

    @Test func unspecifiedTimeIsRefusedAndStampsStopBeforeIt() throws {
        let bench = startedBench()
        #expect(bench.code(0x0A, 0x49, [0xFF, 0xFF, 0xFF, 0xFF]) == 0xCC)
        #expect(bench.code(0x0A, 0x29, [0xFF, 0xFF, 0xFF, 0xFF]) == 0xCC, "of the repository as well")
        _ = try bench.data(0x0A, 0x49, [0xFD, 0xFF, 0xFF, 0xFF])
        bench.pass(60 * second)
        #expect(try bench.data(0x0A, 0x48) == [0xFE, 0xFF, 0xFF, 0xFF])
        _ = try bench.data(0x0A, 0x44, entry(1))
        #expect(try bench.data(0x0A, 0x43, [0, 0, 0, 0, 0, 0xFF])[5...8] == [0xFE, 0xFF, 0xFF, 0xFF])
    }
}
