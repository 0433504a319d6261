// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// What the dumps of a capture folder may take together.
public struct DumpBudget: Equatable, Sendable {
    /// Bytes.
    public var bytes: UInt64
    /// Files.
    public var files: Int
    /// How old one may become, in nanoseconds.
    public var age: UInt64

    /// A budget of at least one file: the newest always stays.
    public init(bytes: UInt64, files: Int, age: UInt64) {
        precondition(files > 0, "a dump that was just written stays")
        self.bytes = bytes
        self.files = files
        self.age = age
    }
}

/// The dumps in a capture folder, which `DumpFile` has named. No other file is touched. Blocks: not for the thread that
/// serves channels.
public enum DumpFolder {
    /// What is there after pruning.
    public struct Contents: Equatable, Sendable {
        /// Dumps.
        public var files = 0
        /// Their bytes.
        public var bytes: UInt64 = 0
        /// Dumps that were just removed.
        public var removed = 0
    }

    private struct Dump {
        let name: String
        let order: UInt64
        let size: UInt64
    }

    /// Removes dumps, the oldest first, until the others keep to the budget. The newest stays, and so does the file at
    /// `spared`. `wall` is the time, nanoseconds since 1970.
    public static func prune(
        _ folder: String, _ budget: DumpBudget, sparing spared: String?, wall: UInt64
    ) -> Contents {
        var dumps = list(folder)
        var contents = Contents(files: dumps.count)
        for dump in dumps { contents.bytes += dump.size }
        let oldest = order(of: "x-" + UTCTime.compact(wall > budget.age ? wall - budget.age : 0) + ".pcapng") ?? 0
        while dumps.count > 1 {
            let dump = takeOldest(&dumps)
            let isOld = dump.order < oldest && dump.order >= clockless
            guard contents.files > budget.files || contents.bytes > budget.bytes || isOld else { continue }
            let path = folder + "/" + dump.name
            guard path != spared, (try? Syscalls.unlink(path)) != nil else { continue }
            contents.files -= 1
            contents.bytes -= dump.size
            contents.removed += 1
        }
        return contents
    }

    /// 2020. A machine without a battery begins in 1970: what it wrote before its clock was set is not old for that.
    private static let clockless: UInt64 = 20_200_101_000_000_000

    private static func takeOldest(_ dumps: inout [Dump]) -> Dump {
        var found = 0
        for index in 1..<dumps.count where dumps[index].order < dumps[found].order { found = index }
        dumps.swapAt(found, dumps.count - 1)
        return dumps.removeLast()
    }

    private static func list(_ folder: String) -> [Dump] {
        var dumps: [Dump] = []
        for name in (try? Syscalls.list(folder)) ?? [] {
            guard let order = order(of: name), (try? Syscalls.readLink(folder + "/" + name)) == nil,
                let status = try? Syscalls.stat(folder + "/" + name), status.isRegular
            else { continue }
            dumps.append(Dump(name: name, order: order, size: UInt64(clamping: status.size)))
        }
        return dumps
    }

    /// Of `STEM-YYYYMMDDTHHMMSSZ.pcapng` or `STEM-YYYYMMDDTHHMMSSZ-N.pcapng`: the digits of the time, and three of N, as one
    /// number. Nil for any other name.
    private static func order(of name: String) -> UInt64? {
        let bytes = Array(name.utf8)
        var end = bytes.count - 7
        guard end > 0, bytes[end...].elementsEqual(".pcapng".utf8) else { return nil }
        var attempt: UInt64 = 1
        if bytes[end - 1] != UInt8(ascii: "Z") {
            var (scale, start): (UInt64, Int) = (1, end)
            attempt = 0
            while start > 0, scale < 1000, let digit = digit(bytes[start - 1]) {
                attempt += digit * scale
                scale *= 10
                start -= 1
            }
            guard attempt > 1, start > 0, bytes[start - 1] == UInt8(ascii: "-") else { return nil }
            end = start - 1
        }
        let start = end - 16
        guard start > 1, bytes[start - 1] == UInt8(ascii: "-") else { return nil }
        var order: UInt64 = 0
        for index in 0..<16 {
            let byte = bytes[start + index]
            if index == 8 || index == 15 {
                guard byte == UInt8(ascii: index == 8 ? "T" : "Z") else { return nil }
            } else {
                guard let digit = digit(byte) else { return nil }
                order = order * 10 + digit
            }
        }
        return order * 1000 + attempt
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        byte >= 0x30 && byte <= 0x39 ? UInt64(byte - 0x30) : nil
    }
}
