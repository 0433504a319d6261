// SPDX-License-Identifier: Apache-2.0

/// What a channel's device gives.
public struct Capabilities: OptionSet, Sendable {
    /// `KCS_CAP_*`.
    public let rawValue: UInt32
    /// Capabilities by their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes that the host CPU writes.
    public static let dataIn = Capabilities(rawValue: 0x01)
    /// ODR can be written.
    public static let dataOut = Capabilities(rawValue: 0x02)
    /// STR can be read and written.
    public static let status = Capabilities(rawValue: 0x04)
    /// Whole KCS transfers.
    public static let messages = Capabilities(rawValue: 0x08)
    /// SMS_ATN can be set and cleared.
    public static let attention = Capabilities(rawValue: 0x10)
    /// IBF is clear before a handler sees the byte.
    public static let earlyIBF = Capabilities(rawValue: 0x20)
    /// The news that OBF was cleared may be late or lost.
    public static let outputLags = Capabilities(rawValue: 0x40)
    /// Memory shared with the host CPU is configured.
    public static let window = Capabilities(rawValue: 0x80)
}

/// The status register as a handler sees it (IPMI 2.0 §9.7).
public struct STR: OptionSet, Sendable {
    /// The register's eight bits.
    public let rawValue: UInt8
    /// STR by its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The host CPU has not read ODR yet.
    public static let obf = STR(rawValue: 0x01)
    /// The host CPU has written IDR.
    public static let ibf = STR(rawValue: 0x02)
    /// The BMC wants attention.
    public static let smsAttention = STR(rawValue: 0x04)
    /// The host CPU's last write went to the command port.
    public static let command = STR(rawValue: 0x08)
    /// Free for the protocol.
    public static let oem1 = STR(rawValue: 0x10)
    /// Free for the protocol.
    public static let oem2 = STR(rawValue: 0x20)
    /// Both bits of STATE.
    public static let state = STR(rawValue: 0xC0)
}

/// What `wantOutput` is asked for.
public enum OutputWish: UInt32, Sendable {
    /// Nothing: withdraws what was asked for before.
    case no = 0
    /// `outputReady`, once.
    case ask = 1
    /// `outputReady`, once, and no `data` until then: bytes stay in IDR, and hold the host CPU back.
    case hold = 2
}
