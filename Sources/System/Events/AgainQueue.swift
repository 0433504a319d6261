// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: raw memory of plain words, so that asking to be called again costs no reference counting and, once the memory
// has grown to the most that ever asked, no allocation. A word is what epoll carries too: a slot and its generation. So
// a source that was removed meanwhile is simply not found.

/// Who asked to be called in the next turn without waiting, in the order of asking.
struct AgainQueue: ~Copyable {
    private var words: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        words = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { words.deallocate() }

    mutating func append(_ word: UInt64) {
        if count == capacity { grow() }
        (words + count).initialize(to: word)
        count += 1
    }

    /// The word at a place below `count`.
    subscript(index: Int) -> UInt64 { words[index] }

    mutating func removeFirst(_ taken: Int) {
        for index in taken..<count { words[index - taken] = words[index] }
        count -= taken
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: words, count: count)
        words.deallocate()
        words = larger
        capacity *= 2
    }
}
