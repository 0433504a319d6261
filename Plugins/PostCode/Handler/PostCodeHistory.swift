// SPDX-License-Identifier: Apache-2.0

/// The latest post codes of two boots of the host CPU. A value without clock or file; time is an argument.
public struct PostCodeHistory: Equatable, Sendable {
    /// One code.
    public struct Code: Equatable, Sendable {
        /// What the host CPU wrote.
        public let value: UInt8
        /// When, in nanoseconds since 1970, UTC.
        public let time: UInt64

        /// A code at a time.
        public init(_ value: UInt8, time: UInt64) {
            self.value = value
            self.time = time
        }
    }

    /// The most codes that are kept of one boot: the latest.
    public let limit: Int
    /// Those of the boot that is under way, or was the last.
    public private(set) var latest: [Code] = []
    /// Those of the boot before it.
    public private(set) var previous: [Code] = []

    /// Nothing yet. `limit` is at least 1.
    public init(limit: Int) { self.limit = limit }

    /// A code came.
    public mutating func add(_ code: Code) {
        if latest.count == limit { latest.removeFirst() }
        latest.append(code)
    }

    /// The host CPU starts anew. A boot that wrote nothing is none.
    public mutating func beginBoot() {
        guard !latest.isEmpty else { return }
        previous = latest
        latest = []
    }

    /// What came in the same boot after `earlier` ended.
    public mutating func prepend(_ earlier: PostCodeHistory) {
        if previous.isEmpty {
            let codes = (earlier.latest + latest).suffix(limit)
            latest = Array(codes)
            previous = earlier.previous
        }
    }

    // MARK: As a file

    /// The format that files have now; those of before a first line said so have it, too.
    static let format: UInt64 = 1

    /// A line with the format, a line `boot` in front of each boot, and one for each code: seconds since 1970, and the code.
    public var text: String {
        var text = "format \(Self.format)\n"
        for boot in [previous, latest] where !boot.isEmpty {
            text += "boot\n"
            for code in boot {
                let microseconds = code.time % 1_000_000_000 / 1000
                text += "\(code.time / 1_000_000_000).\(padded(microseconds)) \(name(of: code.value))\n"
            }
        }
        return text
    }

    /// What such a file holds; lines that are none of it are left out.
    public init(limit: Int, text: [UInt8]) {
        self.init(limit: limit)
        for line in text.split(separator: UInt8(ascii: "\n")) {
            if line.elementsEqual("boot".utf8) {
                beginBoot()
            } else if let code = Self.code(line) {
                add(code)
            }
        }
    }

    /// The format that a file's first line names, if it is later than this one's.
    static func newerFormat(_ text: [UInt8]) -> UInt64? {
        let words = text.prefix { $0 != UInt8(ascii: "\n") }.split(separator: UInt8(ascii: " "))
        guard words.count == 2, words[0].elementsEqual("format".utf8), let format = number(words[1], radix: 10) else {
            return nil
        }
        return format > Self.format ? format : nil
    }

    private static func code(_ line: ArraySlice<UInt8>) -> Code? {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count == 2, words[1].count == 4, words[1].starts(with: "0x".utf8) else { return nil }
        let time = words[0].split(separator: UInt8(ascii: "."))
        guard time.count == 2, time[1].count == 6, let seconds = number(time[0], radix: 10),
            let microseconds = number(time[1], radix: 10), let value = number(words[1].dropFirst(2), radix: 16)
        else { return nil }
        return Code(UInt8(value), time: seconds * 1_000_000_000 + microseconds * 1000)
    }

    /// At most ten digits, so that nanoseconds of it fit.
    private static func number(_ digits: ArraySlice<UInt8>, radix: UInt64) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 10 else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            let value: UInt64
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = UInt64(digit - UInt8(ascii: "a")) + 10
            default: return nil
            }
            guard value < radix else { return nil }
            number = number * radix + value
        }
        return number
    }

    private func padded(_ microseconds: UInt64) -> String {
        let digits = String(microseconds)
        return String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }
}

/// A code as messages and files show it: `0x3f`.
func name(of code: UInt8) -> String { (code < 0x10 ? "0x0" : "0x") + String(code, radix: 16) }
