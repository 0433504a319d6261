// SPDX-License-Identifier: Apache-2.0
import CTestSupport
import LinuxIO
import Testing

@testable import Events

/// Counted over 10,000 turns, or a million with KCSMUX_LONG=1.
@Suite(.enabled(if: cts_counts_allocations() != 0)) struct AllocationTests {
    private var turns: Int { CurrentProcess.environment("KCSMUX_LONG") == nil ? 10_000 : 1_000_000 }

    private func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
        let before = cts_allocations()
        try body()
        return cts_allocations() - before
    }

    @Test func counterSeesWhatSwiftAllocates() {
        var kept: [Box<Int>] = []
        kept.reserveCapacity(16)
        let count = allocations { for index in 0..<10 { kept.append(Box(index)) } }
        #expect(count == 10)
    }

    @Test(arguments: [true, false])
    func steadyStateAllocatesNothing(hasPreciseWait: Bool) throws {
        /// Everything that a turn can do: a ready descriptor, a timer that sets itself, a source that asks again.
        final class Source: EventSource {
            let loop: EventLoop
            let pipe: Pipe
            var calls = 0

            init(_ loop: EventLoop, _ pipe: Pipe) {
                self.loop = loop
                self.pipe = pipe
                super.init()
            }

            override func ready(_ events: Readiness, now: UInt64) {
                calls += 1
                if events.contains(.input) {
                    pipe.read()
                    pipe.write()
                    loop.callInNextTurn(self)
                }
            }
        }
        final class Timer: LoopTimer {
            let loop: EventLoop
            var calls = 0

            init(_ loop: EventLoop) {
                self.loop = loop
                super.init()
            }

            override func fire(now: UInt64) {
                calls += 1
                loop.set(self, deadline: now + 1000)
            }
        }
        let loop = try EventLoop(hasPreciseWait: hasPreciseWait)
        let pipe = Pipe()
        let source = Source(loop, pipe)
        let passer = Source(loop, Pipe())
        let timer = Timer(loop)
        try loop.add(source, descriptor: pipe.input, interest: .input)
        loop.set(timer, deadline: 1)
        pipe.write()
        let both: Readiness = [.input, .output]
        func turn() throws {
            try loop.turn(wait: true)
            try loop.add(passer, descriptor: passer.pipe.input, interest: .input)
            loop.update(passer, interest: both)
            loop.remove(passer)
        }
        for _ in 0..<100 { try turn() }
        let turns = turns
        let before = (source.calls, timer.calls)
        let count = try allocations { for _ in 0..<turns { try turn() } }
        #expect(count == 0)
        #expect(source.calls - before.0 >= turns)
        #expect(timer.calls > before.1)
    }
}
