// SPDX-License-Identifier: Apache-2.0
//
// One test for each rule that was measured on the posted driver.
import DriverModel
import Testing

@Suite struct DriverTests {
    @Test func idleDeviceReportsOutputEveryTime() {
        var state = opened(.v2)
        for _ in 0..<5 { #expect(state.poll() == .output) }
        #expect(!state.wantsOutput)
    }

    @Test(arguments: [1, 2])
    func nonBlockingReadWithoutDataSleeps(count: Int) {
        var state = opened(.v2)
        #expect(state.read(offset: 0, count: count, nonBlocking: true) == .sleep)
        var fixed = opened(.fixed)
        #expect(fixed.read(offset: 0, count: count, nonBlocking: true) == .again)
        var deferred = opened(.deferred)
        #expect(deferred.read(offset: 0, count: count, nonBlocking: true) == .again)
    }

    @Test func nonBlockingReadReturnsTheByteThatTheInterruptTook() {
        var state = opened(.v2)
        _ = state.hostWritesData(7)
        #expect(state.interrupt() == .woke)
        #expect(state.read(offset: 0, count: 1, nonBlocking: true) == .data(7))
    }

    @Test func nonBlockingReadLivelocksWhileASecondByteWaits() {
        var state = opened(.v2)
        queueTwo(&state)
        for _ in 0..<1000 {
            let ready = state.poll()
            #expect(ready.contains(.input))
            #expect(state.read(offset: 0, count: 1, nonBlocking: true) == .again)
        }
        #expect(drain(&state) == [1, 2])
        var fixed = opened(.fixed)
        queueTwo(&fixed)
        #expect(fixed.read(offset: 0, count: 1, nonBlocking: true) == .data(1))
    }

    @Test func twoByteReadSleepsUntilIBFThenGivesIDRAndSTRWithIBF() {
        var state = opened(.v2)
        #expect(state.read(offset: 0, count: 2) == .sleep)
        #expect(state.resumeRead(count: 2) == .sleep)
        _ = state.hostWritesCommand(0x61)
        #expect(state.interrupt() == .woke)
        #expect(state.resumeRead(count: 2) == .both(data: 0x61, status: STRBit.ibf | STRBit.commandData))
    }

    @Test func queuedCommandIsReportedWithCommandDataOfTheLaterByte() {
        var state = opened(.v2)
        _ = state.hostWritesCommand(0x61)
        _ = state.interrupt()
        _ = state.hostWritesData(0x18)
        #expect(state.read(offset: 0, count: 2) == .both(data: 0x61, status: STRBit.ibf))
    }

    @Test func ibfClearsAtTheInterruptNotAtTheRead() {
        var state = opened(.v2)
        _ = state.hostWritesData(1)
        #expect(state.hostReadsStatus() & STRBit.ibf != 0)
        _ = state.interrupt()
        #expect(state.hostReadsStatus() & STRBit.ibf == 0)
        // One byte ahead, and no further: the second stays in IDR.
        _ = state.hostWritesData(2)
        #expect(state.interrupt() == [])
        #expect(state.hostReadsStatus() & STRBit.ibf != 0)
        #expect(drain(&state) == [1, 2])
    }

    @Test func deferredDriverClearsIBFAtTheRead() {
        var state = opened(.deferred)
        _ = state.hostWritesCommand(1)
        #expect(state.interrupt() == .woke)
        #expect(state.hostReadsStatus() & STRBit.ibf != 0)
        #expect(state.read(offset: 0, count: 2) == .both(data: 1, status: STRBit.ibf | STRBit.commandData))
        #expect(state.hostReadsStatus() & STRBit.ibf == 0)
    }

    @Test func readOfMoreThanTheDeviceIsInvalid() {
        var state = opened(.v2)
        queueTwo(&state)
        #expect(state.read(offset: 0, count: 3) == .invalid)
        #expect(state.read(offset: 1, count: 2) == .invalid)
        #expect(state.read(offset: 2, count: 1) == .invalid)
        #expect(state.read(offset: -1, count: 1) == .invalid)
        #expect(state.read(offset: 0, count: 4096) == .invalid)
        #expect(state.read(offset: 0, count: 0) == .nothing)
        #expect(state.read(offset: 9, count: 0) == .nothing)
        // None of them consumed anything.
        #expect(drain(&state) == [1, 2])
    }

    @Test func writeOfMoreThanTheDeviceIsInvalid() {
        var state = opened(.v2)
        let before = state
        #expect(state.write(offset: 0, count: 3).action == .invalid)
        #expect(state.write(offset: 1, count: 2).action == .invalid)
        #expect(state.write(offset: 2, count: 1).action == .invalid)
        #expect(state.write(offset: -1, count: 1).action == .invalid)
        #expect(state.write(offset: 0, count: 0).action == .written(0))
        #expect(state == before)
    }

    @Test func filePositionNeverMovesAndHasNoEnd() {
        var file = DriverFile()
        #expect(file.seek(1, from: .start) == 1)
        #expect(file.seek(0, from: .current) == 1)
        #expect(file.seek(-2, from: .current) == nil)
        #expect(file.seek(0, from: .other) == nil)
        #expect(file.seek(.max, from: .current) == nil)
        #expect(file.position == 1)
        // Sequential reads, and a scattered one, find the same register again: two reads at 0 consume two bytes.
        var state = opened(.v2)
        queueTwo(&state)
        #expect(state.read(offset: 0, count: 1) == .data(1))
        _ = state.interrupt()
        #expect(state.read(offset: 0, count: 1) == .data(2))
    }

    @Test func statusReadNeverSleepsAndShowsIBFWhileTheBufferIsFull() {
        var state = opened(.v2)
        #expect(state.read(offset: 1, count: 1) == .status(0))
        _ = state.hostWritesData(1)
        _ = state.interrupt()
        #expect(state.str == 0)
        #expect(state.read(offset: 1, count: 1) == .status(STRBit.ibf))
        #expect(state.read(offset: 0, count: 1) == .data(1))
        #expect(state.read(offset: 1, count: 1) == .status(0))
    }

    @Test func dataWriteWaitsForOBF() {
        var state = opened(.v2)
        #expect(state.writeData(1).action == .written(1))
        #expect(state.writeData(2, nonBlocking: true).action == .again)
        #expect(state.writeData(2).action == .sleep)
        #expect(state.resumeWrite(2).action == .sleep)
        #expect(state.hostReadsData() == 1)
        #expect(state.outputPending)
        #expect(state.interrupt() == .woke)
        let resumed = state.resumeWrite(2)
        #expect(resumed.action == .written(1))
        #expect(resumed.effects == .outputFilled)
        #expect(state.hostReadsData() == 2)
    }

    @Test func writerWakesOnlyAtTheInterrupt() {
        // On Aspeed the interrupt is a timer of 500 ms: OBF is clear long before the writer goes on.
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.writeData(2).action == .sleep)
        _ = state.hostReadsData()
        #expect(state.resumeWrite(2).action == .sleep)
        _ = state.interrupt()
        #expect(state.resumeWrite(2).action == .written(1))
    }

    @Test func twoByteWriteThatCannotWriteDataChangesSTRNevertheless() {
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.writeBoth(odr: 2, str: 0x41, nonBlocking: true).action == .again)
        #expect(state.str == 0x41)
        #expect(state.hostReadsData() == 1)
    }

    @Test func twoByteWriteWithBitZeroClearOverwritesTheUnreadByte() {
        var state = opened(.v2)
        _ = state.writeData(1)
        let (action, effects) = state.writeBoth(odr: 2, str: 0x40, nonBlocking: true)
        #expect(action == .written(2))
        #expect(effects == [.warned, .outputLost, .outputFilled])
        #expect(state.str == 0x40 | STRBit.obf)
        #expect(state.hostReadsData() == 2)
    }

    @Test func interruptedTwoByteWriteLeavesSTRChanged() {
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.writeBoth(odr: 2, str: 0x81).action == .sleep)
        #expect(state.abandonWrite() == .interrupted)
        #expect(state.str == 0x81)
        #expect(!state.wantsOutput)
        #expect(state.hostReadsData() == 1)
    }

    @Test func statusWriteWithBitZeroClearDropsTheByteAndWarnsEveryTime() {
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.writeStatus(0x04) == [.warned, .outputLost])
        #expect(state.str == 0x04)
        #expect(state.writeStatus(0x04) == .warned)
        #expect(state.writeStatus(0x05) == [])
        #expect(state.str == 0x04)
    }

    @Test func statusWriteLeavesTheHardwaresBits() {
        var state = opened(.v2)
        #expect(state.writeStatus(0xFF) == [])
        #expect(state.str == 0xF4)
        _ = state.hostWritesCommand(1)
        #expect(state.writeStatus(0x01) == [])
        #expect(state.str == STRBit.ibf | STRBit.commandData)
    }

    @Test func secondOpenIsBusyAndHarmless() {
        var state = opened(.v2)
        let before = state
        let again = state.open()
        #expect(!again)
        #expect(state == before)
    }

    @Test func byteLeftAtCloseStormsAtReopenThenComesBeforeTheNewOne() {
        var state = opened(.v2)
        _ = state.hostWritesData(1)
        _ = state.interrupt()
        state.close()
        _ = state.hostWritesData(2)
        #expect(state.interrupt() == [])
        let again = state.open()
        #expect(again)
        #expect(state.interrupt() == .storm)
        #expect(drain(&state) == [1, 2])
    }

    @Test func hostWriteBeforeTheFirstOpenStorms() {
        var state = DriverState(driver: .v2)
        _ = state.hostWritesData(1)
        #expect(state.interrupt() == .storm)
    }

    @Test func hostWriteAfterACloseIsKeptAndDelivered() {
        var state = opened(.v2)
        state.close()
        _ = state.hostWritesData(1)
        #expect(state.interrupt() == [])
        let again = state.open()
        #expect(again)
        #expect(state.interrupt() == .woke)
        #expect(drain(&state) == [1])
    }

    @Test func pollByAnotherThreadTakesTheWriterWakeUp() {
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.writeData(2).action == .sleep)
        _ = state.hostReadsData()
        let ready = state.poll()
        #expect(ready.contains(.output))
        #expect(!state.outputPending)
        #expect(state.interrupt() == [])
        #expect(state.resumeWrite(2).action == .sleep)
    }

    @Test func pollArmsOutputWhateverIsAskedFor() {
        var state = opened(.v2)
        _ = state.writeData(1)
        #expect(state.poll() == [])
        #expect(state.wantsOutput)
    }

    @Test func abandonedReadChangedNothingAndMayBeMadeAgain() {
        var state = opened(.v2)
        let before = state
        #expect(state.read(offset: 0, count: 1) == .sleep)
        #expect(state == before)
        _ = state.hostWritesData(3)
        _ = state.interrupt()
        #expect(state.read(offset: 0, count: 1) == .data(3))
    }

    @Test func secondByteWakesNobodyUntilTheFirstIsRead() {
        var state = opened(.v2)
        _ = state.hostWritesData(1)
        #expect(state.interrupt() == .woke)
        _ = state.hostWritesData(2)
        #expect(!state.inputPending)
        #expect(state.interrupt() == [])
        #expect(state.read(offset: 0, count: 1) == .data(1))
        #expect(state.inputPending)
        #expect(state.interrupt() == .woke)
    }

    @Test func readBeforeTheInterruptTakesIDRItself() {
        var state = opened(.v2)
        _ = state.hostWritesData(1)
        #expect(state.read(offset: 0, count: 1) == .data(1))
        #expect(state.hostReadsStatus() & STRBit.ibf == 0)
        #expect(state.interrupt() == [])
    }
}

private func queueTwo(_ state: inout DriverState) {
    _ = state.hostWritesData(1)
    _ = state.interrupt()
    _ = state.hostWritesData(2)
    _ = state.interrupt()
}
