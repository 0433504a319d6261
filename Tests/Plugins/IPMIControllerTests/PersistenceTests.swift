// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

@Suite struct PersistenceTests {
    @Test func responseLeavesOnlyAfterTheStoreHasIt() {
        let bench = startedBench()
        bench.holdJobs = true
        #expect(bench.send(0x0A, 0x44, entry(1)) == nil && bench.lastDisposition == .pending)
        let token = bench.lastToken
        #expect(bench.replies[token] == nil)
        #expect(ids(bench).isEmpty, "not in the log before it is on storage")
        bench.work()
        #expect(bench.replies[token] == [0x2C, 0x44, 0, 1, 0])
        #expect(ids(bench) == [1])
    }

    @Test func everythingPersistentIsThereAfterARestart() throws {
        let bench = startedBench()
        for index in 0..<4 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        let reservation = try bench.data(0x0A, 0x42)
        _ = try bench.data(0x0A, 0x46, reservation + [2, 0])
        _ = try bench.data(0x00, 0x08, [5, 0x80, 0x04, 0, 0, 0])
        _ = try bench.data(0x00, 0x08, [7, 2] + [UInt8](repeating: 9, count: 16))
        _ = try bench.data(0x06, 0x58, [2, 0, 0, 2, 0x61, 0x62])
        _ = try bench.data(0x00, 0x06, [2])
        _ = try bench.data(0x0A, 0x5D, little(90))
        _ = try bench.data(0x0A, 0x49, little(5_000_000, 4))
        let info = try bench.data(0x0A, 0x40)
        let next = restarted(bench)
        #expect(ids(next) == [1, 3, 4])
        #expect(try next.data(0x0A, 0x40) == info)
        #expect(try next.data(0x00, 0x09, [5, 0, 0]) == [1, 5, 0x80, 0x04, 0, 0, 0])
        #expect(try next.data(0x00, 0x09, [7, 2, 0])[3] == 9)
        #expect(try next.data(0x06, 0x59, [0, 2, 0, 0])[4] == 0x61)
        #expect(try next.data(0x00, 0x01)[0] == 0x41)
        #expect(try next.data(0x0A, 0x5C) == little(90))
        #expect(try next.data(0x0A, 0x48) == little(5_000_000, 4))
        #expect(try next.data(0x0A, 0x44, entry(9)) == [5, 0], "IDs go on")
    }

    @Test func powerOnHoursGoOnAfterARestart() throws {
        let bench = startedBench()
        bench.pass(3 * 3_600_000_000_000 + 1_000_000_000)
        #expect(try bench.data(0x00, 0x0F) == [60, 3, 0, 0, 0])
        let next = restarted(bench)
        next.pass(3_600_000_000_000)
        #expect(try next.data(0x00, 0x0F) == [60, 4, 0, 0, 0])
    }

    @Test func theRepositorysTimeChangesWhenItsRecordsDoAndOnlyThen() throws {
        func stamp(_ bench: Bench) throws -> [UInt8] { [UInt8](try bench.data(0x0A, 0x20)[5..<9]) }
        let bench = startedBench()
        let first = try stamp(bench)
        #expect(first == little(1_700_000_000, 4))
        bench.wall += 60_000_000_000
        let same = restarted(bench)
        #expect(try stamp(same) == first)
        // The BMC's clock began anew: the time must differ from all before nevertheless.
        same.wall = 0
        var other = fullConfiguration()
        other.sensors = [temperature()]
        let changed = Bench(other, after: same)
        changed.start()
        #expect(try stamp(changed) == little(1_700_000_001, 4))
        #expect(try stamp(restarted(changed)) != stamp(changed))
    }

    @Test func theRepositorysTimeDoesNotWrapAtItsEnd() throws {
        func stamp(_ bench: Bench) throws -> [UInt8] { [UInt8](try bench.data(0x0A, 0x20)[5..<9]) }
        var bench = startedBench()
        bench.wall = 0x1_0000_0000 * 1_000_000_000
        var other = fullConfiguration()
        other.sensors = [temperature()]
        // The clock stands at its end, and the records go to and fro: each time another than before, and never "no time".
        var stamps: [[UInt8]] = []
        for configuration in [other, fullConfiguration(), other] {
            bench = Bench(configuration, after: bench)
            bench.start()
            stamps.append(try stamp(bench))
        }
        #expect(stamps == [little(0xFFFF_FFFE, 4), little(0xFFFF_FFFD, 4), little(0xFFFF_FFFE, 4)])
    }

    @Test func failingStoreAnswersAnErrorChangesNothingAndGoesOn() throws {
        for (result, code) in [(StoreResult.full, 0xC4), (.failed, 0xFF), (.unknown, 0xFF)] {
            let bench = startedBench()
            _ = try bench.data(0x0A, 0x44, entry(0))
            bench.results = [result, result, result]
            #expect(bench.code(0x0A, 0x44, entry(1)) == UInt8(code))
            #expect(bench.code(0x00, 0x08, [5, 0x80, 0x04, 0, 0, 0]) == UInt8(code))
            #expect(bench.code(0x0A, 0x12, [0, 0, 0, 9]) == UInt8(code))
            #expect(try bench.data(0x06, 0x04)[0] == 0x57)
            #expect(ids(bench) == [1])
            #expect(try bench.data(0x00, 0x09, [5, 0, 0]) == [1, 5, 0, 0, 0, 0, 0])
            #expect(try bench.data(0x06, 0x01).count == 15)
            #expect(try bench.data(0x0A, 0x44, entry(2)) == [2, 0])
            #expect(try bench.data(0x06, 0x04)[0] == 0x55)
            #expect(payloads(restarted(bench)) == [0, 2])
        }
    }

    /// The worker wrote the record, but its sync failed and it could not cut the file: nothing may be there twice.
    @Test func recordLeftByAFailedWriteIsOverwrittenNotDoubled() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(0))
        bench.holdJobs = true
        #expect(bench.send(0x0A, 0x44, entry(1)) == nil)
        bench.write(bench.jobs[0])
        bench.results = [.unknown]
        bench.work()
        bench.holdJobs = false
        #expect(bench.replies[bench.lastToken]?[2] == 0xFF)
        #expect(try bench.data(0x0A, 0x44, entry(1)) == [2, 0], "the host's second try")
        #expect(payloads(bench) == [0, 1] && payloads(restarted(bench)) == [0, 1])
    }

    @Test func writesWaitInOrderAndReadsDoNot() throws {
        let bench = startedBench()
        bench.holdJobs = true
        var tokens: [UInt64] = []
        for index in 0..<5 {
            #expect(bench.send(0x0A, 0x44, entry(index)) == nil)
            tokens.append(bench.lastToken)
        }
        #expect(bench.jobs.count == 1)
        #expect(try bench.data(0x06, 0x01).count == 15)
        bench.results = [.stored, .full]
        for _ in 0..<5 { bench.work() }
        #expect(tokens.map { bench.replies[$0]?[2] } == [0, 0xC4, 0, 0, 0])
        #expect(payloads(bench) == [0, 2, 3, 4] && ids(bench) == [1, 2, 3, 4])
        #expect(payloads(restarted(bench)) == [0, 2, 3, 4])
    }

    @Test func tooManyWaitingWritesAreC0() {
        let bench = startedBench()
        bench.holdJobs = true
        for index in 0..<33 { #expect(bench.send(0x0A, 0x44, entry(index)) == nil) }
        #expect(bench.code(0x0A, 0x44, entry(99)) == 0xC0)
    }

    /// Killed at any point of the write, with the answer lost: the host's repetition finds the record or adds it.
    @Test func repetitionAfterACrashIsNotDoubled() throws {
        let bench = startedBench()
        for index in 0..<3 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        let before = bench.selFile.count
        _ = try bench.data(0x0A, 0x44, entry(3))
        let whole = bench.selFile
        for length in before...whole.count {
            let torn = startedBench()
            torn.selFile = [UInt8](whole[0..<length])
            let next = restarted(torn, clean: false)
            next.wall += 5_000_000_000
            _ = try next.data(0x06, 0x01)
            #expect(try next.data(0x0A, 0x44, entry(3)) == [4, 0])
            #expect(payloads(next) == [0, 1, 2, 3], "\(length) bytes")
            // Only the first addition can be a repetition.
            #expect(try next.data(0x0A, 0x44, entry(3)) == [5, 0])
        }
    }

    @Test func sameEventAfterACleanStopIsANewOne() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(3))
        #expect(try restarted(bench, clean: true).data(0x0A, 0x44, entry(3)) == [2, 0])
    }

    @Test func repetitionOfAnUndeliveredAnswerIsNotDoubled() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(3))
        bench.controller.undelivered(bench.lastToken)
        #expect(try bench.data(0x0A, 0x44, entry(3)) == [1, 0])
        #expect(try bench.data(0x0A, 0x44, entry(3)) == [2, 0])
        bench.controller.undelivered(bench.lastToken)
        #expect(try bench.data(0x0A, 0x44, entry(4)) == [3, 0], "another event is no repetition")
        #expect(ids(bench) == [1, 2, 3])
    }

    @Test func journalsStaySmallUnderEndlessChanges() throws {
        let bench = startedBench()
        var largest = 0
        for round in 0..<(exhaustive ? 20_000 : 2000) {
            _ = try bench.data(0x0A, 0x44, entry(round))
            if round % 8 == 7 {
                let reservation = try bench.data(0x0A, 0x42)
                _ = try bench.data(0x0A, 0x47, reservation + [0x43, 0x4C, 0x52, 0xAA])
            }
            _ = try bench.data(0x00, 0x08, [5, UInt8(round & 0x7F), 0, 0, 0, 0])
            largest = max(largest, bench.selFile.count, bench.settingsFile.count)
        }
        #expect(largest <= 20 * 1024)
        #expect(payloads(restarted(bench)) == payloads(bench))
    }

    @Test func capacityReducedKeepsWhatIsThere() throws {
        let bench = startedBench()
        for index in 0..<10 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        let next = restarted(bench, capacity: 4)
        #expect(ids(next).count == 10)
        #expect(next.code(0x0A, 0x44, entry(11)) == 0xC4)
        #expect(try next.data(0x0A, 0x40)[3] == 0)
    }

    @Test func recordIDsNeverRepeatOneInUseAndWrapBelowFFFF() throws {
        let bench = startedBench { $0.selCapacity = 8 }
        var next = 1
        for _ in 0..<(exhaustive ? 140_000 : 70_000) {
            let id = Int(try bench.data(0x0A, 0x44, entry(next))[0]) | Int(bench.lastAnswer[4]) << 8
            #expect(id == next, "in order")
            next = id == 0xFFFE ? 1 : id + 1
            if try bench.data(0x0A, 0x40)[1] == 8 {
                let reservation = try bench.data(0x0A, 0x42)
                _ = try bench.data(0x0A, 0x46, reservation + [0, 0])
            }
        }
    }

    @Test func withoutStorageEverythingWorksAndNothingIsWritten() throws {
        let bench = startedBench { $0.durable = DurableStores() }
        #expect(try bench.data(0x0A, 0x44, entry(0)) == [1, 0])
        _ = try bench.data(0x00, 0x08, [5, 0x80, 0, 0, 0, 0])
        _ = try bench.data(0x0A, 0x12, [0, 0, 0, 7])
        #expect(try bench.data(0x0A, 0x11, [0, 0, 0, 1]) == [1, 7])
        #expect(bench.selFile.isEmpty && bench.settingsFile.isEmpty && bench.fruFiles.isEmpty)
    }
}

@Suite struct PermissionTests {
    @Test func patternsAreReadAsWritten() {
        #expect(CommandPattern("06/02") == CommandPattern(netFn: 6, command: 2))
        #expect(CommandPattern("0x0A/0x4a") == CommandPattern(netFn: 0x0A, command: 0x4A))
        #expect(CommandPattern("0A/*") == CommandPattern(netFn: 0x0A, command: nil))
        for bad in ["", "06", "07/01", "40/01", "06/", "/01", "06/02/03", "06/100", "xx/01", "*/01", "06/0x", "6 /1"] {
            #expect(CommandPattern(bad) == nil, "\(bad)")
        }
    }

    @Test func allowNamesAllThatMayPassAndDenyWins() throws {
        let bench = startedBench {
            $0.actions = []
            $0.allow = [CommandPattern(netFn: 6, command: nil)]
            $0.deny = [CommandPattern(netFn: 6, command: 0x02)]
        }
        #expect(bench.code(0x06, 0x01) == 0)
        #expect(bench.code(0x06, 0x02) == 0xD4)
        #expect(bench.code(0x0A, 0x40) == 0xD4)
        let reset = startedBench {
            $0.actions = []
            $0.allow = [CommandPattern(netFn: 6, command: 0x02)]
        }
        #expect(reset.code(0x06, 0x02) == 0, "named, so allowed without actions")
    }

    @Test func fruWriteIsDeniedUnlessADeviceIsWritable() {
        let bench = startedBench {
            $0.frus = [FRUConfiguration(id: 0, name: "x", image: fruImage("x"), writable: false)]
        }
        #expect(bench.code(0x0A, 0x12, [0, 0, 0, 9]) == 0xD4)
        #expect(startedBench().code(0x0A, 0x12, [0, 0, 0, 1]) == 0x00)
    }
}
