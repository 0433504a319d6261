// SPDX-License-Identifier: Apache-2.0

/// Where a temperature is measured.
public enum TemperatureEntity: UInt8, Sendable {
    /// The air that comes in.
    case inlet = 0x40
    /// A processor.
    case processor = 0x41
    /// The board.
    case baseboard = 0x42

    /// What a request calls it: DCMI's own number, or IPMI's (IPMI 2.0 table 43-13).
    init?(request: UInt8) {
        switch request {
        case 0x40, 0x37: self = .inlet
        case 0x41, 0x03: self = .processor
        case 0x42, 0x07: self = .baseboard
        default: return nil
        }
    }
}

/// A temperature sensor; the instances of an entity are numbered from 1, in their order.
public struct TemperatureSensor: Sendable {
    /// What it measures.
    public let entity: TemperatureEntity
    /// The record of the SDR repository that describes it, if one does.
    public let record: UInt16?

    /// A sensor.
    public init(_ entity: TemperatureEntity, record: UInt16?) {
        self.entity = entity
        self.record = record
    }
}

/// What Get DCMI Capabilities Info says, and what there is to be read.
public struct DCMIConfiguration: Sendable {
    /// The power is measured.
    public var hasPower = false
    /// The temperature sensors.
    public var temperatures: [TemperatureSensor] = []
    /// Seconds between two readings, 1 to 255.
    public var interval: UInt8 = 1
    /// Records that the system event log of this system holds.
    public var logCapacity: UInt16 = 512
    /// That log drops its oldest record for a new one, once it is full.
    public var logWraps = false
    /// The number of the LAN channel; nil if there is none.
    public var lanChannel: UInt8?

    /// Nothing that is measured.
    public init() {}
}
