// SPDX-License-Identifier: Apache-2.0
//
// What a fatal signal leaves, all integers little-endian:
//
//     0   8  "KCSDUMP1"
//     8   4  bytes of this header (320)
//    12   4  number of rings
//    16   4  signal, 0 for a dump that was asked for
//    20   4  its code (si_code)
//    24   8  its address (si_addr)
//    32   8  CLOCK_BOOTTIME, nanoseconds
//    40   8  CLOCK_REALTIME minus CLOCK_BOOTTIME, nanoseconds, signed
//    48   4  process
//    52   4  thread
//    56   4  1 when a handler was running
//    60   4  0
//    64  64  its channel, UTF-8, zeros at the end
//   128  64  its plugin
//   192  64  the callback that was made
//   256  64  0
//   320      the rings, each behind 16 bytes: "RING", 0 (4 bytes), length (8 bytes)

/// The dump of a process that died: rings, and who was running.
public struct RawDump: Sendable {
    /// The signal's number, 0 for a dump that was asked for.
    public let signal: Int
    /// The address that the signal names.
    public let address: UInt64
    /// Nanoseconds of CLOCK_BOOTTIME.
    public let time: UInt64
    /// CLOCK_REALTIME minus CLOCK_BOOTTIME, nanoseconds.
    public let wallOffset: Int64
    /// The process.
    public let process: Int32
    /// The handler that was running, or nil: the daemon's own code was.
    public let culprit: Culprit?
    /// The rings that could be read.
    public let rings: [RingSnapshot]
    /// Rings that are damaged or cut off.
    public let damaged: Int

    /// A handler that was running.
    public struct Culprit: Sendable, Equatable {
        /// Its channel.
        public let channel: String
        /// Its plugin.
        public let plugin: String
        /// What it was called for.
        public let callback: String
    }

    /// Do these bytes begin as a raw dump does?
    public static func isRawDump(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "KCSDUMP1".utf8) }

    /// The dump that these bytes hold; nil when they are none. A dump that was cut short gives the rings before.
    public init?(_ bytes: [UInt8]) {
        guard RawDump.isRawDump(bytes), bytes.count >= 320, RawDump.number(bytes, 8, 4) == 320 else { return nil }
        signal = Int(clamping: RawDump.number(bytes, 16, 4))
        address = RawDump.number(bytes, 24, 8)
        time = RawDump.number(bytes, 32, 8)
        wallOffset = Int64(bitPattern: RawDump.number(bytes, 40, 8))
        process = Int32(truncatingIfNeeded: RawDump.number(bytes, 48, 4))
        if RawDump.number(bytes, 56, 4) != 0 {
            culprit = Culprit(
                channel: RawDump.text(bytes, 64), plugin: RawDump.text(bytes, 128), callback: RawDump.text(bytes, 192))
        } else {
            culprit = nil
        }
        let expected = Int(clamping: RawDump.number(bytes, 12, 4))
        var rings: [RingSnapshot] = []
        var damaged = 0
        var offset = 320
        // Each ring takes space in the file: a header that promises more can't make this loop longer.
        for _ in 0..<expected {
            guard bytes.count - offset >= 16, bytes[offset..<offset + 4].elementsEqual("RING".utf8),
                let length = Int(exactly: RawDump.number(bytes, offset + 8, 8)), length <= bytes.count - offset - 16
            else { break }
            offset += 16
            if let ring = RingSnapshot(Array(bytes[offset..<offset + length])) {
                rings.append(ring)
            } else {
                damaged += 1
            }
            offset += length
        }
        self.rings = rings
        self.damaged = max(damaged, expected - rings.count)
    }

    /// "fatal signal 11 (SIGSEGV) in plugin ipmi-lite of channel ipmi, in data".
    public var sentence: String {
        let what = EventText.signal(signal)
        guard let culprit else { return what + " in the daemon" }
        return what + " in plugin " + culprit.plugin + " of channel " + culprit.channel + ", in " + culprit.callback
    }

    private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        return value
    }

    private static func text(_ bytes: [UInt8], _ offset: Int) -> String {
        let field = bytes[offset..<offset + 64]
        return String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}
