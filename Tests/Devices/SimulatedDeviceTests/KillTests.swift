// SPDX-License-Identifier: Apache-2.0
//
// Either side dies at any instruction; whoever comes next finds a device that works.
import CLinux
import DriverModel
import Foundation
import LinuxIO
import SimulatedDevice
import Testing

@Suite(.serialized) struct KillTests {
    @Test func nextExchangeWorksAfterTheHostWasKilled() throws {
        let folder = TemporaryFolder()
        let path = folder.path
        _ = try DeviceDirectory.create(path)
        let stop = Flag()
        let bmc = inBackground {
            let port = try SimulatedPort(directory: path)
            echo(port) { stop.isSet }
        }
        var random = SplitMix(seed: seed())
        for round in 0..<repetitions(1_000) {
            let peer = try Peer("host", path)
            usleep(UInt32(random.next() % 3_000))
            peer.kill()
            try expectExchange(path, round, random)
        }
        stop.set()
        bmc.wait()
    }

    @Test func nextExchangeWorksAfterTheBMCWasKilled() throws {
        let folder = TemporaryFolder()
        let path = folder.path
        _ = try DeviceDirectory.create(path)
        let stop = Flag()
        let traffic = inBackground {
            let host = try SimulatedHost(directory: path)
            var value: UInt8 = 0
            while !stop.isSet {
                _ = host.send(value, deadline: Clock.monotonic + 5_000_000)
                _ = host.receive(deadline: Clock.monotonic + 5_000_000)
                value &+= 1
            }
        }
        var random = SplitMix(seed: seed())
        for _ in 0..<repetitions(1_000) {
            let peer = try Peer("bmc", path)
            usleep(UInt32(random.next() % 3_000))
            peer.kill()
        }
        stop.set()
        traffic.wait()
        let peer = try Peer("bmc", path)
        try expectExchange(path, -1, random)
        #expect(DeviceDirectory.owner(of: path) == peer.identifier)
        peer.kill()
        #expect(DeviceDirectory.owner(of: path) == nil)
    }

    @Test func deviceOfAKilledOwnerIsClosedForTheNextToCome() throws {
        let folder = TemporaryFolder()
        let peer = try Peer("bmc", folder.path)
        let early = try SimulatedHost(directory: folder.path)
        #expect(early.state.isOpen)
        peer.kill()
        // A host that comes finds it closed, as it would be by the kernel: IBF stays.
        let host = try SimulatedHost(directory: folder.path)
        #expect(!host.state.isOpen)
        host.write(1)
        #expect(host.readStatus() & STRBit.ibf != 0)
        let port = try SimulatedPort(directory: folder.path)
        #expect(port.readData()?.value == 1)
        #expect(host.readStatus() & STRBit.ibf == 0)
    }

    @Test func hostThatWaitsNoticesThatTheOwnerWasKilled() throws {
        let folder = TemporaryFolder()
        let peer = try Peer("bmc", folder.path)
        let host = try SimulatedHost(directory: folder.path)
        peer.kill()
        #expect(host.state.isOpen)
        #expect(host.receive(deadline: Clock.monotonic + 10_000_000) == nil)
        #expect(!host.state.isOpen)
    }

    @Test func openDeviceIsNeverClosedByAHost() throws {
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let host = try SimulatedHost(directory: folder.path)
        host.nudge()
        #expect(host.state.isOpen)
        host.write(1)
        #expect(port.readData()?.value == 1)
    }

    @Test func hostKilledBeforeItRangLosesNothing() throws {
        // The word as such a host leaves it: IDR and IBF are written, no interrupt was run, nothing was rung.
        let folder = TemporaryFolder()
        let port = try SimulatedPort(directory: folder.path)
        let file = try Syscalls.open(folder.path + "/registers", O_RDWR)
        let map = try MemoryMap(shared: file.raw, length: RegisterLayout.size)
        let word = (map.base + RegisterLayout.state).assumingMemoryBound(to: UInt64.self)
        cl_store64(word, cl_load64(word) | 0x0002_0044)
        #expect(!isReady(port.doorbell, within: 0))
        let host = try SimulatedHost(directory: folder.path)
        host.nudge()
        #expect(host.readStatus() & STRBit.ibf == 0)
        #expect(isReady(port.doorbell, within: 0))
        #expect(port.readData()?.value == 0x44)
    }

    /// What a new host gets done: stale bytes first go where they belong.
    private func expectExchange(_ path: String, _ round: Int, _ random: SplitMix) throws {
        let host = try SimulatedHost(directory: path)
        // Answers that are still to come to bytes that the dead host sent: at most two are in the device.
        var answers: [UInt8] = []
        #expect(host.send(0xEE, deadline: patience), "round \(round), seed \(random.seed)")
        while answers.last != 0xEE {
            guard let answer = host.receive(deadline: patience), answers.count < 5 else { break }
            answers.append(answer)
        }
        #expect(answers.last == 0xEE, "round \(round), seed \(random.seed): \(answers)")
    }

    private func seed() -> UInt64 {
        CurrentProcess.environment("KCSMUX_SEED").flatMap { UInt64($0) } ?? Clock.monotonic
    }
}

/// A small generator of numbers that one seed repeats.
struct SplitMix {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
