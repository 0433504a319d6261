// SPDX-License-Identifier: Apache-2.0
//
// The ring in memory, in a persistent file and inside a raw dump; all integers little-endian.
//
//     0   8  "KCSRING1"
//     8   4  bytes of this header (256)
//    12   4  bytes of a record (16)
//    16   4  capacity in records, a power of two
//    20   4  number of the channel, 0 to 15: tells channels apart in trace headers that have four bits for it
//    24   8  position: how many records were ever written
//    32   8  first position: older records are not reported
//    40   8  position at which this boot of the machine began
//    48   8  CLOCK_REALTIME minus CLOCK_BOOTTIME, nanoseconds, signed
//    56   8  the same, of the boot before
//    64  16  the boot's identity
//    80  48  name of the channel, UTF-8, zeros at the end
//   128 128  description of the channel, UTF-8, zeros at the end
//   256      the records; the one at position P lies in slot P mod capacity
//
// A record is two words:
//     time   nanoseconds of CLOCK_BOOTTIME; in a continuation eight bytes of data
//     word   byte 0 kind, bytes 1 to 3 its values, bytes 4 to 7 tag:
//            (low half of P) xor (low half of the first word) xor (high half of the first word)
// A record whose tag does not fit its position and its first word was never completed, or is older: it does not count.
// So a reader needs neither lock nor luck, and a ring that was copied while it was written tells nothing wrong.
//
// A record that does not fit three bytes is a head and continuations: byte 1 of the head's word is the direction, bytes
// 2 and 3 the number of data bytes that follow, eight to a continuation. The first eight are link type, kind of
// annotation, length of the text at the end and original length, 16 bits each (messages, annotations); or numbers.

/// Offsets and sizes of the ring's format.
enum RingLayout {
    static let magic: UInt64 = 0x31_47_4E_49_52_53_43_4B  // "KCSRING1"
    static let headerBytes = 256
    static let recordBytes = 16
    static let maximumCapacity = 1 << 24
    static let minimumCapacity = 16

    // Words (of eight bytes) in the header.
    static let positionWord = 3
    static let firstWord = 4
    static let bootPositionWord = 5
    static let offsetWord = 6
    static let previousOffsetWord = 7

    static let bootIdentity = 64..<80
    static let name = 80..<128
    static let description = 128..<256

    /// Data bytes of one record with continuations, at most: a longer message is cut, its original length kept.
    static let maximumData = 8192

    /// Bytes of a ring of `capacity` records.
    static func bytes(capacity: Int) -> Int { headerBytes + capacity * recordBytes }

    /// The least power of two that holds `events` records.
    static func capacity(events: Int) -> Int {
        var capacity = minimumCapacity
        while capacity < events && capacity < maximumCapacity { capacity *= 2 }
        return capacity
    }

    /// The word that validates a record.
    @inline(__always)
    static func tag(position: UInt64, time: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: position ^ time ^ (time >> 32))
    }
}
