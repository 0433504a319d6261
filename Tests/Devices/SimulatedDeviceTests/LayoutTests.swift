// SPDX-License-Identifier: Apache-2.0
//
// What Layout.md promises to programs in other languages.
import DriverModel
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct LayoutTests {
    @Test func newFileIsAsDocumented() throws {
        let folder = TemporaryFolder()
        let settings = DeviceSettings(driver: .deferred, obeLag: 0x1122, windowSize: 0x10000)
        #expect(try DeviceDirectory.create(folder.path, settings))
        let bytes = try registers(folder)
        #expect(bytes.count == 4096)
        #expect(Array(bytes[0..<8]) == Array("kcs-sim\0".utf8))
        #expect(number(bytes, 8, 4) == 1)
        #expect(number(bytes, 12, 4) == 2)
        #expect(number(bytes, 16, 8) == 0x1122)
        #expect(number(bytes, 24, 8) == 0x10000)
        // IBF events wanted and raised, driver number 2 in bits 40 and 41.
        #expect(number(bytes, 64, 8) == 1 << 34 | 1 << 36 | 2 << 40)
        #expect(number(bytes, 128, 8) == 0)
    }

    @Test func stateWordIsAsDocumented() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(0x11, command: true)
        host.write(0x22)
        #expect(port.writeData(0x33))
        port.writeStatus(0xC1)
        let word = number(try registers(folder), 64, 8)
        #expect(word & 0xFF == 0x22, "IDR")
        #expect(word >> 8 & 0xFF == 0x33, "ODR")
        #expect(word >> 16 & 0xFF == 0xC3, "STR: ERROR, IBF, OBF; C/D of the later byte")
        #expect(word >> 24 & 0xFF == 0x11, "the driver's buffer")
        #expect(word >> 32 & 1 == 1, "buffer full")
        #expect(word >> 34 & 1 == 0, "IBF events not wanted")
        #expect(word >> 36 & 1 == 0, "IBF events not raised")
        #expect(word >> 38 & 1 == 1, "open")
        #expect(word >> 48 == 1, "opened once")
    }

    @Test func countersAreAsDocumented() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.write(1)
        host.write(2, command: true)
        host.write(3)  // overwrites 2
        #expect(port.readData()?.value == 1)
        #expect(port.writeData(4))
        _ = host.readData()
        #expect(port.writeData(5))
        port.writeStatus(0)  // drops 5
        let bytes = try registers(folder)
        let counts = (0..<11).map { number(bytes, 128 + 8 * $0, 8) }
        // Two interrupts: byte 1, and byte 3 once the buffer was read.
        #expect(counts == [2, 1, 1, 1, 1, 2, 1, 1, 1, 0, 2])
        for counter in Counter.allCases { #expect(port.counted(counter) == counts[counter.rawValue]) }
    }

    private func registers(_ folder: TemporaryFolder) throws -> [UInt8] {
        try Syscalls.readFile(folder.path + "/registers", limit: 8192)
    }

    private func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
