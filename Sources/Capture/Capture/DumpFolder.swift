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
        /// `YYYYMMDDTHHMMSSZ`, which sorts by time.
        let stamp: [UInt8]
        let attempt: Int
        let size: UInt64
    }

    /// Removes dumps, the oldest first, until the others keep to the budget. The newest stays, and so does the file at
    /// `spared`. `wall` is the time, nanoseconds since 1970.
    public static func prune(
        _ folder: String, _ budget: DumpBudget, sparing spared: String?, wall: UInt64
    ) -> Contents {
        var dumps = list(folder)
        dumps.sort { $0.stamp == $1.stamp ? $0.attempt < $1.attempt : $0.stamp.lexicographicallyPrecedes($1.stamp) }
        let oldest = Array(UTCTime.compact(wall > budget.age ? wall - budget.age : 0).utf8)
        var contents = Contents(files: dumps.count, bytes: dumps.reduce(0) { $0 + $1.size })
        for dump in dumps.dropLast() {
            let isOld = dump.stamp.lexicographicallyPrecedes(oldest) && !dump.stamp.lexicographicallyPrecedes(clockless)
            guard contents.files > budget.files || contents.bytes > budget.bytes || isOld else { continue }
            let path = folder + "/" + dump.name
            guard path != spared, (try? Syscalls.unlink(path)) != nil else { continue }
            contents.files -= 1
            contents.bytes -= dump.size
            contents.removed += 1
        }
        return contents
    }

    /// A machine without a battery begins in 1970: what it wrote before its clock was set is not old for that.
    private static let clockless = Array("20200101T000000Z".utf8)

    private static func list(_ folder: String) -> [Dump] {
        var dumps: [Dump] = []
        for name in (try? Syscalls.list(folder)) ?? [] {
            guard let (stamp, attempt) = stamp(of: name), (try? Syscalls.readLink(folder + "/" + name)) == nil,
                let status = try? Syscalls.stat(folder + "/" + name), status.isRegular
            else { continue }
            dumps.append(Dump(name: name, stamp: stamp, attempt: attempt, size: UInt64(clamping: status.size)))
        }
        return dumps
    }

    /// Of `STEM-YYYYMMDDTHHMMSSZ.pcapng` or `STEM-YYYYMMDDTHHMMSSZ-N.pcapng`; nil for any other name.
    static func stamp(of name: String) -> (stamp: [UInt8], attempt: Int)? {
        var rest = Array(name.utf8)[...]
        let end = Array(".pcapng".utf8)
        guard rest.count > end.count, rest.suffix(end.count).elementsEqual(end) else { return nil }
        rest.removeLast(end.count)
        var attempt = 1
        if let dash = rest.lastIndex(of: UInt8(ascii: "-")), rest.endIndex - dash <= 4,
            let number = Int(String(decoding: rest[(dash + 1)...], as: UTF8.self)), number > 1
        {
            attempt = number
            rest = rest[..<dash]
        }
        let stamp = rest.suffix(Self.pattern.count)
        guard rest.count > stamp.count + 1, rest[stamp.startIndex - 1] == UInt8(ascii: "-"),
            stamp.elementsEqual(Self.pattern, by: { $1 == 0x30 ? $0 >= 0x30 && $0 <= 0x39 : $0 == $1 })
        else { return nil }
        return (Array(stamp), attempt)
    }

    private static let pattern = Array("00000000T000000Z".utf8)
}
