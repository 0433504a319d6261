// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A copy of a ring, from a recorder, a persistent file or a raw dump: hostile until read.
public struct RingSnapshot: Sendable {
    private let bytes: [UInt8]
    /// The channel's name.
    public let channel: String
    /// What the channel is.
    public let description: String
    /// Its number, 0 to 15.
    public let number: UInt8
    /// CLOCK_REALTIME minus CLOCK_BOOTTIME when the copy was made, nanoseconds.
    public let wallOffset: Int64
    /// How many records were ever written, those not counted before a kill included.
    public let position: UInt64
    /// The oldest record that can still be there.
    public let start: UInt64
    private let header: RingHeader

    /// A ring that is known to be one.
    init(copying memory: UnsafeRawBufferPointer) { self.init([UInt8](memory))! }

    /// A ring that was one when it was made. If whoever shares the memory has destroyed its header, what can be found
    /// without one.
    init(copying memory: UnsafeRawBufferPointer, _ identity: RecorderIdentity, capacity: Int) {
        var copy = [UInt8](memory)
        if copy.withUnsafeBytes({ RingHeader($0)?.capacity }) != capacity {
            copy.withUnsafeMutableBytes {
                memset($0.baseAddress!, 0, RingLayout.headerBytes)
                RingHeader.write(identity, capacity: capacity, into: $0)
            }
        }
        self.init(copy)!
    }

    /// The bytes of a ring; nil when they aren't one.
    public init?(_ bytes: [UInt8]) {
        guard let header = bytes.withUnsafeBytes({ RingHeader($0) }) else { return nil }
        self.bytes = bytes
        self.header = header
        channel = header.name
        description = header.description
        number = header.number
        wallOffset = header.offset
        (position, start) = bytes.withUnsafeBytes {
            let view = RingView($0, header: header)
            let end = view.recoveredEnd()
            return (end, view.start(end: end))
        }
    }

    /// The event at or after `position`, which moves behind it; nil at the end. Records that can't be read any more
    /// are added to `lost`.
    public func next(after position: inout UInt64, lost: inout UInt64) -> Event? {
        bytes.withUnsafeBytes {
            RingView($0, header: header).next(at: &position, end: self.position, lost: &lost)
        }
    }

    /// All events, oldest first.
    public var events: [Event] {
        var events: [Event] = []
        var position = start
        var lost: UInt64 = 0
        while let event = next(after: &position, lost: &lost) { events.append(event) }
        return events
    }

    /// Nanoseconds since 1970 of an event of this ring, by the clock of the boot that it belongs to, never negative.
    public func wallTime(of event: Event) -> UInt64 {
        let offset = event.position < header.bootPosition ? header.previousOffset : header.offset
        return WallTime.of(event.time, offset: offset)
    }
}

/// Boot time made wall time.
enum WallTime {
    /// Held inside what a signed 64-bit count of nanoseconds can say: year 2262.
    static func of(_ boot: UInt64, offset: Int64) -> UInt64 {
        let sum = Int64(clamping: boot).addingReportingOverflow(offset)
        if sum.overflow { return offset < 0 ? 0 : UInt64(Int64.max) }
        return sum.partialValue < 0 ? 0 : UInt64(sum.partialValue)
    }
}
