// SPDX-License-Identifier: Apache-2.0
import CLinux
import DriverModel
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct PortTests {
    @Test(arguments: Driver.allCases)
    func byteGoesThereAndBack(driver: Driver) throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(driver: driver))
        let host = try SimulatedHost(directory: folder.path)
        #expect(host.settings.driver == driver)
        #expect(port.readData() == nil)
        host.write(0x61, command: true)
        #expect((host.readStatus() & STRBit.ibf != 0) == (driver == .deferred))
        #expect(isReady(port.doorbell, within: 0))
        port.drainDoorbell()
        let (value, str) = try #require(port.readData())
        #expect(value == 0x61)
        #expect(str == STRBit.ibf | STRBit.commandData)
        #expect(port.writeBoth(odr: 0x18, str: 0x81))
        #expect(!port.writeData(0x19))
        #expect(isReady(host.doorbell, within: 0))
        #expect(host.readStatus() == 0x80 | STRBit.commandData | STRBit.obf)
        #expect(host.receive(deadline: patience) == 0x18)
        #expect(port.writeData(0x19))
    }

    @Test func oneByteAnsweredRingsEachSideOnce() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(1)
        #expect(waiting(port.doorbell) == 1)
        port.drainDoorbell()
        _ = port.readData()
        #expect(port.writeData(1))
        #expect(waiting(port.doorbell) == 0)
        #expect(waiting(host.doorbell) == 1)
        _ = host.readData()
        #expect(waiting(port.doorbell) == 0, "nobody asked for OBE")
    }

    @Test func secondOpenIsBusyAndNamesTheOwner() throws {
        let folder = TemporaryFolder()
        #expect(DeviceDirectory.owner(of: folder.path) == nil)
        let port = try SimulatedPort(directory: folder.path)
        #expect(DeviceDirectory.owner(of: folder.path) == CurrentProcess.identifier)
        expectBusy(folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(9)
        expectBusy(folder.path)
        #expect(port.readData()?.value == 9)
        port.close()
        #expect(DeviceDirectory.owner(of: folder.path) == nil)
        _ = try SimulatedPort(directory: folder.path)
    }

    @Test func hostMayComeFirst() throws {
        let folder = TemporaryFolder()
        let host = try SimulatedHost(directory: folder.path + "/new/device")
        host.write(5)
        #expect(host.readStatus() == STRBit.ibf)
        #expect(host.counted(.storms) == 1)
        let port = try SimulatedPort(directory: folder.path + "/new/device")
        #expect(isReady(port.doorbell, within: 0))
        port.drainDoorbell()
        #expect(port.readData()?.value == 5)
    }

    @Test func byteLeftAtCloseComesFirstAtTheNextOpen() throws {
        let folder = TemporaryFolder()
        let host = try SimulatedHost(directory: folder.path)
        var port = try SimulatedPort(directory: folder.path)
        host.write(1)
        port.close()
        host.write(2)
        port = try SimulatedPort(directory: folder.path)
        #expect(port.counted(.storms) == 1)
        #expect(port.readData()?.value == 1)
        #expect(port.readData()?.value == 2)
        #expect(port.readData() == nil)
    }

    @Test func byteLeftOnPurposeRingsAgainWhenAskedTo() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(1)
        host.write(2)
        port.drainDoorbell()
        #expect(port.readData()?.value == 1)
        port.rearm()
        #expect(isReady(port.doorbell, within: 0))
        port.drainDoorbell()
        #expect(port.readData()?.value == 2)
        port.rearm()
        #expect(!isReady(port.doorbell, within: 0))
    }

    @Test func outputReadinessRingsOnlyWhereItWasAskedFor() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        #expect(port.isWritable)
        #expect(port.writeData(1))
        #expect(!port.isWritable)
        _ = host.readData()
        #expect(isReady(port.doorbell, within: 0))
        port.drainDoorbell()
        #expect(port.isWritable)
    }

    @Test func outputReadinessLagsByTheTimersPeriod() throws {
        let folder = TemporaryFolder()
        let lag: UInt64 = 30_000_000
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(obeLag: lag))
        let host = try SimulatedHost(directory: folder.path)
        #expect(port.writeData(1))
        let start = Clock.monotonic
        #expect(port.write(offset: 0, count: 1, first: 2) == .sleep)
        _ = host.readData()
        #expect(port.resumeWrite(2) == .sleep)
        var action = WriteAction.sleep
        while action == .sleep && isReady(port.doorbell, within: 20_000) {
            port.drainDoorbell()
            action = port.resumeWrite(2)
        }
        #expect(action == .written(1))
        #expect(Clock.monotonic - start >= lag)
        #expect(host.readData() == 2)
        // Input does not lag.
        host.write(3)
        #expect(isReady(port.doorbell, within: 0))
    }

    @Test func timerGoesOnLookingWhileOBFStaysSet() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(obeLag: 1_000_000))
        let host = try SimulatedHost(directory: folder.path)
        #expect(port.writeData(1))
        #expect(!port.isWritable)
        for _ in 0..<3 {
            #expect(isReady(port.doorbell, within: 20_000))
            port.drainDoorbell()
            #expect(host.readStatus() & STRBit.obf != 0)
        }
        _ = host.readData()
        #expect(isReady(port.doorbell, within: 20_000))
        port.drainDoorbell()
        #expect(port.isWritable)
        port.drainDoorbell()
        #expect(!isReady(port.doorbell, within: 10), "nobody waits any more")
    }

    @Test func outputReadinessMayNeverCome() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(obeLag: .max))
        let host = try SimulatedHost(directory: folder.path)
        #expect(port.writeData(1))
        #expect(port.write(offset: 0, count: 2, first: 2, second: 0x41) == .sleep)
        _ = host.readData()
        #expect(!isReady(port.doorbell, within: 20))
        #expect(port.abandonWrite() == .interrupted)
        #expect(host.readStatus() == 0x40)
        #expect(port.writeData(2), "OBF is clear, and can be looked at")
    }

    @Test func windowIsSharedAndSparse() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        let ours = try #require(port.window)
        let theirs = try #require(host.window)
        #expect(ours.count == 1 << 20)
        ours[0x12345] = 0xA5
        #expect(theirs[0x12345] == 0xA5)
        var status = stat()
        #expect(stat(folder.path + "/window", &status) == 0)
        #expect(status.st_size == 1 << 20)
        #expect(status.st_blocks * 512 < 1 << 20)
    }

    @Test func deviceWithoutWindowHasNone() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(windowSize: 0))
        #expect(port.window == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/window"))
    }

    @Test func readWriteAndPollAreTheDriversOwn() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        #expect(port.read(offset: 0, count: 3) == .invalid)
        #expect(port.read(offset: 0, count: 1, nonBlocking: true) == .sleep)
        #expect(port.poll() == .output)
        host.write(1)
        host.write(2)
        #expect(port.resumeRead(count: 2) == .both(data: 1, status: STRBit.ibf))
        #expect(port.poll() == [.input, .output])
        #expect(port.read(offset: 1, count: 1) == .status(STRBit.ibf))
        #expect(port.read(offset: 0, count: 1) == .data(2))
        #expect(port.write(offset: 0, count: 3) == .invalid)
        #expect(port.write(offset: 1, count: 1, first: 0x45) == .written(1))
        #expect(port.write(offset: 0, count: 2, first: 7, second: 0x85) == .written(2))
        #expect(port.write(offset: 0, count: 2, first: 8, second: 0xC5, nonBlocking: true) == .again)
        #expect(port.readStatus() == 0xC5)
        #expect(port.poll() == [])
        #expect(host.readData() == 7)
    }

    private func waiting(_ descriptor: Int32) -> Int32 {
        var count: Int32 = 0
        return cl_ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? count : -1
    }

    private func expectBusy(_ directory: String) {
        do {
            _ = try SimulatedPort(directory: directory)
            Issue.record("opened twice")
        } catch {
            #expect(error == SystemError(.busy, "open", directory))
        }
    }
}
