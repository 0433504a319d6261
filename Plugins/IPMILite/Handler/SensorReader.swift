// SPDX-License-Identifier: Apache-2.0
import CLinux
import IPMIController
import LinuxIO

/// Reads sensors' files, one after the other, on a thread of its own: what the kernel answers late or never waits here, and
/// nothing else waits for it.
///
/// Sendable because all that changes is touched under the lock.
final class SensorReader: @unchecked Sendable {
    private let lock = Lock()
    private let files: [Setup.SensorFile?]
    private let read: (Setup.SensorFile) -> Int64?
    private let done: (Int, Int64?) -> Void
    // Sensors, by their places in `files`.
    private var queue: [Int] = []
    private var current: (sensor: Int, since: UInt64)?
    private var isEnding = false
    private var isSilent = false

    /// A reader of sensors' files that calls `done` on its thread; nil when the system has no thread to give.
    static func start(
        _ files: [Setup.SensorFile?], read: @escaping (Setup.SensorFile) -> Int64? = { $0.read() },
        done: @escaping (Int, Int64?) -> Void
    ) -> SensorReader? {
        let reader = SensorReader(files, read, done)
        guard let thread = Thread.start({ reader.run() }) else { return nil }
        thread.detach()
        return reader
    }

    private init(
        _ files: [Setup.SensorFile?], _ read: @escaping (Setup.SensorFile) -> Int64?,
        _ done: @escaping (Int, Int64?) -> Void
    ) {
        self.files = files
        self.read = read
        self.done = done
    }

    /// Queues a sensor.
    func ask(_ sensor: Int) {
        lock.lock()
        queue.append(sensor)
        lock.wake()
        lock.unlock()
    }

    /// The sensor that has been read since before `time`.
    func stuck(since time: UInt64) -> Int? {
        lock.lock()
        defer { lock.unlock() }
        guard let current, current.since < time else { return nil }
        return current.sensor
    }

    /// Ends the thread after the read that is under way, whose result is still told, and returns what was not begun.
    func end() -> [Int] {
        lock.lock()
        defer { lock.unlock() }
        isEnding = true
        lock.wake()
        let left = queue
        queue = []
        return left
    }

    /// Tells nothing any more: from here on `done` is not called.
    func silence() {
        _ = end()
        lock.lock()
        isSilent = true
        lock.unlock()
    }

    private func run() {
        lock.lock()
        while true {
            while queue.isEmpty && !isEnding { lock.wait() }
            guard !queue.isEmpty else { return lock.unlock() }
            let sensor = queue.removeFirst()
            current = (sensor, Clock.monotonic)
            lock.unlock()
            let value = files[sensor].flatMap(read)
            lock.lock()
            current = nil
            if !isSilent { done(sensor, value) }
        }
    }
}

extension Setup.SensorFile {
    /// The file's number in thousandths of the sensor's unit; nil if it cannot be read or is no number.
    func read() -> Int64? {
        // A pipe that nobody writes into is no reason to wait.
        guard let file = try? Syscalls.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 65)
        guard let count = try? bytes.withUnsafeMutableBytes({ Syscalls.read(file.raw, into: $0) }).get(),
            count < bytes.count
        else { return nil }
        return FixedPoint.thousandths([UInt8](bytes[..<count]), numerator: numerator, denominator: denominator)
    }
}
