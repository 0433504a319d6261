// SPDX-License-Identifier: Apache-2.0

/// A byte that the host CPU wrote, as it was taken out of IDR.
public struct HostByte: Equatable, Sendable {
    /// The byte.
    public let value: UInt8
    /// STR at that moment, IBF set; 0 on a device without STR. C/D is that of a later byte, if two were queued.
    public let str: UInt8

    /// A byte with the STR that came with it.
    public init(value: UInt8, str: UInt8) {
        self.value = value
        self.str = str
    }
}

/// What a device's descriptor is waited on for, or tells of.
public struct DeviceEvents: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Events by their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The host CPU's byte waits in IDR.
    public static let input = DeviceEvents(rawValue: 1)
    /// OBF is clear.
    public static let output = DeviceEvents(rawValue: 2)
    /// The device is gone, or failed.
    public static let trouble = DeviceEvents(rawValue: 4)
}
