// SPDX-License-Identifier: Apache-2.0
import CLinux
import Capture
import Common
import LinuxIO

/// How much a line matters.
public typealias LogLevel = Common.LogLevel

extension LogLevel {
    /// The journal's number for it (syslog's severities; the journal has none below debug).
    var priority: Int {
        switch self {
        case .error: return 3
        case .warning: return 4
        case .notice: return 5
        case .info: return 6
        case .debug, .trace: return 7
        }
    }
}

/// Lines on standard error: `level channel: message`, with the time in front, or, where the journal adds that itself,
/// with its priority. Never blocks: a line for which standard error has no room is dropped and counted.
public final class Log {
    private let descriptor: Int32
    private let toJournal: Bool
    private var dropped: UInt64 = 0
    /// Where a channel's lines go.
    private let parent: Log?
    /// A channel's own level; nil: that of the whole log.
    private var ownLevel: LogLevel?
    /// The channels' logs, which are told of another level: each byte asks for it, and should not have to look around.
    private var channels: [Log] = []

    /// Lines less important than this are not written.
    public var level: LogLevel {
        didSet { for channel in channels where channel.ownLevel == nil { channel.level = level } }
    }

    /// A log on a descriptor, standard error unless given. `journal` is the value of $JOURNAL_STREAM.
    public init(level: LogLevel, descriptor: Int32 = 2, journal: String? = CurrentProcess.environment("JOURNAL_STREAM"))
    {
        self.level = level
        parent = nil
        self.descriptor = descriptor
        toJournal = Self.isJournal(descriptor, journal)
    }

    /// A channel's lines in another log.
    init(of parent: Log) {
        self.parent = parent
        level = parent.level
        (descriptor, toJournal) = (parent.descriptor, false)
        parent.channels.append(self)
    }

    /// A level of the channel's own, or that of the whole log.
    func setLevel(_ own: LogLevel?) {
        ownLevel = own
        level = own ?? parent?.level ?? level
    }

    /// The channel is gone.
    func leave() { parent?.channels.removeAll { $0 === self } }

    /// Would a line of that level be written? Ask before building a costly one.
    @inline(__always)
    public func writes(_ level: LogLevel) -> Bool { level <= self.level }

    /// Writes a line. `channel` is nil for what concerns the whole daemon.
    public func write(_ level: LogLevel, _ channel: String?, _ message: String) {
        guard writes(level) else { return }
        if let parent { parent.put(level, channel, message) } else { put(level, channel, message) }
    }

    private func put(_ level: LogLevel, _ channel: String?, _ message: String) {
        var line = toJournal ? "<\(level.priority)>" : "\(UTCTime.milliseconds(Clock.real)) "
        line += "\(level.name) \(channel ?? "kcsmuxd"): "
        var bytes = Array(line.utf8)
        for byte in message.utf8.prefix(2048) {
            // A line stays a line, whatever a plugin or a device puts into it.
            bytes.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte)
        }
        if dropped > 0 {
            bytes.append(contentsOf: Array(" (\(dropped) lines before this one were lost)".utf8))
        }
        bytes.append(UInt8(ascii: "\n"))
        guard Poll.isWritable(descriptor) else {
            dropped += 1
            return
        }
        dropped = 0
        _ = bytes.withUnsafeBytes { Syscalls.writeAll(descriptor, $0) }
    }

    /// $JOURNAL_STREAM names the device and inode of the stream that goes to the journal; it is inherited by programs
    /// whose own standard error goes elsewhere.
    private static func isJournal(_ descriptor: Int32, _ stream: String?) -> Bool {
        guard let stream, let status = try? Syscalls.status(of: descriptor) else { return false }
        return stream == "\(status.identity.device):\(status.identity.inode)"
    }
}
