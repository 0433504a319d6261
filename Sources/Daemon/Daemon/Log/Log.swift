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

/// Lines on standard error: `level channel: message`, with the time in front, or, where that is the journal, to the journal's own
/// socket with fields beside them; as a last resort with its priority in front. Never blocks: a line for which standard error has no
/// room is dropped and counted.
public final class Log {
    private let descriptor: Int32
    private let toJournal: Bool
    private let journal: Journal?
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
    public convenience init(
        level: LogLevel, descriptor: Int32 = 2, journal: String? = CurrentProcess.environment("JOURNAL_STREAM")
    ) { self.init(level: level, descriptor: descriptor, journal: journal, socket: Journal.usualPath) }

    /// As that, with a journal that listens somewhere else.
    init(level: LogLevel, descriptor: Int32, journal: String?, socket: String) {
        self.level = level
        parent = nil
        self.descriptor = descriptor
        toJournal = Self.isJournal(descriptor, journal)
        self.journal = toJournal ? Journal(socket) : nil
    }

    /// A channel's lines in another log.
    init(of parent: Log) {
        self.parent = parent
        level = parent.level
        (descriptor, toJournal, journal) = (parent.descriptor, false, nil)
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
        write(level, channel, message, JournalFields())
    }

    /// As that, with what the journal is told beside it.
    func write(_ level: LogLevel, _ channel: String?, _ message: String, _ fields: JournalFields) {
        guard writes(level) else { return }
        (parent ?? self).put(level, channel, message, fields)
    }

    private func put(_ level: LogLevel, _ channel: String?, _ message: String, _ fields: JournalFields) {
        let head = "\(level.name) \(channel ?? "kcsmuxd"): "
        var bytes = Array((toJournal ? "" : "\(UTCTime.milliseconds(Clock.real)) ").utf8)
        bytes.append(contentsOf: head.utf8)
        // A line stays a line, whatever a plugin or a device puts into it.
        for byte in Self.cut(Array(message.utf8)) { bytes.append(Self.printable(byte)) }
        if dropped > 0 {
            bytes.append(contentsOf: Array(" (\(dropped) lines before this one were lost)".utf8))
        }
        if let journal, tell(journal, level, channel, bytes, fields) {
            dropped = 0
            return
        }
        if toJournal { bytes.insert(contentsOf: "<\(level.priority)>".utf8, at: 0) }
        bytes.append(UInt8(ascii: "\n"))
        guard Poll.isWritable(descriptor) else {
            dropped += 1
            return
        }
        dropped = 0
        _ = bytes.withUnsafeBytes { Syscalls.writeAll(descriptor, $0) }
    }

    private func tell(
        _ journal: Journal, _ level: LogLevel, _ channel: String?, _ message: [UInt8], _ fields: JournalFields
    ) -> Bool {
        journal.add("MESSAGE", String(decoding: message, as: UTF8.self))
        journal.add("PRIORITY", "\(level.priority)")
        journal.add("SYSLOG_IDENTIFIER", "kcsmuxd")
        let texts = [
            ("CHANNEL", channel), ("PLUGIN", fields.plugin), ("COMMAND", fields.command), ("TRIGGER", fields.trigger),
            ("MESSAGE_ID", fields.event?.id),
        ]
        for (name, text) in texts { if let text { journal.add(name, text) } }
        return journal.send()
    }

    /// What stands in a line for a byte of anybody's making.
    static func printable(_ byte: UInt8) -> UInt8 { byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte }

    /// As much as a line takes, and no part of a character.
    private static func cut(_ text: [UInt8]) -> ArraySlice<UInt8> {
        guard text.count > lineLimit else { return text[...] }
        var end = lineLimit
        while end > 0 && text[end] & 0xC0 == 0x80 { end -= 1 }
        return text[..<end]
    }

    private static let lineLimit = 2048

    /// What stands in front of an error's level, for who writes a line when nothing of this works any more.
    var errorPrefix: String { toJournal ? "<\(LogLevel.error.priority)>" : "" }

    /// $JOURNAL_STREAM names the device and inode of the stream that goes to the journal; it is inherited by programs
    /// whose own standard error goes elsewhere.
    private static func isJournal(_ descriptor: Int32, _ stream: String?) -> Bool {
        guard let stream, let status = try? Syscalls.status(of: descriptor) else { return false }
        return stream == "\(status.identity.device):\(status.identity.inode)"
    }
}
