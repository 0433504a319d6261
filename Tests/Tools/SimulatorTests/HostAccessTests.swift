// SPDX-License-Identifier: Apache-2.0
import DriverModel
import Foundation
import LinuxIO
import SimulatedDevice
import Simulator
import Testing

@Suite struct HostAccessTests {
    private let directory = NSTemporaryDirectory() + "/kcs-" + UUID().uuidString

    @Test func writeThatTheBMCDoesNotTakeNamesTheByteAndWhy() throws {
        let access = HostAccess(try SimulatedHost(directory: directory), timeout: 2_000_000)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        do {
            try access.write([0x44, 0x52], command: false)
            Issue.record("nobody took the first byte")
        } catch {
            #expect(
                error.description == "byte 2 of 2, 0x52, was not written: IBF stayed set for 2ms; "
                    + "nobody has the device open on the BMC's side")
        }
    }

    @Test func readThatTheBMCDoesNotAnswerSaysSo() throws {
        let port = try SimulatedPort(directory: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let access = HostAccess(try SimulatedHost(directory: directory), timeout: 2_000_000)
        do {
            _ = try access.read()
            Issue.record("there was nothing to read")
        } catch { #expect(error.description == "OBF stayed clear for 2ms") }
        #expect(port.writeData(0x18))
        #expect(try access.read() == 0x18)
    }

    @Test func watcherSaysEachChangeOnceAndCountsWhatItMissed() throws {
        let port = try SimulatedPort(directory: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let host = try SimulatedHost(directory: directory)
        var watcher = Watcher(host, now: 1000)
        #expect(watcher.poll(now: 1000) == "    0.000000  0x00  0x00  IDLE")
        #expect(watcher.poll(now: 2000) == nil)
        #expect(port.writeBoth(odr: 0x18, str: 0x45))
        let second = watcher.poll(now: 1_000_002_000)
        #expect(second == "    1.000001  0x45  0x18  READ SMS_ATN OBF  (2 accesses since the last line)")
        _ = host.readData()
        #expect(watcher.poll(now: 2_000_001_000) == "    2.000000  0x44  0x18  READ SMS_ATN")
        #expect(!(host.readStatus() & STRBit.obf != 0))
    }

    /// Each wait alone might take an hour here, and a host tries ten times.
    @Test func transferIsOverWhenItsTimeIs() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let host = try SimulatedHost(directory: directory)
        for name in ["linux", "freeipmi", "edk2"] {
            var transfer = HostTransfer(
                host, temperament: try CommandWord.temperament(name), timeout: 3_600_000_000_000)
            transfer.end = Clock.monotonic + 10_000_000
            #expect(transfer.send([0x18, 1]).reason == "IBF stayed set")
        }
    }
}
