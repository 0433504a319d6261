// SPDX-License-Identifier: Apache-2.0

/// A transcript beside what happened.
public struct Difference {
    private enum Part {
        case same(String, Int)
        case missing(String, Int)
        case extra(String, Int)

        var isSame: Bool {
            if case .same = self { return true }
            return false
        }
    }

    private let parts: [Part]

    /// Compares. Lines whose first word is in `ignored` count on neither side.
    public init(_ transcript: Transcript, _ record: [Trial.Line], ignoring ignored: [String] = []) {
        func counts(_ text: String) -> Bool {
            !ignored.contains { text.hasPrefix("< \($0) ") || text.hasPrefix("< \($0):") }
        }
        let wanted = transcript.lines.map { line in
            switch line.content {
            case .step(_, let text), .expected(let text): return (text, line.number)
            }
        }.filter { counts($0.0) }
        let found = record.filter { counts($0.text) }
        parts = Self.align(wanted, found)
    }

    /// Did the plugin do what it must, and nothing else?
    public var isEmpty: Bool { parts.allSatisfy { $0.isSame } }

    /// The first line of the transcript at which something differs; nil when nothing does.
    public var firstLine: Int? {
        for part in parts {
            switch part {
            case .same: break
            case .missing(_, let number), .extra(_, let number): return number
            }
        }
        return nil
    }

    /// In the manner of `diff -u`: `-` is what the transcript wants, `+` what the plugin did, with three lines around.
    public func lines(file: String, plugin: String) -> [String] {
        guard !isEmpty else { return [] }
        var lines = ["--- \(file)", "+++ \(plugin)"]
        var shown = Set<Int>()
        for index in parts.indices where !parts[index].isSame {
            for near in max(0, index - 3)...min(parts.count - 1, index + 3) { shown.insert(near) }
        }
        var last = -2
        for index in shown.sorted() {
            let (mark, text, number): (String, String, Int) =
                switch parts[index] {
                case .same(let text, let number): (" ", text, number)
                case .missing(let text, let number): ("-", text, number)
                case .extra(let text, let number): ("+", text, number)
                }
            if index != last + 1 { lines.append("@@ line \(number) @@") }
            lines.append(mark + text)
            last = index
        }
        return lines
    }

    /// An expected line that ends with `*` stands for all that begin so.
    private static func fits(_ wanted: String, _ found: String) -> Bool {
        wanted.hasPrefix("<") && wanted.hasSuffix("*") ? found.hasPrefix(wanted.dropLast()) : wanted == found
    }

    /// What happened to the plugin is the same on both sides, so only what lies between two steps is compared.
    private static func align(_ wanted: [(String, Int)], _ found: [Trial.Line]) -> [Part] {
        var parts: [Part] = []
        var (left, right) = (wanted[...], found[...])
        while !left.isEmpty || !right.isEmpty {
            if let step = left.first, let other = right.first, step.0.hasPrefix(">"), other.text.hasPrefix(">") {
                parts.append(.same(step.0, step.1))
                left.removeFirst()
                right.removeFirst()
                continue
            }
            let here = left.prefix { !$0.0.hasPrefix(">") }
            let there = right.prefix { !$0.text.hasPrefix(">") }
            parts += between(Array(here), Array(there))
            left = left.dropFirst(here.count)
            right = right.dropFirst(there.count)
            if here.isEmpty && there.isEmpty { break }
        }
        return parts
    }

    /// The longest common subsequence of two short lists.
    private static func between(_ wanted: [(String, Int)], _ found: [Trial.Line]) -> [Part] {
        let width = found.count + 1
        var length = [Int](repeating: 0, count: (wanted.count + 1) * width)
        for left in wanted.indices.reversed() {
            for right in found.indices.reversed() {
                length[left * width + right] =
                    fits(wanted[left].0, found[right].text)
                    ? length[(left + 1) * width + right + 1] + 1
                    : max(length[(left + 1) * width + right], length[left * width + right + 1])
            }
        }
        var parts: [Part] = []
        var (left, right) = (0, 0)
        while left < wanted.count || right < found.count {
            if left < wanted.count && right < found.count && fits(wanted[left].0, found[right].text) {
                parts.append(.same(found[right].text, wanted[left].1))
                (left, right) = (left + 1, right + 1)
            } else if left < wanted.count
                && (right == found.count || length[(left + 1) * width + right] >= length[left * width + right + 1])
            {
                parts.append(.missing(wanted[left].0, wanted[left].1))
                left += 1
            } else {
                parts.append(.extra(found[right].text, found[right].number))
                right += 1
            }
        }
        return parts
    }
}
