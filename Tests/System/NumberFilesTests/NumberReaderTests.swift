// SPDX-License-Identifier: Apache-2.0

import LinuxIO
import Synchronization
import Testing

@testable import NumberFiles

/// Files that answer when a test lets them.
private final class Files: Sendable {
    private let open = Mutex<Set<String>>([])
    private let changed = Lock()
    private let told = Mutex<[(sensor: Int, value: Int64?)]>([])

    /// Lets a file answer; all reads of it from then on end.
    func open(_ path: String) {
        changed.lock()
        open.withLock { _ = $0.insert(path) }
        changed.wake()
        changed.unlock()
    }

    func read(_ file: NumberFile) -> Int64? {
        changed.lock()
        defer { changed.unlock() }
        while !open.withLock({ $0.contains(file.path) }) { changed.wait() }
        return 1000
    }

    func take(_ sensor: Int, _ value: Int64?) {
        changed.lock()
        told.withLock { $0.append((sensor, value)) }
        changed.wake()
        changed.unlock()
    }

    /// Waits until so many results were told, and answers the sensors in their order.
    func results(_ count: Int) -> [Int] {
        changed.lock()
        defer { changed.unlock() }
        while told.withLock({ $0.count < count }) { changed.wait() }
        return told.withLock { $0.map { $0.sensor } }
    }

    func reader(_ files: [NumberFile?]) -> NumberReader? {
        NumberReader.start(files, read: { self.read($0) }, done: { self.take($0, $1) })
    }
}

@Suite(.timeLimit(.minutes(1))) struct NumberReaderTests {
    private let files = Files()
    private let late = Clock.monotonic + 3_600_000_000_000

    private func readers(_ paths: [String], _ lines: @escaping (String) -> Void = { _ in }) -> NumberReaders {
        let list = paths.map { NumberFile(path: $0, numerator: 1, denominator: 1) }
        return NumberReaders(list, log: lines) { [files] in files.reader($0) }
    }

    @Test func aFileThatDoesNotAnswerIsLeftToItsReaderAndAnotherGoesOn() {
        var lines: [String] = []
        let readers = readers(["slow", "a", "b"]) { lines.append($0) }
        files.open("a")
        files.open("b")
        for sensor in 0..<3 { #expect(readers.read(sensor)) }
        // The thread may not have taken the first up yet.
        var given: [Int] = []
        while given.isEmpty { given = readers.tick(now: late) }
        #expect(given == [0] && lines == ["slow: the sensor's file does not answer, the reading is unavailable"])
        #expect(files.results(2) == [1, 2])
        #expect(!readers.read(0), "it is not asked again while it hangs")
        for round in 0..<3 {
            #expect(readers.read(1))
            #expect(files.results(3 + round).last == 1)
        }
    }

    @Test func aFileThatAnswersAfterAllIsReadAgainAndSaid() {
        var lines: [String] = []
        let readers = readers(["slow"]) { lines.append($0) }
        #expect(readers.read(0))
        while readers.tick(now: late).isEmpty {}
        files.open("slow")
        #expect(files.results(1) == [0])
        readers.ended(0, 1000, now: late)
        #expect(lines.last == "slow: the sensor's file answers again")
        #expect(readers.read(0))
        #expect(files.results(2) == [0, 0])
    }

    @Test func asManyFilesMayHangAsThereAreSensors() {
        let paths = (0..<32).map { "slow\($0)" }
        let readers = readers(paths + ["good"])
        files.open("good")
        for sensor in 0..<33 { #expect(readers.read(sensor)) }
        var hanging: [Int] = []
        while hanging.count < 32 { hanging += readers.tick(now: late) }
        #expect(hanging == [Int](0..<32))
        #expect(files.results(1) == [32])
        readers.stop()
        paths.forEach { files.open($0) }
    }

    @Test func withoutAThreadThereIsNoReading() {
        let readers = NumberReaders(
            [NumberFile(path: "x", numerator: 1, denominator: 1), nil], log: { _ in }, start: { _ in nil })
        #expect(!readers.read(0) && !readers.read(1) && !readers.read(2))
    }
}
