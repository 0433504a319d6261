// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import Testing

@testable import Events

@Suite struct TimerTests {
    let loop: EventLoop

    init() throws { loop = try EventLoop() }

    @Test func timersFireInTheOrderOfTheirDeadlines() throws {
        let order = Box<[Int]>([])
        let timers = (0..<100).map { index in Tick { _ in order.value.append(index) } }
        for (index, timer) in timers.enumerated().shuffled() { loop.set(timer, deadline: UInt64(index + 1)) }
        try loop.turn(wait: true)
        #expect(order.value == Array(0..<100))
    }

    @Test(arguments: [true, false])
    func waitLastsUntilTheDeadline(hasPreciseWait: Bool) throws {
        let loop = try EventLoop(hasPreciseWait: hasPreciseWait)
        for delay in [300_000, 1_200_000, 50_000] as [UInt64] {
            let timer = Tick()
            let deadline = Clock.monotonic + delay
            loop.set(timer, deadline: deadline)
            var turns = 0
            while timer.times.isEmpty && turns < 100 {
                try loop.turn(wait: true)
                turns += 1
            }
            #expect(turns <= 3, "waiting, not polling")
            #expect(timer.times.allSatisfy { $0 >= deadline })
            #expect(timer.times.count == 1)
        }
    }

    @Test(arguments: [true, false])
    func earlierEventDoesNotCostALaterTimer(hasPreciseWait: Bool) throws {
        let loop = try EventLoop(hasPreciseWait: hasPreciseWait)
        let pipe = Pipe()
        let probe = Probe { _ in pipe.read() }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        let timer = Tick()
        loop.set(timer, deadline: Clock.monotonic + 1_000_000)
        pipe.write()
        while timer.times.isEmpty { try loop.turn(wait: true) }
        #expect(probe.calls == [.input])
        #expect(timer.times.count == 1)
    }

    @Test func timerThatIsFarIsFiredInTheTurnThatReachesItHoweverManyEventsCome() throws {
        let loop = loop
        let pipe = Pipe()
        pipe.write()
        let timer = Tick { _ in loop.stop() }
        let deadline = Clock.monotonic + 60_000_000
        let late = Box(0)
        let busy = Probe { _ in if loop.now >= deadline && timer.times.isEmpty { late.value += 1 } }
        try loop.add(busy, descriptor: pipe.input, interest: .input)
        loop.set(timer, deadline: deadline)
        try loop.run()
        #expect(busy.calls.count > 10)
        #expect(late.value <= 1, "events come before timers in a turn, and no turn is without timers that are due")
        #expect(timer.times.count == 1 && timer.times[0] >= deadline)
    }

    @Test func timerThatIsFarComesWhenEventsHaveCeased() throws {
        let loop = loop
        let pipe = Pipe()
        let probe = Probe { _ in pipe.read() }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        let first = Tick { _ in pipe.write() }
        let deadline = Clock.monotonic + 80_000_000
        let last = Tick { _ in loop.stop() }
        loop.set(first, deadline: Clock.monotonic + 1_000_000)
        loop.set(last, deadline: deadline)
        try loop.run()
        #expect(probe.calls == [.input])
        #expect(first.times.count == 1 && last.times.count == 1)
        #expect(last.times[0] >= deadline)
    }

    @Test func whatFollowsSomethingLongBeginsWhenTheClockIsReadAgain() throws {
        let loop = loop
        let pipe = Pipe()
        let timer = Tick()
        let probe = Probe { _ in
            pipe.read()
            let began = loop.now
            while Clock.monotonic < began + 20_000_000 {}
            #expect(loop.now == began, "all of a turn is done at its time")
            loop.readClock()
            let now = loop.now
            #expect(now >= began + 20_000_000)
            loop.set(timer, deadline: now)
        }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        pipe.write()
        try loop.turn(wait: true)
        #expect(timer.times.count == 1, "a timer that is due in the turn that took long does not wait for another")
    }

    @Test func timerThatIsSetBesideAFarOneIsWaitedFor() throws {
        let loop = loop
        let pipe = Pipe()
        let timer = Tick { _ in loop.stop() }
        let far = Tick()
        loop.set(far, deadline: Clock.monotonic + 3_600_000_000_000)
        let probe = Probe {
            pipe.read()
            if $0.calls.count < 3 { pipe.write() } else { loop.set(timer, deadline: loop.now + 2_000_000) }
        }
        try loop.add(probe, descriptor: pipe.input, interest: .input)
        pipe.write()
        try loop.run()
        #expect(probe.calls.count == 3 && timer.times.count == 1 && far.times.isEmpty)
    }

    @Test func timerSetIntoThePastWhileFiringWaitsForTheNextTurn() throws {
        let loop = loop
        let others = (0..<20).map { _ in Tick() }
        for other in others { loop.set(other, deadline: .max) }
        let timer = Tick { loop.set($0, deadline: 1) }
        loop.set(timer, deadline: 1)
        for turn in 1...5 {
            try loop.turn(wait: true)
            #expect(timer.times.count == turn)
        }
        #expect(others.allSatisfy { $0.times.isEmpty })
        loop.cancel(timer)
    }

    @Test func timerCancelledByAnotherDoesNotFire() throws {
        let loop = loop
        let victim = Tick()
        let killer = Tick { _ in loop.cancel(victim) }
        loop.set(killer, deadline: 1)
        loop.set(victim, deadline: 2)
        try loop.turn(wait: true)
        #expect(killer.times.count == 1)
        #expect(victim.times.isEmpty)
        loop.cancel(victim)
    }

    @Test func timerMovedByAnotherFiresOnceAtItsNewPlace() throws {
        let loop = loop
        let moved = Tick()
        let mover = Tick { _ in loop.set(moved, deadline: .max) }
        loop.set(mover, deadline: 1)
        loop.set(moved, deadline: 2)
        try loop.turn(wait: true)
        #expect(moved.times.isEmpty)
        loop.set(moved, deadline: 3)
        try loop.turn(wait: true)
        #expect(moved.times.count == 1)
    }

    @Test func loopHoldsATimerWhileItIsSet() throws {
        let gone = Box(0)
        let loop = loop
        do { loop.set(Tick(gone: { gone.value += 1 }), deadline: 1) }
        #expect(gone.value == 0)
        try loop.turn(wait: true)
        #expect(gone.value == 1)
        do {
            let timer = Tick(gone: { gone.value += 1 })
            loop.set(timer, deadline: .max)
            loop.cancel(timer)
        }
        #expect(gone.value == 2)
    }

    @Test func deinitOfACancelledTimerMayCancelAnother() {
        let loop = loop
        let other = Tick()
        loop.set(other, deadline: .max)
        let held = Box<Tick?>(Tick(gone: { loop.cancel(other) }))
        loop.set(held.value!, deadline: .max)
        let last = Unmanaged.passUnretained(held.value!)
        held.value = nil
        last._withUnsafeGuaranteedRef { loop.cancel($0) }
        #expect(other.position < 0)
    }

    @Test func tenThousandRandomChangesAgreeWithAModel() {
        var random = SeededRandom(state: 7)
        var queue = TimerQueue(capacity: 4)
        let timers = (0..<97).map { _ in Tick() }
        var model: [Int: UInt64] = [:]
        var now: UInt64 = 0
        for _ in 0..<10_000 {
            let index = Int.random(in: 0..<timers.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...4:
                let deadline = now + UInt64.random(in: 0...50, using: &random)
                queue.set(timers[index], deadline: deadline)
                model[index] = deadline
            case 5:
                let released = queue.cancel(timers[index])
                #expect((released != nil) == (model.removeValue(forKey: index) != nil))
            default:
                now += 5
                var latest: UInt64 = 0
                while let timer = queue.popDue(now) {
                    let fired = timers.firstIndex { $0 === timer }!
                    guard let deadline = model.removeValue(forKey: fired) else {
                        Issue.record("a timer fired that was not set")
                        return
                    }
                    #expect(deadline >= latest && deadline <= now)
                    latest = deadline
                }
                #expect(model.values.allSatisfy { $0 > now })
            }
            #expect(queue.count == model.count)
            #expect(queue.earliest == model.values.min())
        }
    }
}
