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
        var shortTakes = 0
        for step in 0..<20_000 {
            let value = UInt8(truncatingIfNeeded: next(256))
            switch next(4) {
            case 0:
                let isCommand = next(2) == 0
                hosts.0.write(value, command: isCommand)
                hosts.1.write(value, command: isCommand)
            case 1: #expect(hosts.0.readData() == hosts.1.readData())
            case 2:
                // What has no short way is taken by the long one, after the doorbell was silenced once more.
                let taken = shortcut.tryTake().map {
                    (value: $0.buffer, str: $0.str | STRBit.ibf, more: $0.isInputFull)
                }
                let fallback = taken == nil ? short.readData() : nil
                long.drainDoorbell()
                let expected = long.readData()
                #expect((taken?.value ?? fallback?.value) == expected?.value)
                #expect((taken?.str ?? fallback?.str) == expected?.str)
                if taken != nil { shortTakes += 1 }
                let another = long.isReadable
                #expect(taken == nil || taken?.more == another)
                _ = short.isReadable
            default:
                let isClear = !hosts.0.state.isOutputFull
                #expect(shortcut.tryWrite(value) == (isClear ? 0 : PortShortcut.unwritten))
                #expect(long.writeData(value) == isClear)
            }
            guard hosts.0.state == hosts.1.state else {
                Issue.record("seed \(seed), step \(step): \(hosts.0.state) is not \(hosts.1.state)")
                return
            }
        }
        #expect(driver == .deferred || shortTakes > 1000)
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
        let first = shortcut.tryTake()
        #expect(first?.buffer == 1 && first?.isInputFull == true)
        // The second came without an interrupt, so it has no short way.
        #expect(shortcut.tryTake() == nil)
        #expect(port.readData()?.value == 2)
        #expect(shortcut.tryTake() == nil && port.readData() == nil)
    }

    @Test func deviceThatVanishedIsNone() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        let shortcut = try #require(port.shortcut)
        host.write(1)
        host.vanish()
        #expect(shortcut.tryTake() == nil && port.isGone)
        #expect(shortcut.tryWrite(1) == PortShortcut.unwritten)
    }

    @Test func deviceWhoseOBEIsATimersHasNoShortWay() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path, creating: DeviceSettings(obeLag: 1_000_000))
        #expect(port.shortcut.map { _ in true } == nil)
    }
}
