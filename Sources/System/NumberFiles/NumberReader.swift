// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Reads files with a number, one after the other, on a thread of its own: what the kernel answers late or never waits here, and
/// nothing else waits for it.
///
/// Sendable because all that changes is touched under the lock.
public final class NumberReader: @unchecked Sendable {
    private let lock = Lock()
    private let files: [NumberFile?]
    private let read: (NumberFile) -> Int64?
    private let done: (Int, Int64?) -> Void
    // By their places in `files`.
    private var queue: [Int] = []
    private var current: (sensor: Int, since: UInt64)?
    private var isEnding = false
    private var isSilent = false

    /// A reader of files that calls `done` on its thread; nil when the system has no thread to give.
    public static func start(
        _ files: [NumberFile?], read: @escaping (NumberFile) -> Int64? = { $0.read() },
        done: @escaping (Int, Int64?) -> Void
    ) -> NumberReader? {
        let reader = NumberReader(files, read, done)
        guard let thread = Thread.start({ reader.run() }) else { return nil }
        thread.detach()
        return reader
    }

    private init(
        _ files: [NumberFile?], _ read: @escaping (NumberFile) -> Int64?,
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
