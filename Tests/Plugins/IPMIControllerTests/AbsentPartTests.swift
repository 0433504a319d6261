// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import Testing

@Suite struct AbsentPartTests {
    @Test func thereIsNoSessionWhicheverIsAskedFor() throws {
        let bench = startedBench()
        for index: UInt8 in [0, 1, 0xFD] { #expect(try bench.data(0x06, 0x3D, [index]) == [0, 0, 0]) }
        #expect(bench.code(0x06, 0x3D, [0xFE, 1]) == 0xCB && bench.code(0x06, 0x3D, [0xFF, 1, 2, 3, 4]) == 0xCB)
        for wrong: [UInt8] in [[1, 0], [0xFE], [0xFE, 1, 2], [0xFF, 1, 2, 3]] {
            #expect(bench.code(0x06, 0x3D, wrong) == 0xC7)
        }
    }

    @Test func eventFiltersAreNoneInEveryFormThatHostsAskFor() throws {
        let bench = startedBench()
        for parameter: UInt8 in [0, 1, 2, 5, 8] {
            #expect(try bench.data(0x04, 0x13, [parameter, 0, 0]) == [0x11, 0])
            #expect(try bench.data(0x04, 0x13, [parameter | 0x80, 0, 0]) == [0x11])
        }
        for parameter: UInt8 in [3, 4, 6, 7, 9, 10, 0x7F] {
            #expect(bench.code(0x04, 0x13, [parameter, 0, 0]) == 0x80)
        }
        _ = try bench.data(0x0A, 0x44, TableDrivenTests.addition)
        let info = try bench.data(0x0A, 0x40)
        #expect(try bench.data(0x04, 0x15) == info[5..<9] + [1, 0, 0xFF, 0xFF, 0xFF, 0xFF])
    }

    @Test func aTransferOnABusThatIsNotThereIsNotAcknowledged() {
        let bench = startedBench()
        #expect(bench.code(0x06, 0x52, [0, 0xA0, 16]) == 0x83)
        #expect(bench.code(0x06, 0x52, [0, 0xA0]) == 0xC7)
    }
}
