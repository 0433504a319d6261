// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Events
import LinuxIO
import Schema

/// A handler's lines in the log. Of repeats the last one is shown when its time comes, with the number of the others.
final class HandlerLines {
    private let context: ChannelContext
    private let plugin: String
    private var limits: LogConfiguration
    private var lines: SuppressedLines
    private lazy var timer = { [lines = Borrowed(self)] in CallTimer { _ in lines.object.show() } }()

    init(_ context: ChannelContext, plugin: String) {
        (self.context, self.plugin) = (context, plugin)
        limits = context.logging
        lines = SuppressedLines(burst: limits.repeats, interval: limits.interval.nanoseconds)
    }

    func write(_ level: LogLevel, _ text: String) {
        guard context.log.writes(level) else { return }
        if limits != context.logging {
            close()
            limits = context.logging
            lines = SuppressedLines(burst: limits.repeats, interval: limits.interval.nanoseconds)
        }
        if let others = lines.admit(level, text, Clock.monotonic) {
            put(level, text, others)
        } else if let deadline = lines.deadline {
            context.loop.set(timer, deadline: deadline)
        }
    }

    /// Shows what is held back, for there will be no other line.
    func close() {
        context.loop.cancel(timer)
        for line in lines.take(Clock.monotonic, all: true) { put(line.level, line.text, line.others) }
    }

    private func show() {
        for line in lines.take(Clock.monotonic) { put(line.level, line.text, line.others) }
        if let deadline = lines.deadline { context.loop.set(timer, deadline: deadline) }
    }

    private func put(_ level: LogLevel, _ text: String, _ others: UInt64) {
        context.log.write(level, context.name, text + suppressedNote(others), JournalFields(plugin: plugin))
    }
}
