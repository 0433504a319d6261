// SPDX-License-Identifier: Apache-2.0
import Devices
import DriverModel
import LinuxIO
import SimulatedDevice
import TestKit
import Testing

@Suite struct DeviceTests {
    @Test(arguments: [0, 1_000_000] as [UInt64]) func deviceThatVanishedIsNeverTakenForABusyOne(obeLag: UInt64) throws {
        let folder = TestFolder()
        _ = try DeviceDirectory.create(folder.path + "/kcs", DeviceSettings(obeLag: obeLag))
        let device = try open(folder.path + "/kcs")
        let host = try SimulatedHost(directory: folder.path + "/kcs")
        try device.writeODR(1)
        #expect(throws: Errno.busy) { try device.writeODR(2) }
        #expect(device.lastSTR & STRBit.obf != 0, "known without a look")
        #expect(host.readData() == 1)
        #expect(try device.readSTR() == 0 && device.lastSTR == 0)
        #expect(try device.isOutputClear())
        host.vanish()
        // First with OBF known to be clear, then without.
        for _ in 0..<2 {
            #expect(throws: Errno.noDevice) { try device.writeODR(3) }
            #expect(throws: Errno.noDevice) { try device.write(odr: 4, mask: 0xC0, 0xC0) }
        }
        #expect(throws: Errno.noDevice) { try device.isOutputClear() }
    }

    @Test func whatWaitedAtOpenIsForNobody() throws {
        let folder = TestFolder()
        _ = try DeviceDirectory.create(folder.path + "/kcs", DeviceSettings())
        let first = try open(folder.path + "/kcs")
        let host = try SimulatedHost(directory: folder.path + "/kcs")
        first.close()
        host.write(0x11)
        let second = try open(folder.path + "/kcs")
        #expect(second.stale.map { $0.value } == [0x11])
        #expect(try second.receive() == nil)
    }

    @Test func everyKindHasANameOfItsOwnAndGivesSomething() {
        let names = DeviceKind.all.map { $0.name }
        #expect(names == ["raw-kcs", "serio-raw", "ipmi-kcs", "sim"])
        #expect(DeviceKind.all.allSatisfy { !$0.capabilities.isEmpty })
    }

    private func open(_ path: String) throws -> RegisterDevice {
        let specification = DeviceSpecification(kind: .simulated, path: path, driver: .early)
        guard case .registers(let device) = try specification.open().get() else { throw Errno.invalidArgument }
        return device
    }
}
