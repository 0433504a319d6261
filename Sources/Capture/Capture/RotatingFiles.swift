// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// Writes a capture stream to rotated files, `FOLDER/CHANNEL-NNNNNNNN.pcapng`. For one thread at a time, which may
/// block: not the one that serves channels.
///
/// Each file is a whole capture: it begins with the section header and the interfaces. Blocks are written whole; after a
/// failed write the file is cut back to its last whole block. A failure (no space, read-only, folder removed) stops the
/// writing and is reported once; it is tried again after `retry` nanoseconds, and what was lost in between is counted in
/// the file.
public final class RotatingFiles {
    private let folder: String
    private let name: String
    private let maximumSize: Int
    private let maximumFiles: Int
    private let retry: UInt64

    private var policy: RotationPolicy?
    private var file: Int32 = -1
    private var preamble: [UInt8] = []
    private var stoppedUntil: UInt64?
    private var pendingLoss: UInt64 = 0

    /// Capture records that reached no file.
    public private(set) var lost: UInt64 = 0

    /// What became of a batch.
    public enum Report: Equatable, Sendable {
        /// Nothing to say.
        case quiet
        /// Writing stops here: to be said once.
        case stopped(SystemError)
        /// Writing goes on; so many records were lost.
        case resumed(lost: UInt64)
    }

    /// Files of a channel in a folder, both made when the first block comes.
    public init(folder: String, channel: String, maximumSize: Int, maximumFiles: Int, retry: UInt64 = 5_000_000_000) {
        self.folder = folder
        name = channel
        self.maximumSize = maximumSize
        self.maximumFiles = maximumFiles
        self.retry = retry
    }

    deinit { if file >= 0 { Syscalls.close(file) } }

    /// The path of the file that is being written.
    public var path: String? { policy?.current.map { path($0.number) } }

    /// Writes whole pcapng blocks, as `CaptureStream.pump` gave them, the first batch with the stream's beginning.
    /// `now` is monotonic, `wall` nanoseconds since 1970, for the record that counts losses.
    public func write(_ batch: [UInt8], now: UInt64, wall: UInt64) -> Report {
        let blocks = BlockRange.split(batch)
        if let until = stoppedUntil, now < until {
            remember(blocks, batch)
            lose(blocks)
            return .quiet
        }
        let wasStopped = stoppedUntil != nil
        let lossBefore = pendingLoss
        if let error = tryWrite(blocks, batch, wall: wall) {
            stoppedUntil = now &+ retry
            return wasStopped ? .quiet : .stopped(error)
        }
        stoppedUntil = nil
        return wasStopped ? .resumed(lost: lossBefore) : .quiet
    }

    /// Makes what was written survive a crash of the machine.
    public func sync() -> Result<Void, Errno> {
        file >= 0 ? Syscalls.syncData(file) : .success(())
    }

    // MARK: Writing

    /// Writes the blocks, in as few calls as the rotation allows. On failure all that did not reach a file is counted.
    private func tryWrite(_ blocks: [BlockRange], _ batch: [UInt8], wall: UInt64) -> SystemError? {
        var run: Range<Int>?
        var index = 0
        // Packets from this block on are in no file yet.
        var written = 0
        do {
            try reopenIfGone()
            while index < blocks.count {
                let block = blocks[index]
                if block.isPreamble {
                    if let range = run { try append(batch, range) }
                    run = nil
                    written = index
                    remember([block], batch)
                    index += 1
                    if block.type == PcapngBlock.section { closeCurrent() } else { try describe(batch, block.range) }
                    continue
                }
                switch try place((run?.count ?? 0) + block.range.count, flush: run != nil) {
                case .append:
                    run = (run?.lowerBound ?? block.range.lowerBound)..<block.range.upperBound
                    index += 1
                case .flushFirst:
                    if let range = run { try append(batch, range) }
                    run = nil
                    written = index
                case .opened: try countLosses(wall)
                case .drop:
                    lose([block])
                    index += 1
                    written = index
                }
            }
            if let range = run { try append(batch, range) }
            written = index
            if file >= 0 { try countLosses(wall) }
            return nil
        } catch {
            remember(Array(blocks[index...]), batch)
            lose(Array(blocks[written...]))
            return error
        }
    }

    private enum Place { case append, flushFirst, opened, drop }

    /// Where a block goes, `bytes` counting what waits before it to be written in the same call.
    private func place(_ bytes: Int, flush: Bool) throws(SystemError) -> Place {
        let policy = try loadedPolicy()
        switch policy.decide(block: bytes, preamble: preamble.count) {
        case .append: return .append
        case .drop: return flush ? .flushFirst : .drop
        case .rotate(let remove, let number):
            if flush { return .flushFirst }
            for old in remove {
                // An open file keeps its blocks after it was removed.
                if old == policy.current?.number { closeCurrent() }
                // A file that somebody else removed is as good as removed.
                do { try Syscalls.unlink(path(old)) } catch { if error.errno != .noSuchFile { throw error } }
                self.policy?.removed(old)
            }
            try open(number)
            return .opened
        }
    }

    private func open(_ number: UInt64) throws(SystemError) {
        try Syscalls.makeFolders(folder, mode: 0o700)
        let opened = try Syscalls.open(path(number), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        if file >= 0 { Syscalls.close(file) }
        file = opened.release()
        policy?.opened(number)
        do { try append(preamble, 0..<preamble.count) } catch {
            // A file without a beginning is no capture: it goes, and with it the number's claim on the disk.
            Syscalls.close(file)
            file = -1
            try? Syscalls.unlink(path(number))
            policy?.removed(number)
            throw error
        }
    }

    private func append(_ bytes: [UInt8], _ range: Range<Int>) throws(SystemError) {
        let size = policy?.current?.size ?? 0
        let result = bytes.withUnsafeBytes {
            Syscalls.writeAll(file, UnsafeRawBufferPointer(rebasing: $0[range]))
        }
        if case .failure(let errno) = result {
            _ = Syscalls.truncate(file, to: Int64(size))
            _ = Syscalls.seek(file, to: Int64(size))
            throw SystemError(errno, "write", path ?? folder)
        }
        policy?.appended(range.count)
    }

    /// A new interface in the middle of a file. Where it does not fit, the next file's preamble has it.
    private func describe(_ batch: [UInt8], _ range: Range<Int>) throws(SystemError) {
        guard file >= 0 else { return }
        if let current = policy?.current, current.size + range.count <= maximumSize {
            try append(batch, range)
        } else {
            closeCurrent()
        }
    }

    private func closeCurrent() {
        if file >= 0 { Syscalls.close(file) }
        file = -1
        policy?.closedCurrent()
    }

    /// A file that was removed under us would swallow the capture for ever.
    private func reopenIfGone() throws(SystemError) {
        guard file >= 0, let current = policy?.current else { return }
        if try Syscalls.status(of: file).names == 0 {
            closeCurrent()
            policy?.removed(current.number)
            policy = nil
        }
    }

    private func loadedPolicy() throws(SystemError) -> RotationPolicy {
        if let policy { return policy }
        var found: [RotationPolicy.File] = []
        let names: [String]
        do { names = try Syscalls.list(folder) } catch {
            if error.errno != .noSuchFile { throw error }
            names = []
        }
        for entry in names {
            guard let number = number(entry), let status = try? Syscalls.stat(folder + "/" + entry) else { continue }
            found.append(RotationPolicy.File(number: number, size: Int(clamping: status.size)))
        }
        let policy = RotationPolicy(maximumSize: maximumSize, maximumFiles: maximumFiles, found: found)
        self.policy = policy
        return policy
    }

    // MARK: Losses and the preamble

    private func countLosses(_ wall: UInt64) throws(SystemError) {
        guard pendingLoss > 0 else { return }
        let text = EventText.lost(pendingLoss, "the disk could not take them")
        let block = ChannelEncoder.lossBlock(text, time: wall)
        guard let current = policy?.current, current.size + block.count <= maximumSize else { return }
        try append(block, 0..<block.count)
        pendingLoss = 0
    }

    private func lose(_ blocks: [BlockRange]) {
        for block in blocks where block.type == PcapngBlock.packet {
            lost += 1
            pendingLoss += 1
        }
    }

    private func remember(_ blocks: [BlockRange], _ batch: [UInt8]) {
        for block in blocks where block.isPreamble {
            if block.type == PcapngBlock.section { preamble = [] }
            preamble.append(contentsOf: batch[block.range])
        }
    }

    // MARK: Names

    private func path(_ number: UInt64) -> String {
        var digits = Array(String(number).utf8)
        while digits.count < 8 { digits.insert(0x30, at: 0) }
        return folder + "/" + name + "-" + String(decoding: digits, as: UTF8.self) + ".pcapng"
    }

    private func number(_ entry: String) -> UInt64? {
        let bytes = Array(entry.utf8)
        let lead = Array((name + "-").utf8)
        let end = Array(".pcapng".utf8)
        guard bytes.count >= lead.count + end.count + 8, bytes.starts(with: lead),
            bytes.suffix(end.count).elementsEqual(end)
        else { return nil }
        var number: UInt64 = 0
        for digit in bytes[lead.count..<(bytes.count - end.count)] {
            guard digit >= 0x30, digit <= 0x39, number < UInt64.max / 10 - 1 else { return nil }
            number = number * 10 + UInt64(digit - 0x30)
        }
        return number
    }
}

/// Where a block lies in a batch.
struct BlockRange {
    let type: UInt32
    let range: Range<Int>

    /// Does each file need it at its head?
    var isPreamble: Bool { type == PcapngBlock.section || type == PcapngBlock.interface }

    /// The blocks of bytes that a stream of this process made.
    static func split(_ bytes: [UInt8]) -> [BlockRange] {
        var blocks: [BlockRange] = []
        var offset = 0
        func number(_ at: Int) -> UInt32 {
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        }
        while offset < bytes.count {
            precondition(bytes.count - offset >= 12, "a batch consists of whole blocks")
            let length = Int(number(offset + 4))
            precondition(length >= 12 && length <= bytes.count - offset, "a batch consists of whole blocks")
            blocks.append(BlockRange(type: number(offset), range: offset..<(offset + length)))
            offset += length
        }
        return blocks
    }
}
