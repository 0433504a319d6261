// SPDX-License-Identifier: Apache-2.0

/// One SEL record, 16 bytes (IPMI 2.0 §32): record ID LE16, type, then by type.
///
/// Type 02 is a system event; C0 to DF are OEM records with a timestamp, E0 to FF without.
public struct SELRecord: Equatable, Sendable {
    /// Bytes of a record.
    public static let size = 16

    // Two words instead of an array: a log of thousands needs no allocation for each.
    private var low: UInt64
    private var high: UInt64

    /// A record from `bytes[offset..<offset + 16]`; nil if there are fewer.
    public init?(_ bytes: [UInt8], at offset: Int = 0) {
        guard offset >= 0, bytes.count - offset >= SELRecord.size else { return nil }
        low = 0
        high = 0
        for index in 0..<8 {
            low |= UInt64(bytes[offset + index]) << UInt64(8 * index)
            high |= UInt64(bytes[offset + 8 + index]) << UInt64(8 * index)
        }
    }

    /// A system event (type 02) without record ID and time.
    ///
    /// - Parameters:
    ///   - generator: low byte is the slave address or software ID, high byte channel and LUN.
    ///   - direction: bit 7 deassertion, 6:0 event type.
    public init(
        generator: UInt16, revision: UInt8, sensorType: UInt8, sensor: UInt8, direction: UInt8,
        data: (UInt8, UInt8, UInt8)
    ) {
        low = UInt64(2) << 16 | UInt64(generator & 0xFF) << 56
        high = UInt64(generator >> 8) | UInt64(revision) << 8 | UInt64(sensorType) << 16 | UInt64(sensor) << 24
        high |= UInt64(direction) << 32 | UInt64(data.0) << 40 | UInt64(data.1) << 48 | UInt64(data.2) << 56
    }

    /// Byte `index`, 0 to 15.
    public subscript(index: Int) -> UInt8 {
        get {
            precondition(index >= 0 && index < SELRecord.size, "a SEL record has 16 bytes")
            let word = index < 8 ? low : high
            return UInt8(truncatingIfNeeded: word >> UInt64(8 * (index & 7)))
        }
        set {
            precondition(index >= 0 && index < SELRecord.size, "a SEL record has 16 bytes")
            let shift = UInt64(8 * (index & 7))
            if index < 8 {
                low = low & ~(0xFF << shift) | UInt64(newValue) << shift
            } else {
                high = high & ~(0xFF << shift) | UInt64(newValue) << shift
            }
        }
    }

    /// The record's ID.
    public var id: UInt16 {
        get { UInt16(truncatingIfNeeded: low) }
        set { low = low & ~0xFFFF | UInt64(newValue) }
    }

    /// The record's type.
    public var type: UInt8 { self[2] }

    /// True for the types that carry a timestamp.
    public var hasTimestamp: Bool { type < 0xE0 }

    /// Seconds since 1970; meaningful only with `hasTimestamp`.
    public var timestamp: UInt32 {
        get { UInt32(truncatingIfNeeded: low >> 24) }
        set { low = low & ~(0xFFFF_FFFF << 24) | UInt64(newValue) << 24 }
    }

    /// The 16 bytes.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(SELRecord.size)
        for index in 0..<SELRecord.size { result.append(self[index]) }
        return result
    }

    /// True if both say the same, apart from what the log itself fills in: ID, and the time where there is one.
    public func sameEvent(_ other: SELRecord) -> Bool {
        guard type == other.type, high == other.high else { return false }
        let mask: UInt64 = hasTimestamp ? 0xFF00_0000_0000_0000 : 0xFFFF_FFFF_FF00_0000
        return low & mask == other.low & mask
    }
}

/// Record types that matter to the controller itself.
public enum SELRecordType {
    /// A system event in the standard's layout.
    public static let systemEvent: UInt8 = 0x02
}
