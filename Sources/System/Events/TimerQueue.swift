// SPDX-License-Identifier: Apache-2.0

/// Timers by deadline: a binary heap in which each timer knows its position, so that changing one is O(log n). Setting one
/// allocates nothing once the heap has grown to the most timers that were ever set.
struct TimerQueue {
    private struct Entry {
        var deadline: UInt64
        var timer: LoopTimer
    }

    private var entries: [Entry] = []

    init(capacity: Int) { entries.reserveCapacity(capacity) }

    /// How many timers are set.
    var count: Int { entries.count }

    /// The earliest deadline, or nil when no timer is set.
    var earliest: UInt64? { entries.isEmpty ? nil : entries[0].deadline }

    /// Sets a timer, or moves it.
    mutating func set(_ timer: LoopTimer, deadline: UInt64) {
        if timer.position >= 0 {
            entries[timer.position].deadline = deadline
            siftUp(siftDown(timer.position))
            return
        }
        timer.position = entries.count
        entries.append(Entry(deadline: deadline, timer: timer))
        siftUp(entries.count - 1)
    }

    /// Takes a timer out if it is set. The answer keeps it until the queue is in order: its deinit may change the queue.
    @discardableResult
    mutating func cancel(_ timer: LoopTimer) -> LoopTimer? { timer.position < 0 ? nil : remove(at: timer.position) }

    /// Takes the earliest timer out if it is due.
    mutating func popDue(_ now: UInt64) -> LoopTimer? {
        guard !entries.isEmpty, entries[0].deadline <= now else { return nil }
        return remove(at: 0)
    }

    private mutating func remove(at index: Int) -> LoopTimer {
        let removed = entries[index].timer
        removed.position = -1
        let last = entries.removeLast()
        if index != entries.count {
            put(last, at: index)
            siftUp(siftDown(index))
        }
        return removed
    }

    private mutating func put(_ entry: Entry, at index: Int) {
        entries[index] = entry
        entry.timer.position = index
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            put(entries[parent], at: index)
            index = parent
        }
        put(entry, at: index)
    }

    private mutating func siftDown(_ start: Int) -> Int {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count && entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            put(entries[child], at: index)
            index = child
        }
        put(entry, at: index)
        return index
    }
}
