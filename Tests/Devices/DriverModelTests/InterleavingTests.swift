// SPDX-License-Identifier: Apache-2.0
//
// Every order in which host, interrupt and a process of the BMC can move: where nobody can move any more, everything must
// have arrived, and nothing twice.
import DriverModel
import Testing

/// Host, device and one process, and what has arrived so far.
private struct World: Hashable {
    var state: DriverState
    var written: UInt8 = 0
    var arrived: [UInt8] = []
    /// The process sleeps in the kernel; only a wake-up lets it go on.
    var asleep = false
    /// The process was woken and has yet to run.
    var woken = false
}

@Suite struct InterleavingTests {
    static let count: UInt8 = 5

    @Test(arguments: Driver.allCases)
    func blockingReaderGetsEveryByteInOrder(driver: Driver) {
        let worlds = explore(World(state: opened(driver))) { world in
            var next = interruptMoves(world)
            if world.written < Self.count && world.state.hostReadsStatus() & STRBit.ibf == 0 {
                var moved = world
                moved.written += 1
                _ = moved.state.hostWrites(moved.written, command: moved.written == 2)
                next.append(moved)
            }
            if world.arrived.count < Int(Self.count) && (!world.asleep || world.woken) {
                var moved = world
                moved.woken = false
                let action = world.asleep ? moved.state.resumeRead(count: 1) : moved.state.read(offset: 0, count: 1)
                moved.asleep = action == .sleep
                if case .data(let value) = action { moved.arrived.append(value) }
                next.append(moved)
            }
            return next
        }
        #expect(worlds.last.allSatisfy { $0.arrived == Array(1...Self.count) })
        #expect(!worlds.last.isEmpty)
        #expect(worlds.all.allSatisfy { $0.arrived == Array($0.arrived.indices.map { UInt8($0 + 1) }) })
    }

    @Test(arguments: Driver.allCases)
    func pollingReaderGetsEveryByteInOrder(driver: Driver) {
        let worlds = explore(World(state: opened(driver))) { world in
            var next = interruptMoves(world)
            if world.written < Self.count && world.state.hostReadsStatus() & STRBit.ibf == 0 {
                var moved = world
                moved.written += 1
                _ = moved.state.hostWritesData(moved.written)
                next.append(moved)
            }
            if !world.asleep || world.woken {
                var moved = world
                moved.woken = false
                moved.asleep = !moved.state.poll().contains(.input)
                if !moved.asleep, case .data(let value) = moved.state.read(offset: 0, count: 1) {
                    moved.arrived.append(value)
                }
                next.append(moved)
            }
            return next
        }
        #expect(worlds.last.allSatisfy { $0.arrived == Array(1...Self.count) })
        #expect(!worlds.last.isEmpty)
    }

    @Test(arguments: Driver.allCases)
    func blockingWriterDeliversEveryByteInOrder(driver: Driver) {
        let worlds = explore(World(state: opened(driver))) { world in
            var next = interruptMoves(world)
            if world.written < Self.count && (!world.asleep || world.woken) {
                var moved = world
                moved.woken = false
                let value = world.written + 1
                let action =
                    world.asleep ? moved.state.resumeWrite(value).action : moved.state.writeData(value).action
                moved.asleep = action == .sleep
                if action == .written(1) { moved.written = value }
                next.append(moved)
            }
            if world.state.hostReadsStatus() & STRBit.obf != 0 {
                var moved = world
                moved.arrived.append(moved.state.hostReadsData())
                next.append(moved)
            }
            return next
        }
        #expect(worlds.last.allSatisfy { $0.arrived == Array(1...Self.count) })
        #expect(!worlds.last.isEmpty)
        #expect(worlds.all.allSatisfy { $0.arrived == Array($0.arrived.indices.map { UInt8($0 + 1) }) })
    }

    @Test func nonBlockingReaderOfThePostedDriverCanStarve() {
        // The same reader with O_NONBLOCK: there are worlds where only it moves, and gets nothing, for ever.
        let worlds = explore(World(state: opened(.v2))) { world in
            var next = interruptMoves(world)
            if world.written < 2 && world.state.hostReadsStatus() & STRBit.ibf == 0 {
                var moved = world
                moved.written += 1
                _ = moved.state.hostWritesData(moved.written)
                next.append(moved)
            }
            var moved = world
            if moved.state.poll().contains(.input),
                case .data(let value) = moved.state.read(offset: 0, count: 1, nonBlocking: true)
            {
                moved.arrived.append(value)
                moved.woken = false
                next.append(moved)
            }
            return next
        }
        #expect(worlds.last.contains { $0.arrived.isEmpty && $0.written == 2 })
    }

    private func interruptMoves(_ world: World) -> [World] {
        guard world.state.interruptPending else { return [] }
        var moved = world
        let effects = moved.state.interrupt()
        #expect(!effects.contains(.storm))
        #expect(!effects.contains(.bufferOverwritten))
        if effects.contains(.woke) { moved.woken = true }
        return [moved]
    }

    /// All worlds that can be reached, and those of them where nobody can move.
    private func explore(_ first: World, _ moves: (World) -> [World]) -> (all: Set<World>, last: Set<World>) {
        var all: Set<World> = [first]
        var last: Set<World> = []
        var open = [first]
        while let world = open.popLast() {
            let next = moves(world).filter { $0 != world }
            if next.isEmpty { last.insert(world) }
            for found in next where all.insert(found).inserted { open.append(found) }
        }
        return (all, last)
    }
}
