// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Daemon

@Suite("lines that were not shown") struct SuppressedLinesTests {
    @Test func theyAreCountedAtTheNextLineOfTheirKind() {
        var lines = SuppressedLines(burst: 2, interval: 1000)
        #expect(lines.admit("closed client 1", 0) == 0)
        #expect(lines.admit("closed client 2", 0) == 0)
        #expect(lines.admit("closed client 3", 0) == nil)
        #expect(lines.admit("closed client 14", 0) == nil)
        #expect(lines.admit("no channel", 0) == nil)
        #expect(lines.admit("channel active", 1000) == 0)
        #expect(lines.admit("no channel", 2000) == 1)
        #expect(lines.admit("closed client 5", 3000) == 2)
        #expect(lines.admit("closed client 6", 4000) == 0)
    }

    @Test func howeverManyKindsThereAreTheirCountIsBounded() {
        var lines = SuppressedLines(burst: 1, interval: 1000)
        #expect(lines.admit("first", 0) == 0)
        for kind in 0..<100 { #expect(lines.admit(String(repeating: "x", count: kind), 0) == nil) }
        #expect(lines.admit("", 1000) == 1)
        #expect(lines.admit(String(repeating: "x", count: 99), 2000) == 68)
    }
}
