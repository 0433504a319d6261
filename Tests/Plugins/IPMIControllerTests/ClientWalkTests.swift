// SPDX-License-Identifier: Apache-2.0
import Foundation
import IPMI
import IPMIController
import Testing

/// The sequences that stock programs and drivers send.
@Suite struct ClientWalkTests {
    /// All records of the repository, read in pieces of `piece` bytes as ipmitool does.
    private func walkSDR(_ bench: Bench, piece: Int) throws -> [[UInt8]] {
        let reservation = [UInt8](try bench.data(0x0A, 0x22))
        var records: [[UInt8]] = []
        var id = 0
        while id != 0xFFFF {
            let header = try bench.data(0x0A, 0x23, reservation + little(id) + [0, 5])
            try #require(header.count == 7)
            var record = [UInt8](header[2...])
            let size = 5 + Int(record[4])
            while record.count < size {
                let count = min(piece, size - record.count)
                let part = try bench.data(
                    0x0A, 0x23, reservation + little(id) + [UInt8(record.count), UInt8(count)])
                try #require(part.count == 2 + count)
                record += part[2...]
            }
            records.append(record)
            id = Int(header[0]) | Int(header[1]) << 8
        }
        return records
    }

    @Test func sdrWalkFindsEverySensorWhateverThePiece() throws {
        let bench = startedBench()
        let info = try bench.data(0x0A, 0x20)
        #expect(info.count == 14 && info[0] == 0x51)
        for piece in [1, 5, 16, 22, 255] {
            let records = try walkSDR(bench, piece: piece)
            #expect(records.count == Int(info[1]))
            #expect(records.map { $0[3] } == [0x12, 0x01, 0x01, 0x02, 0x02, 0x11, 0x11])
            for (index, record) in records.enumerated() { #expect(Int(record[0]) == index + 1) }
        }
    }

    @Test func sdrReadWithALostReservationIsC5() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x22)
        _ = try bench.data(0x0A, 0x22)
        #expect(bench.code(0x0A, 0x23, [1, 0, 1, 0, 5, 4]) == 0xC5)
        #expect(bench.code(0x0A, 0x23, [0, 0, 1, 0, 5, 4]) == 0xC5, "a part needs a reservation")
        #expect(bench.code(0x0A, 0x23, [0, 0, 1, 0, 0, 0xFF]) == 0x00)
        #expect(bench.code(0x0A, 0x23, [2, 0, 9, 0, 0, 0xFF]) == 0xCB)
        #expect(bench.code(0x0A, 0x23, [2, 0, 1, 0, 0xF0, 1]) == 0xC9)
    }

    @Test func deviceSDRIsTheSameList() throws {
        let bench = startedBench()
        let reservation = try bench.data(0x04, 0x22)
        #expect(try bench.data(0x04, 0x20, [1]) == [7, 1])
        #expect(
            try bench.data(0x04, 0x21, reservation + [1, 0, 0, 0xFF])
                == bench.data(0x0A, 0x23, reservation + [1, 0, 0, 0xFF]))
    }

    @Test func sensorValueComesOutAsSetThroughTheRecordsFactors() throws {
        let bench = startedBench()
        for degrees in [-20, 0, 25, 59] {
            bench.values[0] = Int64(degrees) * 1000
            bench.pass(2_000_000_000)
            let reading = try bench.data(0x04, 0x2D, [0x30])
            let factors = try bench.data(0x04, 0x23, [0x30, reading[0]])
            func signed(_ value: Int, _ bits: Int) -> Int { value >= 1 << (bits - 1) ? value - (1 << bits) : value }
            let m = signed(Int(factors[1]) | Int(factors[2] >> 6) << 8, 10)
            let b = signed(Int(factors[3]) | Int(factors[4] >> 6) << 8, 10)
            let sum = Double(m) * Double(reading[0]) + Double(b) * pow(10, Double(signed(Int(factors[6] & 15), 4)))
            #expect(abs(sum * pow(10, Double(signed(Int(factors[6] >> 4), 4))) - Double(degrees)) < 0.001)
        }
    }

    @Test func fruIsReadInPiecesAndAWriteIsReadBackAndStored() throws {
        let bench = startedBench()
        let size = Int(try bench.data(0x0A, 0x10, [0])[0]) | Int(try bench.data(0x0A, 0x10, [0])[1]) << 8
        var image: [UInt8] = []
        while image.count < size {
            let part = try bench.data(0x0A, 0x11, [0] + little(image.count) + [32])
            #expect(Int(part[0]) == part.count - 1)
            image += part[1...]
        }
        #expect(image == fruImage("Board").bytes)
        for offset in stride(from: 0, to: 256, by: 16) {
            #expect(
                try bench.data(0x0A, 0x12, [0] + little(offset) + [UInt8](repeating: UInt8(offset), count: 16)) == [16])
        }
        #expect(try bench.data(0x0A, 0x11, [0, 0x25, 0, 2]) == [2, 0x20, 0x20])
        #expect(bench.fruFiles[0]?[0x25] == 0x20)
        // Past the end, no such device, write-protected, more than a response holds.
        #expect(bench.code(0x0A, 0x11, [0, 0, 1, 1]) == 0xC9)
        #expect(bench.code(0x0A, 0x12, [0, 0xFF, 0, 1, 2]) == 0xC9)
        #expect(bench.code(0x0A, 0x11, [9, 0, 0, 1]) == 0xCB)
        #expect(bench.code(0x0A, 0x12, [5, 0, 0, 1]) == 0x80)
        #expect(bench.sendRaw([0x28, 0x11, 0, 0, 0, 200], capacity: 64) == [0x2C, 0x11, 0xCA])
    }

    @Test func selWalkFollowsNextRecordIDs() throws {
        let bench = startedBench()
        #expect(bench.code(0x0A, 0x43, [0, 0, 0, 0, 0, 0xFF]) == 0xCB, "an empty log")
        for index in 0..<5 {
            #expect(try bench.data(0x0A, 0x44, entry(index)) == little(index + 1))
        }
        var id = 0
        var seen: [UInt8] = []
        while id != 0xFFFF {
            let answer = try bench.data(0x0A, 0x43, [0, 0] + little(id) + [0, 0xFF])
            #expect(answer.count == 18)
            seen.append(answer[2 + 13])
            id = Int(answer[0]) | Int(answer[1]) << 8
        }
        #expect(seen == [0, 1, 2, 3, 4])
        // The last by FFFF, and in parts with a reservation.
        let reservation = try bench.data(0x0A, 0x42)
        #expect(try bench.data(0x0A, 0x43, reservation + [0xFF, 0xFF, 13, 3]) == [0xFF, 0xFF, 4, 0, 0])
        #expect(bench.code(0x0A, 0x43, [0, 0, 0xFF, 0xFF, 13, 3]) == 0xC5)
        #expect(bench.code(0x0A, 0x43, reservation + [0xFF, 0xFF, 16, 3]) == 0xC9)
    }

    @Test func selDeleteAndClearNeedTheReservationAndEndIt() throws {
        let bench = startedBench()
        for index in 0..<3 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        #expect(bench.code(0x0A, 0x46, [0, 0, 2, 0]) == 0xC5)
        let first = try bench.data(0x0A, 0x42)
        #expect(try bench.data(0x0A, 0x46, first + [2, 0]) == [2, 0])
        #expect(bench.code(0x0A, 0x46, first + [1, 0]) == 0xC5, "the deletion cancelled it")
        #expect(try bench.data(0x0A, 0x40)[1] == 2)
        #expect(try bench.data(0x0A, 0x43, [0, 0, 1, 0, 0, 0xFF])[0] == 3, "1 is followed by 3")
        let second = try bench.data(0x0A, 0x42)
        #expect(bench.code(0x0A, 0x46, second + [2, 0]) == 0xCB)
        #expect(bench.code(0x0A, 0x47, second + [0x43, 0x4C, 0x53, 0xAA]) == 0xCC)
        #expect(try bench.data(0x0A, 0x47, second + [0x43, 0x4C, 0x52, 0x00]) == [1])
        #expect(try bench.data(0x0A, 0x47, second + [0x43, 0x4C, 0x52, 0xAA]) == [1])
        #expect(bench.code(0x0A, 0x47, second + [0x43, 0x4C, 0x52, 0xAA]) == 0xC5)
        #expect(try bench.data(0x0A, 0x40)[1] == 0)
    }

    @Test func additionDoesNotEndAReservation() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x44, entry(0))
        let reservation = try bench.data(0x0A, 0x42)
        _ = try bench.data(0x0A, 0x44, entry(1))
        #expect(try bench.data(0x0A, 0x46, reservation + [1, 0]) == [1, 0])
    }

    @Test func fullLogIsC4AndSaysSoUntilCleared() throws {
        let bench = startedBench { $0.selCapacity = 3 }
        for index in 0..<3 { _ = try bench.data(0x0A, 0x44, entry(index)) }
        #expect(try bench.data(0x0A, 0x40)[13] == 0x0F)
        #expect(bench.code(0x0A, 0x44, entry(4)) == 0xC4)
        let info = try bench.data(0x0A, 0x40)
        #expect(info[13] == 0x8F && info[3] == 0 && info[4] == 0)
        let reservation = try bench.data(0x0A, 0x42)
        _ = try bench.data(0x0A, 0x47, reservation + [0x43, 0x4C, 0x52, 0xAA])
        #expect(try bench.data(0x0A, 0x40)[13] == 0x0F)
        #expect(try bench.data(0x0A, 0x44, entry(5)) == [1, 0])
    }

    @Test func partialAdditionTakesPiecesInOrder() throws {
        let bench = startedBench()
        let reservation = try bench.data(0x0A, 0x42)
        let id = try bench.data(0x0A, 0x45, reservation + [0, 0, 0, 0] + entry(7)[0..<6])
        #expect(bench.code(0x0A, 0x45, reservation + id + [7, 0] + entry(7)[7..<9]) == 0xC9, "a gap")
        _ = try bench.data(0x0A, 0x45, reservation + id + [6, 0] + entry(7)[6..<10])
        #expect(try bench.data(0x0A, 0x40)[1] == 0, "nothing before the last piece")
        #expect(try bench.data(0x0A, 0x45, reservation + id + [10, 1] + entry(7)[10...]) == id)
        #expect(try bench.data(0x0A, 0x43, [0, 0] + id + [0, 0xFF])[15] == 7)
        #expect(bench.code(0x0A, 0x45, reservation + [0, 0, 0, 1, 2]) == 0x80, "too short a record")
    }

    @Test func selTimeIsWhatWasSetAndRunsOn() throws {
        let bench = startedBench()
        _ = try bench.data(0x0A, 0x49, little(1_000_000, 4))
        #expect(try bench.data(0x0A, 0x48) == little(1_000_000, 4))
        bench.pass(90_000_000_000)
        #expect(try bench.data(0x0A, 0x48) == little(1_000_090, 4))
        _ = try bench.data(0x0A, 0x44, entry(0))
        #expect([UInt8](try bench.data(0x0A, 0x43, [0, 0, 0, 0, 0, 0xFF])[5..<9]) == little(1_000_090, 4))
        #expect(bench.code(0x0A, 0x5D, little(1441)) == 0xC9)
        _ = try bench.data(0x0A, 0x5D, little(-720))
        #expect(try bench.data(0x0A, 0x5C) == little(-720))
    }

    /// What ipmi_si and ipmi_msghandler do when they load.
    @Test func ipmiSiProbeFindsEverythingSupported() throws {
        let bench = startedBench()
        #expect(try bench.data(0x06, 0x01).count == 15)
        let enables = try bench.data(0x06, 0x2F)[0]
        // Interrupt bits can be cleared and set: otherwise the driver says the BMC does not support it.
        for bit: UInt8 in [0x01, 0x02] {
            _ = try bench.data(0x06, 0x2E, [enables & ~bit])
            #expect(try bench.data(0x06, 0x2F)[0] & bit == 0)
            _ = try bench.data(0x06, 0x2E, [enables | bit])
            #expect(try bench.data(0x06, 0x2F)[0] & bit == bit)
        }
        _ = try bench.data(0x06, 0x30, [0x08])
        _ = try bench.data(0x06, 0x2E, [enables | 0x04])
        #expect(try bench.data(0x06, 0x2F)[0] == enables | 0x04)
        #expect(try bench.data(0x06, 0x31) == [0])
        #expect(bench.code(0x06, 0x35) == 0x80)
        #expect(try bench.data(0x06, 0x08).count == 16)
        var channels = 0
        for channel: UInt8 in 0..<16 {
            let code = bench.code(0x06, 0x42, [channel])
            #expect(code == 0x00 || code == 0xCC)
            channels += code == 0 ? 1 : 0
        }
        #expect(channels == 3, "LAN, the present channel, the system interface")
        #expect(!bench.attention)
    }

    @Test func attentionLeadsToTheMessageTheEventAndBackToQuiet() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x2E, [0x0D])
        _ = try bench.data(0x06, 0x34, [0x0F, 0xAA, 0xBB])
        _ = try bench.data(0x04, 0x02, [0x41, 4, 1, 0x30, 1, 0x59, 1, 2])
        #expect(bench.attention)
        #expect(try bench.data(0x06, 0x31) == [0x03])
        #expect(try bench.data(0x06, 0x33) == [0x0F, 0xAA, 0xBB])
        #expect(bench.code(0x06, 0x33) == 0x80)
        let event = try bench.data(0x06, 0x35)
        #expect(event.count == 16 && event[2] == 2 && event[7] == 0x41 && event[13] == 0x59)
        #expect(bench.code(0x06, 0x35) == 0x80)
        #expect(try bench.data(0x06, 0x31) == [0] && !bench.attention)
        #expect(bench.attentionChanges == 2)
        #expect(try bench.data(0x0A, 0x40)[1] == 1, "the event was logged as well")
    }

    @Test func messageQueueIsBoundedAndClearedByFlag() throws {
        let bench = startedBench()
        for _ in 0..<8 { _ = try bench.data(0x06, 0x34, [0x0F, 1]) }
        #expect(bench.code(0x06, 0x34, [0x0F, 1]) == 0xC4)
        #expect(bench.code(0x06, 0x34, [0x01, 1]) == 0x83, "nobody on the LAN channel")
        #expect(bench.code(0x06, 0x34, [0x03, 1]) == 0xCC)
        _ = try bench.data(0x06, 0x30, [0x01])
        #expect(bench.code(0x06, 0x33) == 0x80 && !bench.attention)
    }

    /// `chassis bootdev pxe`: five writes of boot options.
    @Test func bootDeviceIsSetAsIpmitoolDoesAndReadBack() throws {
        let bench = startedBench()
        _ = try bench.data(0x00, 0x08, [0, 1])
        #expect(bench.code(0x00, 0x08, [0, 1]) == 0x81)
        _ = try bench.data(0x00, 0x08, [4, 1, 1])
        _ = try bench.data(0x00, 0x08, [5, 0x80, 0x04, 0, 0, 0])
        _ = try bench.data(0x00, 0x08, [0, 2])
        _ = try bench.data(0x00, 0x08, [0, 0])
        #expect(try bench.data(0x00, 0x09, [5, 0, 0]) == [1, 5, 0x80, 0x04, 0, 0, 0])
        #expect(try bench.data(0x00, 0x09, [4, 0, 0]) == [1, 4, 0, 1])
        #expect(try bench.data(0x00, 0x09, [0, 0, 0]) == [1, 0, 0])
        _ = try bench.data(0x00, 0x08, [0x85])
        #expect(try bench.data(0x00, 0x09, [5, 0, 0]) == [1, 0x85, 0x80, 0x04, 0, 0, 0], "marked invalid, kept")
        #expect(bench.code(0x00, 0x09, [9, 0, 0]) == 0x80)
        #expect(bench.code(0x00, 0x08, [5, 1, 2]) == 0xC7)
    }

    @Test func everyBootParameterIsStoredAsGiven() throws {
        let bench = startedBench()
        for (parameter, size) in [(1, 1), (2, 1), (3, 1), (5, 5), (6, 9), (96, 16), (127, 3)] {
            let data = (0..<size).map { UInt8(parameter + $0) }
            _ = try bench.data(0x00, 0x08, [UInt8(parameter)] + data)
            #expect(try bench.data(0x00, 0x09, [UInt8(parameter), 0, 0]) == [1, UInt8(parameter)] + data)
        }
        let block = (0..<16).map { UInt8($0) }
        _ = try bench.data(0x00, 0x08, [7, 3] + block)
        #expect(try bench.data(0x00, 0x09, [7, 3, 0]) == [1, 7, 3] + block)
        #expect(try bench.data(0x00, 0x09, [7, 2, 0]) == [1, 7, 2] + [UInt8](repeating: 0, count: 16))
        #expect(bench.code(0x00, 0x08, [7, 16] + block) == 0xC9)
    }

    @Test func chassisControlRunsItsActionAndTheStateFollows() throws {
        let bench = startedBench()
        for (control, action) in [
            (0, PlatformAction.powerOff), (1, .powerOn), (2, .powerCycle), (3, .hardReset),
        ] {
            _ = try bench.data(0x00, 0x02, [UInt8(control)])
            #expect(bench.actions.last == action)
            #expect(try bench.data(0x00, 0x01)[0] & 1 == (control == 0 ? 0 : 1))
        }
        #expect(try bench.data(0x00, 0x07)[0] == 1)
        #expect(bench.code(0x00, 0x02, [7]) == 0xCC)
        let plain = startedBench { $0.actions = [] }
        #expect(plain.code(0x00, 0x02, [3]) == 0xD4 && plain.code(0x06, 0x02) == 0xD4)
        #expect(plain.code(0x06, 0x03) == 0x00 && plain.actions.isEmpty)
        let partial = startedBench { $0.actions = ActionSet(.hardReset) }
        #expect(partial.code(0x00, 0x02, [0]) == 0xCC && partial.code(0x00, 0x02, [3]) == 0x00)
    }

    @Test func identifyEndsByItselfOrIsForced() throws {
        let bench = startedBench()
        _ = try bench.data(0x00, 0x04, [2])
        #expect(try bench.data(0x00, 0x01)[2] == 0x50)
        bench.pass(3_000_000_000)
        #expect(try bench.data(0x00, 0x01)[2] == 0x40)
        _ = try bench.data(0x00, 0x04, [0, 1])
        bench.pass(300_000_000_000)
        #expect(try bench.data(0x00, 0x01)[2] == 0x60)
        _ = try bench.data(0x00, 0x04, [0])
        #expect(try bench.data(0x00, 0x01)[2] == 0x40)
        #expect(bench.actions == [.identify, .identifyOff, .identify, .identifyOff])
    }

    @Test func identifyTellsItsActionsForHowLong() throws {
        let bench = startedBench()
        for (data, word) in [([], "15"), ([40], "40"), ([0, 1], "forced"), ([0], nil)] as [([UInt8], String?)] {
            _ = try bench.data(0x00, 0x04, data)
            #expect(bench.detail == word.map { " \($0)\nIDENTIFY_INTERVAL=\($0)" } ?? "")
        }
    }

    /// `lan print 1`, `user list 1`, `channel info 1`.
    @Test func lanAndUsersAreListedAndCannotBeChanged() throws {
        let bench = startedBench()
        #expect(try bench.data(0x06, 0x42, [1]) == [1, 4, 1, 0x80, 0xF2, 0x1B, 0, 0, 0])
        for parameter in UInt8.min...UInt8.max {
            let code = bench.code(0x0C, 0x02, [1, parameter, 0, 0])
            #expect(code == 0x00 || code == 0x80)
        }
        #expect(try bench.data(0x0C, 0x02, [0x81, 3, 0, 0]) == [0x11])
        #expect(bench.code(0x0C, 0x02, [0x0F, 3, 0, 0]) == 0xCC)
        for user: UInt8 in 1...15 {
            #expect(try bench.data(0x06, 0x44, [1, user])[0] == 15)
            #expect(try bench.data(0x06, 0x46, [user]).count == 16)
        }
        #expect(bench.code(0x06, 0x44, [1, 0]) == 0xC9 && bench.code(0x06, 0x46, [16]) == 0xC9)
        #expect(bench.code(0x06, 0x41, [0x0F, 0x80]) == 0x82)
        #expect(bench.code(0x0C, 0x01, [1, 3, 1, 2, 3, 4]) == 0x82)
        #expect(bench.code(0x06, 0x47, [2, 1]) == 0xD4)
    }

    @Test func systemInfoKeepsLongTextInSets() throws {
        let bench = startedBench()
        #expect(bench.code(0x06, 0x59, [0, 2, 0, 0]) == 0x80)
        _ = try bench.data(0x06, 0x58, [2, 0, 0, 20] + [UInt8](repeating: 0x61, count: 14))
        _ = try bench.data(0x06, 0x58, [2, 1] + [UInt8](repeating: 0x62, count: 6))
        #expect(try bench.data(0x06, 0x59, [0, 2, 1, 0])[2] == 0x62)
        #expect(try bench.data(0x06, 0x59, [0x80, 2, 0, 0]) == [0x11])
        #expect(bench.code(0x06, 0x59, [0, 2, 2, 0]) == 0xC9)
        #expect(bench.code(0x06, 0x58, [2, 16, 0]) == 0xC9)
        #expect(bench.code(0x06, 0x59, [0, 9, 0, 0]) == 0x80)
    }

    @Test func acpiStateKeepsWhatIsMarked() throws {
        let bench = startedBench()
        _ = try bench.data(0x06, 0x06, [0x85, 0x03])
        #expect(try bench.data(0x06, 0x07) == [5, 0])
        _ = try bench.data(0x06, 0x06, [0xFF, 0x83])
        #expect(try bench.data(0x06, 0x07) == [5, 3])
        #expect(bench.code(0x06, 0x06, [0x8B, 0]) == 0xCC)
    }
}

/// A system event whose data says which one it is.
func entry(_ index: Int) -> [UInt8] {
    [0, 0, 2, 0, 0, 0, 0, 0x41, 0, 4, 0x12, 0x08, 0x6F] + [
        UInt8(truncatingIfNeeded: index), UInt8(truncatingIfNeeded: index >> 8),
        UInt8(truncatingIfNeeded: index >> 16),
    ]
}
