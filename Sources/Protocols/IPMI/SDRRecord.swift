// SPDX-License-Identifier: Apache-2.0

/// A sensor as its record describes it.
public struct SensorDescription: Sendable {
    /// Sensor number, 0 to FE.
    public var number: UInt8
    /// Name, at most 16 characters of Latin-1 are kept.
    public var name: String
    /// Sensor type code (IPMI 2.0 table 42-3): 01 temperature, 02 voltage, 04 fan …
    public var type: UInt8
    /// Unit code (IPMI 2.0 §43.17): 1 degrees C, 4 volts, 18 RPM …
    public var unit: UInt8
    /// Entity that the sensor watches (IPMI 2.0 table 43-13), and which of them.
    public var entity: (id: UInt8, instance: UInt8)
    /// Reading to value.
    public var conversion: SensorConversion
    /// Which thresholds exist: bit 0 LNC, 1 LC, 2 LNR, 3 UNC, 4 UC, 5 UNR.
    public var thresholdMask: UInt8
    /// The six thresholds as readings, in the order of the mask.
    public var thresholds: InlineArray<6, UInt8>
    /// Steps by which a reading must return before a threshold counts as left.
    public var hysteresis: UInt8
    /// Smallest and largest value that is normal, as readings; nil if not stated.
    public var normal: (low: UInt8, high: UInt8)?
    /// The value is a percentage of the unit.
    public var isPercentage = false
    /// Event and reading type code (IPMI 2.0 table 42-1): 01 thresholds, 6F the states of the sensor type.
    public var readingType: UInt8 = 0x01
    /// The states that there can be, a bit each; of a sensor with thresholds none.
    public var states: UInt16 = 0

    /// A sensor without thresholds.
    public init(
        number: UInt8, name: String, type: UInt8, unit: UInt8, entity: (id: UInt8, instance: UInt8),
        conversion: SensorConversion
    ) {
        self.number = number
        self.name = name
        self.type = type
        self.unit = unit
        self.entity = entity
        self.conversion = conversion
        thresholdMask = 0
        thresholds = InlineArray(repeating: 0)
        hysteresis = 0
        normal = nil
    }

    /// A sensor with states in place of a value.
    public init(
        number: UInt8, name: String, type: UInt8, readingType: UInt8 = 0x6F, states: UInt16,
        entity: (id: UInt8, instance: UInt8) = (6, 1)
    ) {
        self.init(number: number, name: name, type: type, unit: 0, entity: entity, conversion: .plain)
        self.readingType = readingType
        self.states = states
    }

    /// Has it states in place of a value?
    public var isDiscrete: Bool { readingType != 0x01 }

    /// The event bits that there can be: states, or thresholds, lower ones going low, upper ones going high.
    public var supportedEvents: UInt16 { isDiscrete ? states : SensorDescription.events(of: thresholdMask) }

    /// Event bits of a threshold mask: bits 0, 2, 4 lower going low; 7, 9, B upper going high (IPMI 2.0 table 42-2).
    public static func events(of mask: UInt8) -> UInt16 {
        var events: UInt16 = 0
        for index in 0..<6 where mask & UInt8(1 << index) != 0 { events |= 1 << UInt16(eventOffset(index)) }
        return events
    }

    /// The event offset of threshold `index` (order of the mask) when it is crossed outwards.
    public static func eventOffset(_ index: Int) -> UInt8 {
        index < 3 ? UInt8(2 * index) : UInt8(2 * index + 1)
    }
}

/// Builders of sensor data records, version 51 (IPMI 2.0 §43). The record ID is filled in by the repository.
public enum SDRRecord {
    /// The record that describes a sensor.
    public static func of(_ sensor: SensorDescription) -> [UInt8] {
        guard sensor.isDiscrete else { return full(sensor) }
        return compact(
            number: sensor.number, name: sensor.name, type: sensor.type, entity: sensor.entity, events: sensor.states,
            readingType: sensor.readingType)
    }

    /// A full sensor record (type 01).
    public static func full(_ sensor: SensorDescription, owner: UInt8 = 0x20) -> [UInt8] {
        let conversion = sensor.conversion
        let thresholds = sensor.thresholdMask != 0
        var record = header(type: 0x01)
        record += [owner, 0x00, sensor.number, sensor.entity.id, sensor.entity.instance]
        // Initialisation: scanning, events, thresholds, hysteresis, type, enabled by default.
        record.append(thresholds ? 0x7F : 0x63)
        // Capabilities: auto re-arm; hysteresis and thresholds readable and settable; events for each threshold.
        record.append(thresholds ? 0x68 : 0x43)
        record += [sensor.type, 0x01]
        let events = sensor.supportedEvents
        // Assertions and, in 14:12, which lower thresholds a reading's state shows; the same for the upper ones.
        appendLittle(&record, events | UInt16(sensor.thresholdMask & 0x07) << 12)
        appendLittle(&record, events | UInt16(sensor.thresholdMask >> 3 & 0x07) << 12)
        record += [sensor.thresholdMask, sensor.thresholdMask]
        record += [(conversion.signed ? 0x80 : 0x00) | (sensor.isPercentage ? 0x01 : 0x00), sensor.unit, 0x00]
        record.append(0x00)
        let m = UInt16(bitPattern: conversion.m)
        let b = UInt16(bitPattern: conversion.b)
        record += [UInt8(m & 0xFF), UInt8(m >> 8 & 3) << 6, UInt8(b & 0xFF), UInt8(b >> 8 & 3) << 6]
        record.append(0x00)
        let k2 = UInt8(bitPattern: conversion.resultExponent) & 15
        record.append(k2 << 4 | UInt8(bitPattern: conversion.offsetExponent) & 15)
        // Which of nominal, normal maximum and normal minimum are stated.
        record.append(sensor.normal == nil ? 0x00 : 0x06)
        record += [0x00, sensor.normal?.high ?? 0, sensor.normal?.low ?? 0]
        record += conversion.signed ? [0x7F, 0x80] : [0xFF, 0x00]
        // The record's order is upper before lower, outermost first.
        for index in [5, 4, 3, 2, 1, 0] { record.append(sensor.thresholds[index]) }
        record += [sensor.hysteresis, sensor.hysteresis, 0x00, 0x00, 0x00]
        return finish(record, name: sensor.name)
    }

    /// A compact sensor record (type 02) of a sensor with states.
    ///
    /// - Parameter events: one bit for each offset that the sensor can report.
    public static func compact(
        number: UInt8, name: String, type: UInt8, entity: (id: UInt8, instance: UInt8), events: UInt16,
        readingType: UInt8 = 0x6F, owner: UInt8 = 0x20
    ) -> [UInt8] {
        var record = header(type: 0x02)
        // Scanning and events enabled; auto re-arm, no thresholds, events for each state.
        record += [owner, 0x00, number, entity.id, entity.instance, 0x63, 0x40, type, readingType]
        appendLittle(&record, events)
        appendLittle(&record, 0)
        appendLittle(&record, events)
        // Units: no analogue reading.
        record += [0xC0, 0x00, 0x00]
        // No record sharing, no hysteresis, nothing in the reserved and OEM bytes.
        record += [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]
        return finish(record, name: name)
    }

    /// A FRU device locator (type 11) for logical FRU device `id` behind the controller.
    public static func fruLocator(
        id: UInt8, name: String, entity: (id: UInt8, instance: UInt8), owner: UInt8 = 0x20
    ) -> [UInt8] {
        var record = header(type: 0x11)
        // Logical device, LUN 0, bus 0; channel 0; reserved; device type 10 (logical FRU), modifier 0.
        record += [owner, id, 0x80, 0x00, 0x00, 0x10, 0x00, entity.id, entity.instance, 0x00]
        return finish(record, name: name)
    }

    /// A management controller locator (type 12).
    ///
    /// - Parameter support: additional device support, as in Get Device ID.
    public static func controllerLocator(
        name: String, support: UInt8, entity: (id: UInt8, instance: UInt8), owner: UInt8 = 0x20
    ) -> [UInt8] {
        var record = header(type: 0x12)
        // Slave address, channel 0, no power state notification, capabilities.
        record += [owner, 0x00, 0x00, support, 0x00, 0x00, 0x00, entity.id, entity.instance, 0x00]
        return finish(record, name: name)
    }

    /// Bytes of an ID string as records and FRU areas hold it: 8-bit Latin-1, at most `limit`.
    public static func latin1(_ text: String, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars where bytes.count < limit {
            bytes.append(scalar.value < 0x100 ? UInt8(scalar.value) : 0x3F)
        }
        return bytes
    }

    private static func header(type: UInt8) -> [UInt8] { [0x00, 0x00, 0x51, type, 0x00] }

    private static func finish(_ record: [UInt8], name: String) -> [UInt8] {
        var result = record
        let text = latin1(name, limit: 16)
        // Type and length: 8-bit ASCII and Latin-1.
        result.append(0xC0 | UInt8(text.count))
        result += text
        result[4] = UInt8(result.count - 5)
        return result
    }

    private static func appendLittle(_ record: inout [UInt8], _ value: UInt16) {
        record.append(UInt8(truncatingIfNeeded: value))
        record.append(UInt8(truncatingIfNeeded: value >> 8))
    }
}
