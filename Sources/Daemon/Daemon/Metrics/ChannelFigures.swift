// SPDX-License-Identifier: Apache-2.0
import Capture
import KCS

/// A channel's own figures as metrics: a table of their names, and the values in the same order.
enum ChannelFigures {
    /// A line for each: c for a counter, g for a gauge; the name; what it means. `ChannelFigures.of` gives the values.
    private static let table = """
        g channel_enabled Whether the file wants the channel to run
        c channel_received_bytes Bytes read from IDR
        c channel_sent_bytes Bytes written to ODR
        c channel_stale_bytes Bytes that were there when the device was opened, and were thrown away
        c channel_dropped_bytes Bytes that no handler was there for
        c channel_replaced_bytes Bytes of the BMC thrown away before the host CPU read them
        c channel_refused_accesses Accesses of handlers that were refused because OBF was set
        c channel_restarts Starts after a failure
        c channel_obf_stalls Times that the host CPU left a byte in ODR for longer than a second while another waited
        c channel_slow_calls Handler calls longer than call_budget
        c channel_stale_replies Replies to messages that were no longer owed one
        c transfer_requests Whole requests of the host CPU
        c transfer_answers Answers that the host CPU read to their end
        c transfer_timeouts Requests that no handler answered in time
        c transfer_aborts Requests whose answer the host CPU no longer wanted
        c transfer_abort_commands GET_STATUS/ABORT commands
        c transfer_errors Violations of the protocol that ended in the ERROR state
        c transfer_dropped_bytes Bytes dropped from ODR that the host CPU had not read
        c transfer_stray_bytes Data bytes that came while no transfer was under way
        c transfer_wrong_guesses Times that the strict handshake let a byte go and found nothing behind it
        c capture_records Records of the flight recorder
        c capture_lost_records Records that the files of capture mode file miss
        g capture_failed Whether capture mode file cannot write
        """

    /// One of them.
    struct Row {
        let isCounter: Bool
        let name: String
        let help: String

        /// What it is in, by its name.
        var unit: String { name.utf8.suffix(6).elementsEqual("_bytes".utf8) ? "bytes" : "" }
    }

    static var rows: [Row] {
        table.utf8.split(separator: 0x0A).map { line in
            let parts = line.split(separator: 0x20, maxSplits: 2)
            return Row(
                isCounter: parts[0].first == UInt8(ascii: "c"), name: String(decoding: parts[1], as: UTF8.self),
                help: String(decoding: parts[2], as: UTF8.self))
        }
    }

    /// Stands for a value that a channel does not have.
    static let none = UInt64.max

    /// The values of a channel, in the table's order.
    static func of(_ channel: Channel) -> [UInt64] {
        let counters = channel.context.counters
        var values: [UInt64] = [
            channel.isEnabled ? 1 : 0, counters.bytesIn, counters.bytesOut, counters.stale, counters.dropped,
            counters.replaced, counters.refused, counters.restarts, counters.obfStalls, counters.slowCalls,
            counters.staleReplies,
        ]
        if let transfers = channel.transferCounters {
            values += [
                transfers.delivered, transfers.completed, transfers.expired, transfers.aborted,
                transfers.abortCommands, transfers.errors, transfers.dropped, transfers.strays, transfers.wrongGuesses,
            ]
        } else {
            values += [UInt64](repeating: none, count: 9)
        }
        values.append(channel.recorder?.position ?? none)
        values.append(channel.captureFile?.lost ?? none)
        values.append(channel.captureFile.map { $0.trouble == nil ? 0 : 1 } ?? none)
        return values
    }
}
