// SPDX-License-Identifier: Apache-2.0
import Common
import JSON

/// What a channel has counted, as one status tells it.
struct ChannelCounts {
    let name: String
    let state: String
    let reason: String?
    let plugins: String
    let bytes: UInt64
    /// Nil: it carries no messages.
    let messages: UInt64?
    let errors: UInt64
    let stalls: UInt64
    let restarts: UInt64
    /// From request to answer, of all commands: the counts of `LatencyHistogram`'s buckets.
    let latency: [UInt64]

    init(_ channel: JSONValue) {
        func number(_ value: JSONValue?, _ name: String) -> UInt64 { value?[name]?.uint64 ?? 0 }
        name = Text.safe(channel["name"]?.text ?? "?")
        state = Text.safe(channel["state"]?.text ?? "?")
        reason = channel["reason"]?.text.map { Text.safe($0) }
        plugins = (channel["plugins"]?.elements ?? []).map { Text.safe($0["name"]?.text ?? "?") }.joined(
            separator: ", ")
        bytes = number(channel, "bytes_in") &+ number(channel, "bytes_out")
        let transfers = channel["transfers"]
        messages = transfers?["requests"]?.uint64
        errors = number(transfers, "timeouts") &+ number(transfers, "aborted") &+ number(transfers, "errors")
        stalls = number(channel, "obf_stalls")
        restarts = number(channel, "restarts")
        var latency = [UInt64](repeating: 0, count: LatencyHistogram.bucketCount)
        for kind in channel["latency"]?["answer"]?.members ?? [] {
            for pair in kind.value["buckets"]?.elements ?? [] {
                guard let pair = pair.elements, pair.count == 2, let count = pair[1].uint64 else { continue }
                latency[LatencyHistogram.bucket(of: pair[0].uint64 ?? .max)] &+= count
            }
        }
        self.latency = latency
    }
}

/// A channel's line: what happened between two statuses.
struct ChannelRates {
    let now: ChannelCounts
    /// A second.
    let bytes: UInt64
    let messages: UInt64?
    /// Failed requests in 1000; nil where there was none at all.
    let errors: UInt64?
    /// Quantiles in nanoseconds, of the time between, or, when nothing came, of the whole life; nil where there never was any.
    let median: UInt64?
    let slow: UInt64?

    /// `nanoseconds` lie between the two.
    init(_ now: ChannelCounts, since before: ChannelCounts?, _ nanoseconds: UInt64) {
        self.now = now
        // A daemon that was started again counts from 0.
        func rise(_ now: UInt64, _ before: UInt64?) -> UInt64 { before.map { now >= $0 ? now - $0 : now } ?? 0 }
        func rate(_ now: UInt64, _ before: UInt64?) -> UInt64 {
            let (whole, overflow) = rise(now, before).multipliedReportingOverflow(by: 1_000_000_000)
            return overflow || nanoseconds == 0 ? 0 : (whole + nanoseconds / 2) / nanoseconds
        }
        bytes = rate(now.bytes, before?.bytes)
        messages = now.messages.map { rate($0, before?.messages) }
        let came = rise(now.messages ?? 0, before?.messages)
        errors = came == 0 ? nil : min(1000, rise(now.errors, before?.errors) * 1000 / came)
        var recent = now.latency
        if let before { for index in recent.indices { recent[index] = rise(recent[index], before.latency[index]) } }
        let counts = recent.contains { $0 > 0 } ? recent : now.latency
        median = Self.quantile(500, counts)
        slow = Self.quantile(990, counts)
    }

    /// The time within which so many of a thousand lie, taken as spread evenly in their bucket.
    static func quantile(_ thousandths: UInt64, _ counts: [UInt64]) -> UInt64? {
        let total = counts.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = max(1, (total * thousandths + 999) / 1000)
        var below: UInt64 = 0
        for (bucket, count) in counts.enumerated() where count > 0 {
            guard below + count >= rank else {
                below += count
                continue
            }
            let low = bucket == 0 ? 0 : LatencyHistogram.bound(of: bucket - 1) ?? LatencyHistogram.longest
            guard let high = LatencyHistogram.bound(of: bucket) else { return low }
            return low + (high - low) * (rank - below) / count
        }
        return nil
    }
}
