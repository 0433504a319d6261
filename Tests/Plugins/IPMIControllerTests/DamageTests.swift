// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// What crashes, flash memory and people leave in the place of a journal.
@Suite struct DamageTests {
    /// A process that dies while it writes leaves any prefix: what was whole stays, the rest is cut and said.
    @Test func journalTornAtAnyByteKeepsExactlyTheWholeRecords() throws {
        let bench = startedBench()
        var ends = [0]
        for index in 0..<6 {
            _ = try bench.data(0x0A, 0x44, entry(index))
            ends.append(bench.selFile.count)
        }
        let whole = bench.selFile
        for length in 0...whole.count {
            let torn = startedBench()
            torn.selFile = [UInt8](whole[0..<length])
            let next = restarted(torn)
            let kept = ends.lastIndex { $0 <= length } ?? 0
            #expect(payloads(next) == [Int](0..<kept), "\(length) bytes")
            // The first change made the file: header of 16 bytes, times in 21, the record.
            let atEnd = ends.contains(length) || length == 16 || length == 37
            #expect(next.logs.contains { $0.contains("cut") } == !atEnd, "\(length) bytes")
            // The log works on, and what follows survives too.
            _ = try next.data(0x0A, 0x44, entry(100))
            #expect(payloads(restarted(next)) == [Int](0..<kept) + [100], "\(length) bytes")
        }
    }

    @Test func damagedByteCostsTheRecordThatItIsInAndNoOther() throws {
        let bench = startedBench()
        var ends: [Int] = []
        for index in 0..<4 {
            _ = try bench.data(0x0A, 0x44, entry(index))
            ends.append(bench.selFile.count)
        }
        for place in 0..<bench.selFile.count {
            let damaged = startedBench()
            damaged.selFile = bench.selFile
            damaged.selFile[place] ^= 0x40
            guard case .damaged(let rest, _, let lost) = StateFile(damaged.selFile, of: .sel) else {
                Issue.record("byte \(place) is not seen as damage")
                continue
            }
            #expect(lost == 1, "byte \(place)")
            #expect(StateFile(rest, of: .sel) == .whole, "what is left is a journal")
            let next = restarted(damaged)
            // The first change made header and times, and they hold no record.
            let hit = place < 37 ? 4 : ends.firstIndex { place < $0 } ?? 4
            let kept = [Int](0..<4).filter { $0 != hit }
            #expect(payloads(next) == kept, "byte \(place)")
            _ = try next.data(0x0A, 0x44, entry(100))
            #expect(payloads(restarted(next)) == kept + [100], "byte \(place)")
        }
    }

    @Test func zerosInPlaceOfTheHeaderOrOfRecordsCostNoOthers() throws {
        let bench = startedBench()
        for index in 0..<10 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        let size = bench.selFile.count
        // Records are 32 bytes from the end.
        for (zeros, kept) in [
            (0..<16, [Int](0..<10)), (0..<size, []), (size - 32..<size, [Int](0..<9)),
            (size - 128..<size - 64, [Int](0..<6) + [8, 9]),
        ] as [(Range<Int>, [Int])] {
            let damaged = startedBench()
            damaged.selFile = bench.selFile
            for place in zeros { damaged.selFile[place] = 0 }
            guard case .damaged(let rest, let count, _) = StateFile(damaged.selFile, of: .sel) else {
                Issue.record("zeros in \(zeros) are not seen as damage")
                continue
            }
            damaged.selFile = rest
            #expect(payloads(restarted(damaged)) == kept, "zeros in \(zeros)")
            // The times are a record, too.
            #expect(count == (kept.isEmpty ? 0 : kept.count + 1))
        }
    }

    @Test func whatIsNoJournalOfTheKindIsForeignAndWhatACrashLeavesIsNot() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(1))
        #expect(StateFile([UInt8]("127.0.0.1 localhost\n".utf8), of: .sel) == .foreign)
        #expect(StateFile([UInt8](repeating: 0xFF, count: 4096), of: .sel) == .foreign)
        #expect(StateFile(bench.settingsFile, of: .sel) == .foreign, "the journal of the settings")
        #expect(StateFile(bench.selFile, of: .settings) == .foreign)
        for count in 0...bench.selFile.count {
            #expect(StateFile([UInt8](bench.selFile[0..<count]), of: .sel) == .whole, "\(count) bytes")
        }
    }

    @Test func aLaterFormatIsNeitherForeignNorDamaged() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(1))
        var flipped = bench.selFile
        flipped[4] = 2
        guard case .damaged = StateFile(flipped, of: .sel) else {
            Issue.record("a byte that fell over is not seen as damage")
            return
        }
        let header: [UInt8] = [0x4B, 0x43, 0x53, 0x4A, 2, 1, 0, 0, 0, 0, 0, 0, 0x64, 0x12, 0x43, 0x88]
        for records in [[], [UInt8](bench.selFile[16...]), [0xFF, 0xFF, 0]] {
            #expect(StateFile(header + records, of: .sel) == .newer(format: 2))
        }
    }
}
