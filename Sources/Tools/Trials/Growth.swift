// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: `malloc_info`, which is found by its name, as no header that Swift imports declares it.
import CLinux
import LinuxIO

/// What a process holds, to see what grows while the same is done again and again.
public struct Growth: Sendable {
    let heap: Int
    let descriptors: Int
    let threads: Int

    static func - (left: Growth, right: Growth) -> Growth {
        Growth(
            heap: left.heap - right.heap, descriptors: left.descriptors - right.descriptors,
            threads: left.threads - right.threads)
    }

    static func + (left: Growth, right: Growth) -> Growth {
        Growth(
            heap: left.heap + right.heap, descriptors: left.descriptors + right.descriptors,
            threads: left.threads + right.threads)
    }

    static var now: Growth {
        func count(_ folder: String) -> Int { (try? Syscalls.list(folder))?.count ?? 0 }
        return Growth(heap: usedHeap ?? 0, descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"))
    }

    /// Calls `play` so many times, and says what grew in each of the last quarters; nil when nothing did. What is kept for a
    /// while, as caches are, grows at first and then no more. `live` is a life without anything in it: kcsmuxd's side keeps
    /// the memory of the last 256, which must be full before anything can be told.
    public static func measure(_ count: Int, live: () -> Void, play: () -> Void) -> String? {
        for _ in 0..<260 { live() }
        for _ in 0..<4 { play() }
        let round = max(4, count / 4)
        var marks = [now]
        for _ in 0..<4 {
            for _ in 0..<round { play() }
            marks.append(now)
        }
        func rates(_ value: (Growth) -> Int) -> Int? {
            let steps = (1..<marks.count).map { value(marks[$0]) - value(marks[$0 - 1]) }
            // Every round, and at least one each time: pools that fill up do not do that.
            guard let least = steps.min(), least >= round else { return nil }
            return least / round
        }
        if let count = rates({ $0.descriptors }) { return "\(count) descriptors stay open" }
        if let count = rates({ $0.threads }) { return "\(count) threads stay" }
        if let bytes = rates({ $0.heap }), bytes >= 8 { return "\(bytes) bytes of memory stay" }
        return nil
    }

    private typealias Info = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32

    /// Where it writes to, kept open: this is asked for often.
    nonisolated(unsafe) private static let report: UnsafeMutablePointer<FILE>? = tmpfile()

    /// Bytes that were asked for and not given back; nil where the C library does not tell.
    private static var usedHeap: Int? {
        guard let symbol = dlsym(nil, "malloc_info"), let report else { return nil }
        rewind(report)
        guard unsafeBitCast(symbol, to: Info.self)(0, report) == 0 else { return nil }
        // The sums of all heaps stand at the end; what an earlier and longer report left behind it is cut off.
        let end = ftell(report)
        let start = max(0, end - 1024)
        var text = [UInt8](repeating: 0, count: end - start)
        guard fseek(report, start, SEEK_SET) == 0 else { return nil }
        let count = fread(&text, 1, text.count, report)
        return sum(text[..<count])
    }

    /// Of all heaps together: what they have of the system, and its mappings, without what is free in them.
    static func sum(_ text: ArraySlice<UInt8>) -> Int? {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard let last = lines.lastIndex(where: { $0.hasPrefix("</heap>") }) else { return nil }
        var total = 0
        for line in lines[last...] {
            // <total type="fast" count="0" size="0"/>, <system type="current" size="135168"/>
            let words = line.split(separator: "\"")
            guard let at = words.firstIndex(where: { $0.hasSuffix(" size=") }), at + 1 < words.count,
                let size = Int(words[at + 1]), words.count > 1
            else { continue }
            switch words[1] {
            case "fast", "rest": total -= size
            case "mmap", "current": total += size
            default: break
            }
        }
        return total
    }
}
