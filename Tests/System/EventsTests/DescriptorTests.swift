// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import Testing

@testable import Events

@Suite struct DescriptorTests {
    let loop: EventLoop

    init() throws { loop = try EventLoop() }

    @Test func readySourceIsToldOncePerTurnWhileItStaysReady() throws {
        let pipe = Pipe()
        let probe = Probe()
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        try loop.turn(wait: false)
        #expect(probe.calls.isEmpty)
        pipe.write()
        for _ in 0..<3 { try loop.turn(wait: true) }
        #expect(probe.calls == [.input, .input, .input])
    }

    @Test func sourceRemovedByAnotherIsNotTold() throws {
        let pipes = [Pipe(), Pipe()]
        let probes = Box<[Probe]>([])
        let loop = loop
        for pipe in pipes {
            let probe = Probe { caller in
                for probe in probes.value where probe !== caller { loop.remove(probe) }
            }
            probes.value.append(probe)
            try loop.add(probe, descriptor: pipe.input, interest: .input)
            pipe.write()
        }
        try loop.turn(wait: true)
        #expect(probes.value.map(\.calls.count).reduce(0, +) == 1, "the kernel had reported both")
        probes.value = []
    }

    @Test func slotReusedWithinATurnGetsNoEventOfItsPredecessor() throws {
        let pipes = [Pipe(), Pipe()]
        let quiet = Pipe()
        let newcomer = Probe()
        let probes = Box<[Probe]>([])
        let loop = loop
        for pipe in pipes {
            let probe = Probe { caller in
                guard newcomer.slot < 0, let other = probes.value.first(where: { $0 !== caller }) else { return }
                let slot = other.slot
                loop.remove(other)
                do { try loop.add(newcomer, descriptor: quiet.input, interest: .input) } catch {
                    Issue.record(error)
                }
                #expect(newcomer.slot == slot, "the slot that was freed last is taken first")
            }
            probes.value.append(probe)
            try loop.add(probe, descriptor: pipe.input, interest: .input)
            pipe.write()
        }
        try loop.turn(wait: true)
        #expect(newcomer.slot >= 0)
        #expect(newcomer.calls.isEmpty)
        quiet.write()
        try loop.turn(wait: true)
        #expect(newcomer.calls == [.input])
        probes.value = []
    }

    @Test func descriptorNumberReusedWithinATurnGetsNoEventOfItsPredecessor() throws {
        let pipes = Box<[Pipe?]>([Pipe(), Pipe()])
        let fresh = Pipe()
        let newcomer = Probe()
        let probes = Box<[Probe]>([])
        let loop = loop
        for index in 0..<2 {
            let probe = Probe { _ in
                guard newcomer.slot < 0 else { return }
                let number = pipes.value[1 - index]!.input
                loop.remove(probes.value[1 - index])
                // dup2 closes the old pipe's end and gives its number to another file in one step.
                #expect(dup2(fresh.input, number) == number)
                do { try loop.add(newcomer, descriptor: number, interest: .input) } catch {
                    Issue.record(error)
                }
            }
            probes.value.append(probe)
            try loop.add(probe, descriptor: pipes.value[index]!.input, interest: .input)
            pipes.value[index]!.write()
        }
        try loop.turn(wait: true)
        #expect(newcomer.slot >= 0)
        #expect(newcomer.calls.isEmpty)
        fresh.write()
        try loop.turn(wait: true)
        #expect(newcomer.calls == [.input])
        probes.value = []
    }

    @Test func sourceThatRemovesItselfLivesUntilTheTurnIsOver() throws {
        let pipe = Pipe()
        let goneDuringTurn = Box(false)
        let isGone = Box(false)
        let loop = loop
        do {
            let probe = Probe(
                { probe in
                    loop.remove(probe)
                    goneDuringTurn.value = isGone.value
                }, gone: { isGone.value = true })
            try loop.add(probe, descriptor: pipe.input, interest: .input)
        }
        #expect(!isGone.value, "the loop holds it")
        pipe.write()
        try loop.turn(wait: true)
        #expect(!goneDuringTurn.value)
        #expect(isGone.value)
    }

    @Test func deinitOfARemovedSourceMayRemoveAnother() throws {
        let pipes = [Pipe(), Pipe()]
        let other = Probe()
        let loop = loop
        try loop.add(other, descriptor: pipes[1].input, interest: .input)
        do {
            let probe = Probe({ loop.remove($0) }, gone: { loop.remove(other) })
            try loop.add(probe, descriptor: pipes[0].input, interest: .input)
        }
        pipes[0].write()
        try loop.turn(wait: true)
        #expect(other.slot < 0)
        try loop.turn(wait: false)
    }

    @Test func pausedSourceIsNotToldUntilItWaitsAgain() throws {
        let pipe = Pipe()
        let probe = Probe()
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        pipe.write()
        loop.update(probe, interest: [])
        try loop.turn(wait: false)
        #expect(probe.calls.isEmpty)
        loop.update(probe, interest: .input)
        try loop.turn(wait: false)
        #expect(probe.calls == [.input])
    }

    @Test func hangupIsToldWithoutInterest() throws {
        var pipe: Pipe? = Pipe()
        let copy = dup(pipe!.input)
        defer { close(copy) }
        let probe = Probe()
        try loop.add(probe, descriptor: copy, interest: [])
        pipe = nil
        try loop.turn(wait: true)
        #expect(probe.calls == [.hangup])
    }

    @Test func descriptorThatCannotBeWaitedForIsAnError() throws {
        let file = try Syscalls.open("/proc/self/exe", O_RDONLY)
        for (descriptor, errno) in [(file.raw, EPERM), (-1, EBADF)] {
            let probe = Probe()
            do {
                try loop.add(probe, descriptor: descriptor, interest: .input)
                Issue.record("registered \(descriptor)")
            } catch { #expect(error.errno.rawValue == errno) }
            #expect(probe.slot < 0)
        }
    }

    @Test func moreSourcesThanOneWaitReportsAreAllTold() throws {
        let pipes = (0..<200).map { _ in Pipe() }
        let loop = loop
        let probes = try pipes.map { pipe in
            let probe = Probe { _ in pipe.read() }
            try loop.add(probe, descriptor: pipe.input, interest: .input)
            pipe.write()
            return probe
        }
        for _ in 0..<4 { try loop.turn(wait: false) }
        #expect(probes.allSatisfy { $0.calls == [.input] })
    }

    @Test func greedySourceTakesOneCallATurnAndOthersTheirs() throws {
        let pipes = [Pipe(), Pipe()]
        let loop = loop
        let greedy = Probe { loop.callInNextTurn($0) }
        let modest = Probe()
        try loop.add(greedy, descriptor: pipes[0].input, interest: .input)
        try loop.add(modest, descriptor: pipes[1].input, interest: .input)
        pipes[1].write()
        loop.callInNextTurn(greedy)
        for turn in 1...10 {
            try loop.turn(wait: true)
            #expect(greedy.calls.count == turn)
            #expect(modest.calls.count == turn)
        }
    }

    @Test func callComesInTheNextTurnNotInThisOne() throws {
        let pipe = Pipe()
        let loop = loop
        let probe = Probe { probe in
            pipe.read()
            if probe.calls.count == 1 {
                loop.callInNextTurn(probe)
                loop.callInNextTurn(probe)
            }
        }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        pipe.write()
        try loop.turn(wait: true)
        #expect(probe.calls == [.input])
        try loop.turn(wait: true)
        #expect(probe.calls == [.input, []])
        try loop.turn(wait: false)
        #expect(probe.calls.count == 2)
    }

    @Test func removedSourceIsNotCalledAgain() throws {
        let pipe = Pipe()
        let probe = Probe()
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        loop.callInNextTurn(probe)
        loop.remove(probe)
        loop.callInNextTurn(probe)
        try loop.turn(wait: false)
        try loop.turn(wait: false)
        #expect(probe.calls.isEmpty)
    }

    @Test func stopEndsTheRun() throws {
        let pipe = Pipe()
        let loop = loop
        let probe = Probe { if $0.calls.count == 3 { loop.stop() } }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        pipe.write()
        try loop.run()
        #expect(probe.calls.count == 3)
    }
}
