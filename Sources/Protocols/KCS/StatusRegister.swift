// SPDX-License-Identifier: Apache-2.0

/// The state that a BMC shows its host in bits 7:6 of STR (IPMI 2.0 §9).
public enum KCSState: UInt8, Equatable, Hashable, Sendable {
    /// No transfer is under way.
    case idle = 0
    /// The host reads a response.
    case read = 1
    /// The host writes a request.
    case write = 2
    /// The BMC saw a violation of the protocol, or serves nobody.
    case error = 3

    /// What the standard calls it.
    public var name: String {
        switch self {
        case .idle: "IDLE"
        case .read: "READ"
        case .write: "WRITE"
        case .error: "ERROR"
        }
    }
}

/// The status register of a KCS channel, as both sides see it.
///
/// IBF, OBF and C/D belong to the hardware; STATE, SMS_ATN and the two OEM bits belong to the BMC.
public struct StatusRegister: OptionSet, Equatable, Hashable, Sendable {
    /// The eight bits.
    public let rawValue: UInt8

    /// Makes a register value out of its eight bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Makes a register value that has `state` in bits 7:6 and no other bit.
    public init(state: KCSState) { rawValue = state.rawValue << 6 }

    /// OBF: ODR holds a byte that the host has not read.
    public static let obf = StatusRegister(rawValue: 0x01)
    /// IBF: IDR holds a byte that the BMC has not read.
    public static let ibf = StatusRegister(rawValue: 0x02)
    /// SMS_ATN: the BMC wants the attention of the host's system management software.
    public static let smsAttention = StatusRegister(rawValue: 0x04)
    /// C/D: the host's last write went to the command port.
    public static let commandData = StatusRegister(rawValue: 0x08)
    /// OEM1.
    public static let oem1 = StatusRegister(rawValue: 0x10)
    /// OEM2.
    public static let oem2 = StatusRegister(rawValue: 0x20)
    /// Both bits of STATE: a mask, not a state.
    public static let stateMask = StatusRegister(rawValue: 0xC0)

    /// The state in bits 7:6.
    public var state: KCSState {
        switch rawValue >> 6 {
        case 0: .idle
        case 1: .read
        case 2: .write
        default: .error
        }
    }
}

/// The control codes that a host writes to the command port, and READ, which it writes to the data port
/// (IPMI 2.0 §9.10).
public enum ControlCode {
    /// GET_STATUS/ABORT: ends the transfer and asks for the error code.
    public static let getStatusAbort: UInt8 = 0x60
    /// WRITE_START: begins a request, from any state.
    public static let writeStart: UInt8 = 0x61
    /// WRITE_END: the next data byte is the last of the request.
    public static let writeEnd: UInt8 = 0x62
    /// READ: the host took a byte of the response and wants the next. Written to the data port.
    public static let read: UInt8 = 0x68
}

/// The error code that a host gets after GET_STATUS/ABORT (IPMI 2.0 §9.12).
public struct TransferErrorCode: RawRepresentable, Equatable, Hashable, Sendable {
    /// The byte as the host reads it.
    public let rawValue: UInt8

    /// Makes a code out of its byte; C0 to FE are for OEMs.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// 00: no error.
    public static let none = TransferErrorCode(rawValue: 0x00)
    /// 01: the transfer was aborted by command.
    public static let aborted = TransferErrorCode(rawValue: 0x01)
    /// 02: the host wrote an illegal control code.
    public static let illegalControlCode = TransferErrorCode(rawValue: 0x02)
    /// 06: the request was longer than the BMC takes.
    public static let length = TransferErrorCode(rawValue: 0x06)
    /// FF: unspecified.
    public static let unspecified = TransferErrorCode(rawValue: 0xFF)

    /// What the code says.
    public var name: String {
        switch rawValue {
        case 0x00: "no error"
        case 0x01: "aborted by command"
        case 0x02: "illegal control code"
        case 0x06: "length error"
        case 0xC0...0xFE: "OEM"
        case 0xFF: "unspecified"
        default: "reserved"
        }
    }
}
