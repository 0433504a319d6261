// SPDX-License-Identifier: Apache-2.0
import CLinux
import DriverModel
import LinuxIO
import SimulatedDevice
import Testing

@Suite struct ShortcutTests {
    /// Two devices that are treated alike, one by the short way and one by the long.
    @Test(arguments: Driver.allCases)
    func shortWayDoesWhatTheLongOneDoes(driver: Driver) throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 1...UInt64.max, using: &random)
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % bound
        }
        let folders = (TemporaryFolder(), TemporaryFolder())
        let settings = DeviceSettings(driver: driver)
        let short = try SimulatedPort(directory: folders.0.path, creating: settings)
        let long = try SimulatedPort(directory: folders.1.path, creating: settings)
        let shortcut = try #require(short.shortcut)
        let hosts = (try SimulatedHost(directory: folders.0.path), try SimulatedHost(directory: folders.1.path))
        for step in 0..<20_000 {
            let value = UInt8(truncatingIfNeeded: next(256))
            switch next(4) {
            case 0:
                let isCommand = next(2) == 0
                hosts.0.write(value, command: isCommand)
                hosts.1.write(value, command: isCommand)
            case 1: #expect(hosts.0.readData() == hosts.1.readData())
            case 2:
                let taken = shortcut.takeAnnounced()
                long.drainDoorbell()
                let expected = long.readData()
                if let expected {
                    #expect(taken & 0xFFFF == Int32(expected.value) | Int32(expected.str) << 8)
                    #expect((taken >= 1 << 16) == long.isReadable)
                } else {
                    #expect(taken == -EAGAIN)
                }
                _ = short.isReadable
            default: #expect(shortcut.write(value) == (long.writeData(value) ? 0 : -EBUSY))
            }
            guard hosts.0.state == hosts.1.state else {
                Issue.record("seed \(seed), step \(step): \(hosts.0.state) is not \(hosts.1.state)")
                return
            }
        }
        for counter in [Counter.bmcReads, .bmcWrites, .inputLost, .outputLost, .interrupts] {
            #expect(short.counted(counter) == long.counted(counter), "seed \(seed), \(counter)")
        }
    }

    @Test func byteBehindTheDriversBufferIsTold() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        let shortcut = try #require(port.shortcut)
        host.write(1)
        host.write(2)
        #expect(shortcut.takeAnnounced() & 0x100FF == 0x10001)
        #expect(shortcut.takeAnnounced() & 0x100FF == 2)
        #expect(shortcut.takeAnnounced() == -EAGAIN)
    }

    @Test func deviceThatVanishedIsNone() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        let shortcut = try #require(port.shortcut)
        host.write(1)
        host.vanish()
        #expect(shortcut.takeAnnounced() == -ENODEV)
        #expect(shortcut.write(1) == -ENODEV)
    }

    @Test func deviceWhoseOBEIsATimersHasNoShortWay() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(obeLag: 1_000_000))
        #expect(port.shortcut.map { _ in true } == nil)
    }
}
