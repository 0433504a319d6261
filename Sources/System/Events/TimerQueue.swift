// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the heap is raw memory of unretained references, so that setting a timer costs no reference counting beyond
// the one that keeps it alive while it is set, and no allocation once the heap has grown to the most timers ever set.

/// Timers by deadline: a binary heap in which each timer knows its place, so that changing one is O(log n).
struct TimerQueue: ~Copyable {
    private struct Entry {
        var deadline: UInt64
        var timer: Unmanaged<LoopTimer>
    }

    private var entries: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 4)
        entries = .allocate(capacity: self.capacity)
    }

    deinit {
        for index in 0..<count { entries[index].timer.release() }
        entries.deallocate()
    }

    /// The earliest deadline, or nil when no timer is set.
    var earliest: UInt64? { count == 0 ? nil : entries[0].deadline }

    mutating func set(_ timer: LoopTimer, deadline: UInt64) {
        if timer.position >= 0 {
            let index = Int(timer.position)
            entries[index].deadline = deadline
            siftUp(siftDown(index))
            return
        }
        if count == capacity { grow() }
        (entries + count).initialize(to: Entry(deadline: deadline, timer: .passRetained(timer)))
        timer.position = Int32(count)
        count += 1
        siftUp(count - 1)
    }

    /// Takes a timer out if it is set. The caller owns the reference.
    mutating func cancel(_ timer: LoopTimer) -> Unmanaged<LoopTimer>? {
        timer.position < 0 ? nil : remove(at: Int(timer.position))
    }

    /// Takes the earliest timer out if it is due. The caller owns the reference.
    mutating func popDue(_ now: UInt64) -> Unmanaged<LoopTimer>? {
        guard count > 0, entries[0].deadline <= now else { return nil }
        return remove(at: 0)
    }

    private mutating func remove(at index: Int) -> Unmanaged<LoopTimer> {
        let removed = entries[index].timer
        removed._withUnsafeGuaranteedRef { $0.position = -1 }
        count -= 1
        if index != count {
            place(entries[count], at: index)
            siftUp(siftDown(index))
        }
        return removed
    }

    private func place(_ entry: Entry, at index: Int) {
        entries[index] = entry
        entry.timer._withUnsafeGuaranteedRef { $0.position = Int32(index) }
    }

    private func siftUp(_ start: Int) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            place(entries[parent], at: index)
            index = parent
        }
        place(entry, at: index)
    }

    private func siftDown(_ start: Int) -> Int {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            guard child < count else { break }
            if child + 1 < count && entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            place(entries[child], at: index)
            index = child
        }
        place(entry, at: index)
        return index
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }
}
