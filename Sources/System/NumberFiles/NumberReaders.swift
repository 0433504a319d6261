// SPDX-License-Identifier: Apache-2.0
import Common

/// Readings of sensors' files, each within a limit. A file that does not answer costs its sensor's reading, and the others
/// one pause: its reader is left behind with it, and another takes over.
public final class NumberReaders {
    /// How long a file may take.
    private static let limit: UInt64 = 1_000_000_000

    private let files: [NumberFile?]
    private let log: (String) -> Void
    private let start: ([NumberFile?]) -> NumberReader?
    private var reader: NumberReader?
    /// By the sensor: the reader that its file holds, and whether it gave a number the last time.
    private var states: [(hanging: NumberReader?, isAvailable: Bool)]
    // Files can come and go faster than anybody reads.
    private var said = RateLimit(burst: 16, interval: 10_000_000_000)

    /// The readers that `start` makes tell `ended`, on the loop's thread.
    public init(
        _ files: [NumberFile?], log: @escaping (String) -> Void,
        start: @escaping ([NumberFile?]) -> NumberReader?
    ) {
        self.files = files
        self.log = log
        self.start = start
        states = [(hanging: NumberReader?, isAvailable: Bool)](repeating: (nil, true), count: files.count)
    }

    /// Asks for a sensor's value; false if there will be none.
    public func read(_ sensor: Int) -> Bool {
        guard sensor < files.count, files[sensor] != nil, states[sensor].hanging == nil else { return false }
        // There are never more of them than sensors: each that hangs holds one.
        if reader == nil { reader = start(files) }
        guard let reader else { return false }
        reader.ask(sensor)
        return true
    }

    /// A reader has a value, or none.
    public func ended(_ sensor: Int, _ value: Int64?, now: UInt64) {
        states[sensor].hanging = nil
        if (value != nil) != states[sensor].isAvailable {
            states[sensor].isAvailable = value != nil
            say(sensor, value != nil ? "answers again" : "gives no number, the reading is unavailable", now)
        }
    }

    /// Time has passed. The sensors that have no value, for they take too long.
    public func tick(now: UInt64) -> [Int] {
        guard now > NumberReaders.limit, let reader, let sensor = reader.stuck(since: now - NumberReaders.limit) else {
            return []
        }
        self.reader = nil
        states[sensor] = (reader, false)
        say(sensor, "does not answer, the reading is unavailable", now)
        var without = [sensor]
        for waiting in reader.end() where !read(waiting) { without.append(waiting) }
        return without
    }

    /// Nothing is told any more.
    public func stop() {
        reader?.silence()
        for state in states { state.hanging?.silence() }
    }

    private func say(_ sensor: Int, _ what: String, _ now: UInt64) {
        guard said.admit(now) != nil, let file = files[sensor] else { return }
        log(file.path + ": the sensor's file " + what)
    }
}
