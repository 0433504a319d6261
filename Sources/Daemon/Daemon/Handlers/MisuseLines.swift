// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: two words that the loop's thread shares with whatever threads a plugin has.
import CLinux
import Common
import Events
import LinuxIO
import PluginHost

/// Writes down the mistakes of one handler, at a limited rate. Those of other threads are told in a later turn, one at a
/// time, and the rest is counted: a plugin gone wild cannot fill memory.
final class MisuseLines: MisuseReporter {
    private let log: Log
    private let mailbox: Mailbox
    private let channel: String
    private let plugin: String
    private let thread = cl_thread()
    private var limit = RateLimit(burst: 20, interval: 1_000_000_000)
    /// Is a line of another thread on its way? And how many were not sent meanwhile.
    private let words = UnsafeMutablePointer<UInt32>.allocate(capacity: 2)

    init(_ services: ChannelServices, channel: String, plugin: String) {
        log = services.log
        mailbox = services.loop.mailbox
        self.channel = channel
        self.plugin = plugin
        words.initialize(repeating: 0, count: 2)
        super.init()
    }

    deinit { words.deallocate() }

    override func report(_ text: String) {
        if cl_thread() == thread { return write(text, missed: 0) }
        guard cl_exchange32(words, 1) == 0 else {
            _ = cl_add32(words + 1, 1)
            return
        }
        mailbox.post { [self] in
            let missed = cl_exchange32(words + 1, 0)
            cl_store32(words, 0)
            write(text, missed: UInt64(missed))
        }
    }

    private func write(_ text: String, missed: UInt64) {
        guard let suppressed = limit.admit(Clock.monotonic) else { return }
        log.write(
            .warning, channel, "plugin \(plugin): \(text)\(suppressedNote(suppressed + missed))",
            JournalFields(plugin: plugin))
    }
}
