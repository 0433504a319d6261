// SPDX-License-Identifier: Apache-2.0
import DriverModel
import Testing

@Suite struct HostTests {
    @Test func dataWriteSetsIBFAndClearsCommandData() {
        var state = DriverState(driver: .v2)
        _ = state.hostWritesCommand(0x61)
        #expect(state.str == STRBit.ibf | STRBit.commandData)
        _ = state.hostWritesData(0x18)
        #expect(state.str == STRBit.ibf)
        #expect(state.idr == 0x18)
    }

    @Test func dataReadClearsOBFAndMayBeRepeated() {
        var state = DriverState(driver: .v2)
        _ = state.open()
        #expect(state.writeData(0x5A).action == .written(1))
        #expect(state.hostReadsStatus() == STRBit.obf)
        #expect(state.hostReadsData() == 0x5A)
        #expect(state.hostReadsStatus() == 0)
        #expect(state.hostReadsData() == 0x5A)
    }

    @Test func overwritingIDRIsNoticed() {
        var state = DriverState(driver: .v2)
        #expect(state.hostWritesData(1) == [])
        #expect(state.hostWritesData(2) == .inputOverwritten)
    }

    @Test(arguments: [Driver.v2, .fixed])
    func hostThatIgnoresIBFLosesTheSecondOfThreeBytes(driver: Driver) {
        var state = opened(driver)
        var effects: Effects = []
        for value in 1...3 as ClosedRange<UInt8> {
            effects.formUnion(state.hostWritesData(value))
            _ = state.interrupt()
        }
        #expect(effects == .inputOverwritten)
        #expect(drain(&state) == [1, 3])
    }

    @Test func deferredDriverKeepsTheLastOfThreeBytes() {
        var state = opened(.deferred)
        for value in 1...3 as ClosedRange<UInt8> {
            _ = state.hostWritesData(value)
            _ = state.interrupt()
        }
        #expect(drain(&state) == [3])
    }

    @Test func bitsWithoutMeaningAreDropped() {
        #expect(DriverState(rawValue: .max).rawValue == 0x0000_03FF_FFFF_FFFF)
        for driver in Driver.allCases {
            let state = DriverState(driver: driver)
            #expect(DriverState(rawValue: state.rawValue) == state)
            #expect(state.driver == driver)
            #expect(Driver(name: driver.name) == driver)
        }
        #expect(Driver(name: "V2") == nil)
    }
}

func opened(_ driver: Driver) -> DriverState {
    var state = DriverState(driver: driver)
    _ = state.open()
    return state
}

/// Reads as a careful process does: only while poll reports input, interrupts taken at once.
func drain(_ state: inout DriverState) -> [UInt8] {
    var values: [UInt8] = []
    while state.poll().contains(.input), case .data(let value) = state.read(offset: 0, count: 1) {
        values.append(value)
        _ = state.interrupt()
    }
    return values
}
