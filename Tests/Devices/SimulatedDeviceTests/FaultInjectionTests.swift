// SPDX-License-Identifier: Apache-2.0
import DriverModel
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct FaultInjectionTests {
    @Test func lostInterruptRingsForNobodyUntilSomeoneLooks() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.faults = InterruptFaults(seed: 1, lost: 1000)
        host.write(0x5A)
        #expect(host.readStatus() == STRBit.ibf, "the interrupt did not take it")
        #expect(!isReady(port.doorbell, within: 0))
        #expect(host.injected == (lost: 1, delayed: 0, spurious: 0))
        host.nudge()
        #expect(host.readStatus() == 0)
        #expect(isReady(port.doorbell, within: 0))
        #expect(port.readData()?.value == 0x5A)
    }

    @Test func lateInterruptComesWhenItsTimeIsThere() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.faults = InterruptFaults(seed: 1, delayed: 1000, longestDelay: 1)
        host.write(0x5A)
        #expect(!isReady(port.doorbell, within: 0))
        #expect(host.wait(for: STRBit.ibf, toBe: 0, deadline: patience))
        #expect(isReady(port.doorbell, within: 0))
        #expect(host.injected == (lost: 0, delayed: 1, spurious: 0))
    }

    @Test func spuriousInterruptHasNothingToTell() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.ringForNothing()
        #expect(isReady(port.doorbell, within: 0))
        port.drainDoorbell()
        #expect(!port.isReadable)
        #expect(port.readData() == nil)
        host.faults = InterruptFaults(seed: 1, spurious: 1000)
        host.write(1)
        #expect(isReady(port.doorbell, within: 0))
        #expect(host.injected == (lost: 0, delayed: 0, spurious: 2))
    }

    @Test func openerOfADeviceThatVanishedHasLostItForGood() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(1)
        port.drainDoorbell()
        host.vanish()
        #expect(isReady(port.doorbell, within: 0), "it is told")
        #expect(port.isGone && port.isReadable)
        #expect(host.readStatus() == 0xFF)
        for _ in 0..<2 {
            #expect(port.readData() == nil)
            #expect(!port.writeData(2))
            #expect(!port.writeBoth(odr: 2, str: 0xC0))
            port.writeStatus(0xC1)
            host.comeBack()
            host.write(3)
            #expect(host.readStatus() == STRBit.ibf)
        }
        port.close()
        let again = try SimulatedPort(directory: folder.path)
        #expect(!again.isGone)
        #expect(again.readData()?.value == 3)
    }

    @Test func deviceThatIsGoneCannotBeOpened() throws {
        let folder = TemporaryFolder()
        let host = try SimulatedHost(directory: folder.path)
        host.vanish()
        do throws(SystemError) {
            _ = try SimulatedPort(directory: folder.path)
            Issue.record("it was opened")
        } catch { #expect(error.errno == .noDevice) }
        #expect(DeviceDirectory.owner(of: folder.path) == nil)
        host.comeBack()
        _ = try SimulatedPort(directory: folder.path)
    }
}
