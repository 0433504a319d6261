// SPDX-License-Identifier: Apache-2.0
import KCS

/// Which driver stands between the registers and user space.
public enum Driver: UInt8, Sendable, CaseIterable {
    /// The raw-KCS driver patch as posted: the interrupt takes IDR, and O_NONBLOCK is tested the wrong way round.
    case v2 = 0
    /// As `v2`, with the O_NONBLOCK test put right.
    case fixed = 1
    /// IDR, and with it IBF, stays until user space reads it; the interrupt only wakes.
    case deferred = 2

    /// The driver of that name, as configuration files and commands spell it.
    public init?(name: String) {
        switch name {
        case "v2": self = .v2
        case "fixed": self = .fixed
        case "deferred": self = .deferred
        default: return nil
        }
    }

    /// How configuration files and commands spell it.
    public var name: String {
        switch self {
        case .v2: return "v2"
        case .fixed: return "fixed"
        case .deferred: return "deferred"
        }
    }
}

/// The bits of STR, as masks: bytes, as registers hold them.
public enum STRBit {
    /// Output buffer full: the host has not read ODR yet. Set by a write of ODR, cleared by the host's read, and by
    /// writing the bit as 0.
    public static let obf = StatusRegister.obf.rawValue
    /// Input buffer full: IDR holds a byte that the BMC has not taken. The hardware's own.
    public static let ibf = StatusRegister.ibf.rawValue
    /// SMS attention, the BMC's to set.
    public static let smsAttention = StatusRegister.smsAttention.rawValue
    /// C/D: set when the host's last write went to the command port. The hardware's own.
    public static let commandData = StatusRegister.commandData.rawValue
    /// First bit for the system maker's use.
    public static let oem1 = StatusRegister.oem1.rawValue
    /// Second bit for the system maker's use.
    public static let oem2 = StatusRegister.oem2.rawValue
    /// STATE: IDLE 00, READ 01, WRITE 10, ERROR 11.
    public static let state = StatusRegister.stateMask.rawValue
    /// What a write of STR sets as given.
    public static let writable = smsAttention | oem1 | oem2 | state
}
