// SPDX-License-Identifier: Apache-2.0
import CLinux
import Dispatch
import DriverModel
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite(.serialized) struct ConcurrencyTests {
    @Test(arguments: Driver.allCases)
    func hostThatHonoursIBFLosesNothing(driver: Driver) throws {
        let folder = TemporaryFolder()
        let path = folder.path
        _ = try DeviceDirectory.create(path, DeviceSettings(driver: driver))
        let count = repetitions(1_000_000)
        let stop = Flag()
        let bmc = inBackground {
            let port = try SimulatedPort(directory: path)
            echo(port) { stop.isSet }
        }
        let host = try SimulatedHost(directory: path)
        var wrong = 0
        for index in 0..<count {
            let value = UInt8(truncatingIfNeeded: index)
            guard host.send(value, command: index % 3 == 0, deadline: patience) else {
                Issue.record("byte \(index) was not taken")
                break
            }
            if host.receive(deadline: patience) != value { wrong += 1 }
        }
        stop.set()
        bmc.wait()
        #expect(wrong == 0)
        #expect(host.counted(.inputLost) == 0)
        #expect(host.counted(.outputLost) == 0)
        #expect(host.counted(.bmcReads) == UInt64(count))
    }

    @Test func hostThatIgnoresIBFLosesWhatTheModelLoses() throws {
        let folder = TemporaryFolder()
        let path = folder.path
        _ = try DeviceDirectory.create(path)
        let count = repetitions(1_000_000)
        let stop = Flag()
        nonisolated(unsafe) var received: [UInt8] = []  // read after the other thread has ended
        let bmc = inBackground {
            let port = try SimulatedPort(directory: path)
            while true {
                let last = stop.isSet
                while let (value, _) = port.readData() { received.append(value) }
                if last { return }
                if isReady(port.doorbell, within: 5) { port.drainDoorbell() }
            }
        }
        let host = try SimulatedHost(directory: path)
        var lost = 0
        for index in 0..<count {
            if !host.write(UInt8(truncatingIfNeeded: index)) { lost += 1 }
        }
        stop.set()
        bmc.wait()
        #expect(received.count + lost == count)
        #expect(host.counted(.inputLost) == UInt64(lost))
        #expect(received.last == UInt8(truncatingIfNeeded: count - 1))
    }

    @Test func firstOfManyCreatorsWins() throws {
        for _ in 0..<repetitions(2_000) {
            let folder = TemporaryFolder()
            let path = folder.path + "/device"
            let winners = Tally()
            DispatchQueue.concurrentPerform(iterations: 8) { index in
                let driver = Driver.allCases[index % 3]
                let settings = DeviceSettings(driver: driver, obeLag: UInt64(index), windowSize: 4096 * (index + 1))
                if index < 4 {
                    if (try? DeviceDirectory.create(path, settings)) == true { winners.add(index) }
                } else {
                    // First use by a host makes it too, and must find a whole one.
                    let host = try? SimulatedHost(directory: path, creating: settings)
                    if host?.window?.count != host?.settings.windowSize || host == nil { winners.add(-1) }
                }
            }
            #expect(winners.values.count <= 1)
            #expect(!winners.values.contains(-1))
            let settings = try #require(try DeviceDirectory.settings(of: path))
            let index = Int(settings.obeLag)
            #expect(settings.windowSize == 4096 * (index + 1), "the settings are of one creator")
            if let winner = winners.values.first { #expect(winner == index) }
            let left = try Syscalls.list(path).filter { $0.hasPrefix(".") }
            #expect(left == [])
        }
    }

    @Test func onlyOneOfManyOpenersGetsTheDevice() throws {
        for _ in 0..<repetitions(2_000) {
            let folder = TemporaryFolder()
            let path = folder.path
            let opened = Tally()
            let barrier = Keeper()
            DispatchQueue.concurrentPerform(iterations: 4) { index in
                if let port = try? SimulatedPort(directory: path) {
                    opened.add(index)
                    barrier.keep(port)
                }
            }
            #expect(opened.values.count == 1)
        }
    }
}

/// A flag between threads.
final class Flag: @unchecked Sendable {
    private let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    init() { word.initialize(to: 0) }
    deinit { word.deallocate() }
    var isSet: Bool { cl_load32(word) != 0 }
    func set() { cl_store32(word, 1) }
}

/// Numbers from several threads.
final class Tally: @unchecked Sendable {
    private let lock = NSLock()
    private var numbers: [Int] = []
    var values: [Int] { lock.withLock { numbers } }
    func add(_ number: Int) { lock.withLock { numbers.append(number) } }
}

/// Keeps ports open.
final class Keeper: @unchecked Sendable {
    private let lock = NSLock()
    private var ports: [SimulatedPort] = []
    func keep(_ port: SimulatedPort) { lock.withLock { ports.append(port) } }
}

/// Runs on a thread of its own; wait for it.
func inBackground(_ body: @escaping @Sendable () throws -> Void) -> DispatchGroup {
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) {
        do { try body() } catch { Issue.record("\(error)") }
    }
    return group
}
