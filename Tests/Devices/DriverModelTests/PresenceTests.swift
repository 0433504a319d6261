// SPDX-License-Identifier: Apache-2.0
import DriverModel
import Testing

@Suite struct PresenceTests {
    private func open(_ state: inout DriverState) {
        let opened = state.open()
        #expect(opened)
    }

    @Test(arguments: Driver.allCases) func deviceThatIsGoneFloatsAndTakesNothing(driver: Driver) {
        var state = DriverState(driver: driver)
        open(&state)
        _ = state.hostWritesData(0x5A)
        _ = state.writeData(0x21)
        state.vanish()
        #expect(state.isGone && !state.isOpen)
        #expect(state.hostReadsStatus() == 0xFF)
        let read = state.hostReadsData()
        #expect(read == 0xFF)
        var effects = state.hostWritesData(1)
        effects.formUnion(state.hostWritesCommand(1))
        effects.formUnion(state.interrupt())
        #expect(effects == [])
        let opens = state.open()
        #expect(!opens)
        #expect(DriverState(rawValue: state.rawValue).isGone)
        let gone = state
        state.close()
        #expect(state == gone)
    }

    @Test(arguments: Driver.allCases) func deviceThatCameBackIsAsNewAndClosed(driver: Driver) {
        var state = DriverState(driver: driver)
        state.comeBack()
        #expect(state == DriverState(driver: driver), "it was never away")
        open(&state)
        _ = state.hostWritesData(1)
        state.vanish()
        state.comeBack()
        #expect(state == DriverState(driver: driver))
        open(&state)
    }

    @Test func oneSeedGivesOneFateToEachInterrupt() {
        var first = InterruptFaults(seed: 7, lost: 100, delayed: 200, longestDelay: 1000, spurious: 300)
        var second = first
        var other = InterruptFaults(seed: 8, lost: 100, delayed: 200, longestDelay: 1000, spurious: 300)
        let fates = (0..<10_000).map { _ in first.next() }
        let same = (0..<10_000).map { _ in second.next() }
        let others = (0..<10_000).map { _ in other.next() }
        #expect(fates == same)
        #expect(fates != others)
        func count(_ matches: (InterruptFault) -> Bool) -> Int { fates.count { matches($0) } }
        #expect((900...1100).contains(count { $0 == .lost }))
        #expect((2700...3300).contains(count { $0 == .spurious }))
        let delays = fates.compactMap { if case .delayed(let time) = $0 { time } else { nil } }
        #expect((1800...2200).contains(delays.count))
        #expect(delays.allSatisfy { (1...1000).contains($0) })
    }
}
