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

    static var now: Growth {
        func count(_ folder: String) -> Int { (try? Syscalls.list(folder))?.count ?? 0 }
        return Growth(heap: usedHeap ?? 0, descriptors: count("/proc/self/fd"), threads: count("/proc/self/task"))
    }

    /// Calls `play` so many times, and says what grew in each of the last quarters; nil when nothing did. What is kept for a
    /// while, as caches are, grows at first and then no more: so there are many rounds before that.
    public static func measure(_ count: Int, play: () -> Void) -> String? {
        // kcsmuxd's side keeps the memory of the last 256 lives; it must be full before anything can be told.
        for _ in 0..<260 { play() }
        let round = max(8, count / 4)
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

    /// Bytes that were asked for and not given back; nil where the C library does not tell.
    private static var usedHeap: Int? {
        guard let symbol = dlsym(nil, "malloc_info"), let buffer = tmpfile() else { return nil }
        defer { fclose(buffer) }
        guard unsafeBitCast(symbol, to: Info.self)(0, buffer) == 0 else { return nil }
        rewind(buffer)
        var text = [UInt8](repeating: 0, count: 1 << 18)
        let count = fread(&text, 1, text.count, buffer)
        return sum(String(decoding: text[..<count], as: UTF8.self))
    }

    /// Of all heaps together: what they have of the system, and its mappings, without what is free in them.
    static func sum(_ text: String) -> Int? {
        guard let last = text.range(of: "</heap>", backwards: true) else { return nil }
        var total = 0
        for line in text[last...].split(separator: "\n") {
            guard let size = line.attribute("size").flatMap({ Int($0) }) else { continue }
            switch line.attribute("type") {
            case "fast", "rest": total -= size
            case "mmap", "current": total += size
            default: break
            }
        }
        return total
    }
}

extension String {
    /// Where the last such text ends.
    fileprivate func range(of text: String, backwards: Bool) -> String.Index? {
        var found: String.Index?
        var start = startIndex
        while let place = self[start...].firstOccurrence(of: text) {
            start = self.index(place, offsetBy: text.count)
            found = start
        }
        return found
    }
}

extension Substring {
    fileprivate func firstOccurrence(of text: String) -> Substring.Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }

    /// `name="value"` in a tag.
    fileprivate func attribute(_ name: String) -> Substring? {
        guard let place = firstOccurrence(of: name + "=\"") else { return nil }
        let rest = self[index(place, offsetBy: name.count + 2)...]
        return rest.prefix { $0 != "\"" }
    }
}
