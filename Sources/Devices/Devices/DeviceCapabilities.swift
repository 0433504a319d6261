// SPDX-License-Identifier: Apache-2.0

/// What a device gives. The bits are those of the plugin ABI (`KCS_CAP_*`).
public struct DeviceCapabilities: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// Capabilities by their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes that the host CPU writes.
    public static let dataIn = DeviceCapabilities(rawValue: 0x01)
    /// ODR can be written.
    public static let dataOut = DeviceCapabilities(rawValue: 0x02)
    /// STR can be read and written.
    public static let status = DeviceCapabilities(rawValue: 0x04)
    /// Whole KCS transfers: by the kernel, or by kcsmuxd over the registers.
    public static let messages = DeviceCapabilities(rawValue: 0x08)
    /// SMS_ATN can be set and cleared.
    public static let attention = DeviceCapabilities(rawValue: 0x10)
    /// The driver clears IBF before anybody sees the byte.
    public static let earlyIBF = DeviceCapabilities(rawValue: 0x20)
    /// The news that OBF was cleared may be 500 ms late, or never come.
    public static let outputLags = DeviceCapabilities(rawValue: 0x40)
    /// Memory shared with the host CPU.
    public static let window = DeviceCapabilities(rawValue: 0x80)

    /// What every device with raw registers gives.
    public static let registers: DeviceCapabilities = [.dataIn, .dataOut, .status, .messages, .attention]
}
