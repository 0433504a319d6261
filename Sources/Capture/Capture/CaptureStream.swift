// SPDX-License-Identifier: Apache-2.0

/// A live capture of one channel: reads behind the recorder and turns what is new into pcapng.
///
/// The ring is the buffer. Whoever reads slowly falls behind in it, and what is overwritten before its turn is counted,
/// in the stream itself; the channel never waits. To be used on the recorder's thread.
public struct CaptureStream {
    private var writer = PcapngWriter()
    private var encoder: ChannelEncoder
    private var position: UInt64
    private var pendingLoss: UInt64 = 0
    private var lastTime: UInt64
    private let started: UInt64

    /// Records that this stream lost so far.
    public private(set) var lost: UInt64 = 0

    /// Where a stream begins.
    public enum Start: Sendable {
        /// With the oldest record that the ring holds.
        case oldest
        /// With the next record.
        case now
    }

    /// A stream of a recorder's channel. The first `pump` gives the file's beginning.
    public init(_ recorder: Recorder, from start: Start = .now) {
        writer.section(application: CaptureDump.application)
        let identity = recorder.identity
        encoder = ChannelEncoder(
            name: identity.channel, description: identity.description, number: identity.number, &writer)
        switch start {
        case .oldest: position = recorder.oldest
        case .now: position = recorder.position
        }
        started = position
        // Until the first event gives a time: when this boot began.
        lastTime = WallTime.of(0, offset: recorder.wallOffset)
    }

    /// Is there something that `pump` would give?
    public func isBehind(_ recorder: Recorder) -> Bool {
        !writer.bytes.isEmpty || pendingLoss > 0 || position < recorder.position
    }

    /// Appends whole blocks to `buffer` until it holds `limit` bytes or more (by at most one event), or nothing is new.
    /// A caller whose buffer is full does not call: the loss is counted here.
    public mutating func pump(_ recorder: Recorder, into buffer: inout [UInt8], limit: Int) {
        writer.drain(into: &buffer)
        while buffer.count < limit {
            var gone: UInt64 = 0
            let event = recorder.next(after: &position, lost: &gone)
            lost += gone
            pendingLoss += gone
            if let event { lastTime = recorder.wallTime(of: event) }
            if pendingLoss > 0, event != nil || gone > 0 {
                encoder.text(EventText.lost(pendingLoss, "the reader was too slow"), time: lastTime, &writer)
                pendingLoss = 0
            }
            guard let event else { break }
            encoder.encode(event, time: lastTime, &writer)
            writer.drain(into: &buffer)
        }
        writer.drain(into: &buffer)
    }

    /// The last block: how much was seen and lost.
    public mutating func finish(into buffer: inout [UInt8]) {
        writer.statistics(
            interface: encoder.registers, time: lastTime, received: position - min(started, position), lost: lost,
            comment: lost == 0 ? "" : EventText.lost(lost, "the reader was too slow"))
        writer.drain(into: &buffer)
    }
}
