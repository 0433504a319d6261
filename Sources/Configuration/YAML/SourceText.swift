// SPDX-License-Identifier: Apache-2.0
import Schema

/// The bytes of a file, and where its lines are. Lines end where YAML 1.1 says so: at LF, CR, CR LF, U+0085, U+2028
/// and U+2029.
struct SourceText {
    /// The file's bytes, without a byte order mark.
    let bytes: [UInt8]
    private let lineStarts: [Int]

    init(_ bytes: [UInt8]) {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes[3...]) : bytes
        self.bytes = text
        var starts = [0]
        var index = 0
        while index < text.count {
            let length = SourceText.breakLength(text, index)
            index += max(length, 1)
            if length > 0 { starts.append(index) }
        }
        lineStarts = starts
    }

    /// Some characters of a line, without its end; broken UTF-8 comes out as U+FFFD.
    struct Part {
        var characters: [Unicode.Scalar] = []
        /// The place among them of the one that was asked for; their number, when it lies behind the line's end.
        var target = 0
        var isCutBefore = false
        var isCutAfter = false
    }

    /// A line's characters around one of them, both counted from 1; the whole line, when it is not longer than `before`
    /// and `after` together. Costs a look at the line's bytes, however long it is, and memory for the part alone.
    func part(ofLine number: Int32, around column: Int32, before: Int, after: Int) -> Part {
        guard number >= 1, Int(number) <= lineStarts.count else { return Part() }
        let start = lineStarts[Int(number) - 1]
        var end = start
        var length = 0
        while end < bytes.count && SourceText.breakLength(bytes, end) == 0 {
            if !SourceText.isContinuation(bytes[end]) { length += 1 }
            end += 1
        }
        let target = min(max(Int(column) - 1, 0), length)
        let isShort = length <= before + after
        let first = isShort ? 0 : max(0, target - before)
        let last = isShort ? length : min(length, target + after)
        let from = first == 0 ? start : skip(first, from: start, to: end)
        let to = last == length ? end : skip(last - first, from: from, to: end)
        return Part(
            characters: Array(String(decoding: bytes[from..<to], as: UTF8.self).unicodeScalars),
            target: target - first, isCutBefore: first > 0, isCutAfter: last < length)
    }

    /// Where the character is that comes `count` characters behind the one at `start`.
    private func skip(_ count: Int, from start: Int, to end: Int) -> Int {
        var index = start
        var left = count
        while index < end {
            if !SourceText.isContinuation(bytes[index]) {
                if left == 0 { return index }
                left -= 1
            }
            index += 1
        }
        return end
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// The place of a byte.
    func mark(at offset: Int) -> Mark {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        // Continuation bytes belong to the character that they continue.
        var column: Int32 = 1
        for byte in bytes[lineStarts[low]..<min(offset, bytes.count)] where !SourceText.isContinuation(byte) {
            column += 1
        }
        return Mark(line: Int32(low + 1), column: column)
    }

    /// The first thing that no YAML text may hold, and where. nil when there is none.
    func firstFault() -> (mark: Mark, message: String)? {
        if bytes.starts(with: [0xFE, 0xFF]) || bytes.starts(with: [0xFF, 0xFE])
            || bytes.starts(with: [0, 0, 0xFE, 0xFF])
        {
            return (.start, "the file is UTF-16 or UTF-32; it must be UTF-8")
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte >= 0x20 && byte < 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                index += 1
                continue
            }
            guard let (value, length) = SourceText.decode(bytes, index) else {
                return (mark(at: index), "the byte 0x\(String(byte, radix: 16)) is not valid UTF-8")
            }
            switch value {
            case 0: return (mark(at: index), "a NUL byte; the file must be text")
            case 0x85, 0xA0..<0xFFFE, 0x10000...: index += length
            default:
                return (mark(at: index), "the control character U+\(hexadecimal(value)) is not allowed")
            }
        }
        return nil
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    private static func breakLength(_ bytes: [UInt8], _ index: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        switch byte(0) {
        case 0x0A: return 1
        case 0x0D: return byte(1) == 0x0A ? 2 : 1
        case 0xC2: return byte(1) == 0x85 ? 2 : 0
        case 0xE2: return byte(1) == 0x80 && byte(2) & 0xFE == 0xA8 ? 3 : 0
        default: return 0
        }
    }

    /// The character at an index and its length, if it is well-formed: shortest form, no surrogate, at most U+10FFFF.
    private static func decode(_ bytes: [UInt8], _ index: Int) -> (value: UInt32, length: Int)? {
        let lead = bytes[index]
        let (length, bits, least): (Int, UInt8, UInt32)
        switch lead {
        case 0..<0x80: return (UInt32(lead), 1)
        case 0xC2..<0xE0: (length, bits, least) = (2, 0x1F, 0x80)
        case 0xE0..<0xF0: (length, bits, least) = (3, 0x0F, 0x800)
        case 0xF0..<0xF5: (length, bits, least) = (4, 0x07, 0x10000)
        default: return nil
        }
        guard index + length <= bytes.count else { return nil }
        var value = UInt32(lead & bits)
        for byte in bytes[(index + 1)..<(index + length)] {
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        guard value >= least, value <= 0x10FFFF, !(0xD800...0xDFFF).contains(value) else { return nil }
        return (value, length)
    }
}
