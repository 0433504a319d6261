// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Daemon

@Suite("lines that were not shown") struct SuppressedLinesTests {
    private func admit(_ lines: inout SuppressedLines, _ text: String, _ now: UInt64) -> UInt64? {
        lines.admit(.notice, text, now)
    }

    @Test func repeatsOfAKindAreHeldBackAndCountedAtTheNextOfItsKind() {
        var lines = SuppressedLines(burst: 2, interval: 1000)
        #expect(admit(&lines, "closed client 1", 0) == 0)
        #expect(admit(&lines, "closed client 2", 0) == 0)
        #expect(admit(&lines, "closed client 3", 0) == nil)
        #expect(admit(&lines, "closed client 14", 0) == nil)
        #expect(admit(&lines, "closed client 5", 1000) == 2)
        #expect(admit(&lines, "closed client 6", 2000) == 0)
    }

    @Test func whoRepeatsHimselfHidesNothingElse() {
        var lines = SuppressedLines(burst: 2, interval: 1000)
        for number in 0..<1000 { _ = admit(&lines, "closed client \(number)", 0) }
        for word in ["a", "b", "c", "d", "e", "f", "g", "h"] { #expect(admit(&lines, "no channel \(word)", 0) == 0) }
    }

    @Test func theLastOfThoseThatWereHeldBackComesWhenItMay() {
        var lines = SuppressedLines(burst: 1, interval: 1000)
        #expect(lines.deadline == nil)
        #expect(admit(&lines, "client 1", 100) == 0)
        #expect(lines.deadline == nil)
        for number in 2...5 { #expect(admit(&lines, "client \(number)", 100) == nil) }
        #expect(lines.deadline == 1100)
        #expect(lines.take(1099).isEmpty)
        #expect(lines.take(1100) == [SuppressedLines.Held(level: .notice, text: "client 5", others: 3)])
        #expect(lines.deadline == nil && lines.take(5000).isEmpty)
        #expect(admit(&lines, "client 6", 1101) == nil)
        #expect(lines.take(1101, all: true) == [SuppressedLines.Held(level: .notice, text: "client 6", others: 0)])
    }

    @Test func howeverManyKindsThereAreTheirNumberIsBounded() {
        var lines = SuppressedLines(burst: 1, interval: 1000)
        var shown = 0
        for kind in 0..<1000 where admit(&lines, String(repeating: "x", count: kind), 0) != nil { shown += 1 }
        #expect(shown == 32)
        // Those that said nothing for long make room.
        #expect(admit(&lines, "another", 2000) == 0)
        #expect(
            lines.take(3000) == [
                SuppressedLines.Held(level: .notice, text: String(repeating: "x", count: 999), others: 967)
            ])
    }
}
