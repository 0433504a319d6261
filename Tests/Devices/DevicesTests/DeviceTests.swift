// SPDX-License-Identifier: Apache-2.0
import CLinux
import Devices
import DriverModel
import SimulatedDevice
import TestKit
import Testing

@Suite struct DeviceTests {
    /// With a device's OBE delayed there is no short way to its registers.
    @Test(arguments: [0, 1_000_000] as [UInt64]) func deviceThatVanishedIsNeverTakenForABusyOne(obeLag: UInt64) throws {
        let folder = TestFolder()
        _ = try DeviceDirectory.create(folder.path + "/kcs", DeviceSettings(obeLag: obeLag))
        let device = try open(folder.path + "/kcs")
        #expect((device.registers.kind == .none) == (obeLag > 0))
        let host = try SimulatedHost(directory: folder.path + "/kcs")
        #expect(device.writeODR(1) == 0)
        #expect(device.writeODR(2) == -EBUSY)
        #expect(device.lastSTR & STRBit.obf != 0, "known without a look")
        #expect(host.readData() == 1)
        #expect(device.readSTR() == 0 && device.lastSTR == 0)
        #expect(device.isOutputClear)
        host.vanish()
        // First with OBF known to be clear, then without.
        for _ in 0..<2 {
            #expect(device.writeODR(3) == -ENODEV)
            #expect(device.write(odr: 4, mask: 0xC0, 0xC0) == -ENODEV)
        }
        #expect(!device.isOutputClear)
    }

    private func open(_ path: String) throws -> Device {
        try Device.open(DeviceSpecification(kind: .simulated, path: path, driver: .early)).get()
    }
}
