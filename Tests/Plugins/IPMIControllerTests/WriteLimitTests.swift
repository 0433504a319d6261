// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

/// How much a host may store.
@Suite struct WriteLimitTests {
    @Test func writeLimitIsC0AndRefillsWithTime() throws {
        let bench = startedBench { $0.writeLimit = WriteLimit(perMinute: 60, burst: 5) }
        for index in 0..<5 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        #expect(bench.code(0x0A, 0x44, entry(5)) == 0xC0)
        #expect(bench.code(0x00, 0x08, [5, 0x80, 0, 0, 0, 0]) == 0xC0)
        #expect(try bench.data(0x06, 0x01).count == 15, "reading is not limited")
        #expect(ids(bench).count == 5)
        bench.pass(1_000_000_000)
        #expect(bench.code(0x0A, 0x44, entry(6)) == 0x00)
        #expect(bench.code(0x0A, 0x44, entry(7)) == 0xC0)
        #expect(bench.controller.figures(now: bench.now).refused == 3)
        #expect(bench.logs.filter { $0.hasPrefix("write_limit:") }.count == 1, "said once a minute")
    }

    @Test func anImageWrittenInOrderIsLetThroughWholeAndTakesNothingFromOthers() throws {
        let image = try #require(FRUImage([1] + [UInt8](repeating: 0xFF, count: FRUImage.largest - 1)))
        let bench = startedBench {
            $0.writeLimit = WriteLimit()
            $0.frus = [FRUConfiguration(id: 0, name: "Big", image: image, writable: true)]
        }
        for offset in stride(from: 0, to: FRUImage.largest - 16, by: 16) {
            _ = try bench.data(0x0A, 0x12, [0] + little(offset) + [UInt8](repeating: 1, count: 16))
        }
        #expect(bench.code(0x00, 0x08, [5, 0x80, 0, 0, 0, 0]) == 0x00, "boot options have a limit of their own")
    }

    @Test func anImageThatCannotBeWrittenWholeIsRefusedAtItsFirstPiece() throws {
        let bench = startedBench { $0.writeLimit = WriteLimit(perMinute: 1, burst: 1) }
        // 16 pieces an image of 256 bytes, 256 pieces in all.
        for round in UInt8(0)..<17 {
            for offset in stride(from: 0, to: 256, by: 16) {
                let code = bench.code(0x0A, 0x12, [0] + little(offset) + [UInt8](repeating: round | 0x80, count: 16))
                #expect(code == (round < 15 ? 0x00 : offset == 0 ? 0xC0 : code), "round \(round) at \(offset)")
                if code == 0xC0 { break }
            }
        }
    }

    @Test func writingTheSameAgainCostsNothing() throws {
        let bench = startedBench { $0.writeLimit = WriteLimit(perMinute: 60, burst: 1) }
        _ = try bench.data(0x00, 0x08, [5, 0x80, 0, 0, 0, 0])
        let size = bench.settingsFile.count
        for _ in 0..<10 { _ = try bench.data(0x00, 0x08, [5, 0x80, 0, 0, 0, 0]) }
        #expect(bench.settingsFile.count == size)
    }

    @Test func hostCannotFillTheSettingsWithoutEnd() {
        let bench = startedBench()
        var refused = 0
        for parameter in UInt8(0xC0)...UInt8.max {
            for set in UInt8(0)..<16 where bench.code(0x06, 0x58, [parameter, set, 1]) == 0xC4 { refused += 1 }
        }
        #expect(refused == 64 * 16 - 512)
    }

    @Test func theHostCannotTakeTheRoomOfTheControllersOwnSettings() throws {
        let bench = startedBench()
        for parameter in UInt8(0xC0)...UInt8.max {
            for set in UInt8(0)..<16 { _ = bench.code(0x06, 0x58, [parameter, set, 1]) }
        }
        bench.pass(3_600_000_000_000)
        let next = restarted(bench)
        #expect(try next.data(0x00, 0x0F) == [60, 1, 0, 0, 0])
        #expect(try next.data(0x06, 0x59, [0, 0xDF, 15, 0]).count == 18, "the host's last is there still")
    }
}
