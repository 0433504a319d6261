// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// A sensor at work: its last reading, its thresholds as they are now, and which of them are crossed.
struct Sensor {
    /// A threshold that was crossed, or a state that came or went, for the event log.
    struct Crossing: Equatable {
        /// Event offset: 0, 2, 4 lower going low; 7, 9, B upper going high; or the state.
        var offset: UInt8
        var deassertion: Bool
        /// What the event's data 2 and 3 are; FF of a state.
        var reading: UInt8 = 0xFF
        var threshold: UInt8 = 0xFF
    }

    let description: SensorDescription
    let source: SensorSource
    private(set) var thresholds: InlineArray<6, UInt8>
    var positiveHysteresis: UInt8
    var negativeHysteresis: UInt8
    var eventMessages = true
    var scanning = true
    private(set) var assertions: UInt16
    private(set) var deassertions: UInt16
    /// The last reading; nil while there is none.
    private(set) var reading: UInt8?
    /// A reading is under way.
    var isAsked = false
    /// When the last reading was taken.
    private(set) var readAt: UInt64 = 0
    /// Crossed thresholds, by bit as in the threshold mask.
    private(set) var crossed: UInt8 = 0
    /// The present states of a sensor that has them; nil until they are known.
    private(set) var states: UInt16?

    init(_ configuration: SensorConfiguration) {
        description = configuration.description
        source = configuration.source
        thresholds = description.thresholds
        positiveHysteresis = description.hysteresis
        negativeHysteresis = description.hysteresis
        assertions = description.supportedEvents
        deassertions = description.supportedEvents
    }

    /// What Get Sensor Reading says behind the flags: crossed thresholds under bits 7:6 one, or states under bit 15 one.
    var state: [UInt8] {
        guard description.isDiscrete else { return [0xC0 | crossed] }
        return [UInt8(events & 0xFF), 0x80 | UInt8(events >> 8)]
    }

    /// The event bits that are asserted now.
    var events: UInt16 { description.isDiscrete ? states ?? 0 : SensorDescription.events(of: crossed) }

    /// Event messages, scanning, reading unavailable.
    var flags: UInt8 {
        (eventMessages ? 0x80 : 0) | (scanning ? 0x40 : 0) | (reading == nil || !scanning ? 0x20 : 0)
    }

    mutating func setThreshold(_ index: Int, _ value: UInt8) { thresholds[index] = value }

    /// Set Sensor Event Enable: operation 1 enables, 2 disables the events given.
    mutating func setEvents(_ operation: UInt8, assertions: UInt16, deassertions: UInt16) {
        let supported = description.supportedEvents
        switch operation {
        case 1:
            self.assertions |= assertions & supported
            self.deassertions |= deassertions & supported
        case 2:
            self.assertions &= ~assertions
            self.deassertions &= ~deassertions
        default: break
        }
    }

    /// Forgets which thresholds are crossed: the next reading reports them again.
    mutating func rearm(_ events: UInt16) {
        for index in 0..<6 where events & 1 << UInt16(SensorDescription.eventOffset(index)) != 0 {
            crossed &= ~UInt8(1 << index)
        }
    }

    /// Takes a reading (thousandths of the unit), nil if there was none, and returns the crossings to report.
    mutating func update(_ value: Int64?, now: UInt64) -> [Crossing] {
        readAt = now
        guard let value else {
            reading = nil
            return []
        }
        guard !description.isDiscrete else { return change(UInt16(clamping: value / 1000) & description.states) }
        let raw = description.conversion.reading(of: value)
        reading = raw
        return compareAgain()
    }

    /// Compares the last reading with the thresholds as they are now.
    mutating func compareAgain() -> [Crossing] {
        guard let reading, scanning, !description.isDiscrete else { return [] }
        return compare(reading)
    }

    /// Takes states. The first are what there is, and nothing that happened.
    private mutating func change(_ now: UInt16) -> [Crossing] {
        let before = states ?? now
        states = now
        reading = 0
        guard scanning, eventMessages else { return [] }
        var crossings: [Crossing] = []
        for offset in 0..<15 as Range<UInt16> where (before ^ now) & 1 << offset != 0 {
            let isAsserted = now & 1 << offset != 0
            guard (isAsserted ? assertions : deassertions) & 1 << offset != 0 else { continue }
            crossings.append(Crossing(offset: UInt8(offset), deassertion: !isAsserted))
        }
        return crossings
    }

    private mutating func compare(_ raw: UInt8) -> [Crossing] {
        var crossings: [Crossing] = []
        let level = number(raw)
        for index in 0..<6 where description.thresholdMask & UInt8(1 << index) != 0 {
            let bit = UInt8(1 << index)
            let threshold = number(thresholds[index])
            let was = crossed & bit != 0
            let now: Bool
            if index < 3 {
                // The way back up must pass the threshold by the negative-going hysteresis.
                now = level <= threshold || (was && level <= threshold + Int(negativeHysteresis))
            } else {
                now = level >= threshold || (was && level >= threshold - Int(positiveHysteresis))
            }
            guard now != was else { continue }
            crossed = now ? crossed | bit : crossed & ~bit
            let offset = SensorDescription.eventOffset(index)
            let enabled = now ? assertions : deassertions
            if eventMessages && enabled & 1 << UInt16(offset) != 0 {
                crossings.append(
                    Crossing(offset: offset, deassertion: !now, reading: raw, threshold: thresholds[index]))
            }
        }
        return crossings
    }

    private func number(_ raw: UInt8) -> Int {
        description.conversion.signed ? Int(Int8(bitPattern: raw)) : Int(raw)
    }

    /// Thresholds, hysteresis, enables and crossings, and the record that they belong to, in 19 bytes.
    var snapshot: [UInt8] {
        var bytes: [UInt8] = [description.number]
        for index in 0..<6 { bytes.append(thresholds[index]) }
        bytes += [positiveHysteresis, negativeHysteresis, (eventMessages ? 1 : 0) | (scanning ? 2 : 0)]
        bytes += [UInt8(assertions & 0xFF), UInt8(assertions >> 8)]
        bytes += [UInt8(deassertions & 0xFF), UInt8(deassertions >> 8), crossed]
        Journal.append(&bytes, fingerprint)
        return bytes
    }

    static let snapshotSize = 19

    private var fingerprint: UInt32 {
        let record = SDRRecord.of(description)
        return CRC32.of(record, 0..<record.count)
    }

    /// Takes a snapshot's state, unless the sensor is configured differently now.
    mutating func restore(_ bytes: [UInt8]) {
        precondition(bytes.count == Sensor.snapshotSize, "a sensor's snapshot has 19 bytes")
        guard Journal.little32(bytes, 15) == fingerprint else { return }
        for index in 0..<6 { thresholds[index] = bytes[1 + index] }
        positiveHysteresis = bytes[7]
        negativeHysteresis = bytes[8]
        eventMessages = bytes[9] & 1 != 0
        scanning = bytes[9] & 2 != 0
        assertions = (UInt16(bytes[10]) | UInt16(bytes[11]) << 8) & description.supportedEvents
        deassertions = (UInt16(bytes[12]) | UInt16(bytes[13]) << 8) & description.supportedEvents
        crossed = bytes[14] & description.thresholdMask
    }
}
