// SPDX-License-Identifier: Apache-2.0
import Common
import Foundation
import IPMI
import IPMIController
import Testing

@Suite struct FuzzTests {
    /// Random messages, times, readings and results of the stores, from a printed seed.
    @Test func everyReplyIsWellFormedWhateverComes() throws {
        let seed =
            ProcessInfo.processInfo.environment["KCSMUX_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...UInt64.max)
        var generator = SplitMix(seed)
        let rounds = exhaustive ? 3_000_000 : 30_000
        var bench = startedBench()
        for round in 0..<rounds {
            let message = self.message(&generator)
            bench.holdJobs = Int.random(in: 0..<10, using: &generator) == 0
            if Int.random(in: 0..<20, using: &generator) == 0 {
                bench.results = [[.full, .failed, .unknown, .stored].randomElement(using: &generator) ?? .stored]
            }
            let capacity = [260, 260, 260, 3, 20, 64].randomElement(using: &generator) ?? 260
            let answer = bench.sendRaw(message, capacity: capacity)
            let place = "seed \(seed), round \(round): \(Hex.bytes(message))"
            switch bench.lastDisposition {
            case .reply, .pending:
                if let answer { check(message, answer, place) }
            case .declined:
                #expect(
                    message.count < 2
                        || CommandTable.find(
                            NetFn(rawValue: message[0] >> 2), Command(rawValue: message[1])) == nil,
                    "\(place)")
            }
            if Int.random(in: 0..<8, using: &generator) == 0 {
                bench.values[0] = Int64.random(in: -100_000...200_000, using: &generator)
                bench.pass(UInt64.random(in: 0...3_000_000_000, using: &generator))
            }
            while !bench.jobs.isEmpty && Bool.random(using: &generator) { bench.work() }
            if Int.random(in: 0..<500, using: &generator) == 0 {
                while !bench.jobs.isEmpty { bench.work() }
                let snapshot = bench.controller.snapshot(now: bench.now)
                let before = bench.send(0x0A, 0x40) ?? []
                let next = Bench(fullConfiguration(), after: bench)
                #expect(next.controller.restore(snapshot, now: next.now), "\(place)")
                next.start()
                while !next.jobs.isEmpty { next.work() }
                let after = next.send(0x0A, 0x40) ?? []
                // The count; readings at start may have added events.
                #expect(after.count == 17 && before.count == 17 && after[4] >= before[4], "\(place)")
                bench = next
            }
        }
    }

    private func check(_ message: [UInt8], _ answer: [UInt8], _ place: String) {
        #expect(answer.count >= 3 && answer.count <= 260, "\(place)")
        #expect(answer[0] == message[0] | 0x04, "\(place)")
        #expect(answer[1] == message[1], "\(place)")
        #expect(answer[2] == 0 || answer.count == 3, "\(place): data after an error")
    }

    private func message(_ generator: inout SplitMix) -> [UInt8] {
        if Int.random(in: 0..<10, using: &generator) == 0 {
            return (0..<Int.random(in: 0...255, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
        }
        guard let definition = CommandTable.all.randomElement(using: &generator) else { return [] }
        let count = Int.random(in: definition.length, using: &generator)
        let style = Int.random(in: 0..<3, using: &generator)
        let data = (0..<count).map { index -> UInt8 in
            switch style {
            case 0: UInt8.random(in: 0...255, using: &generator)
            case 1: UInt8.random(in: 0...4, using: &generator)
            default: index == 0 ? 0x30 : [0, 1, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            }
        }
        return [definition.netFn.rawValue << 2, definition.command.rawValue] + data
    }
}
