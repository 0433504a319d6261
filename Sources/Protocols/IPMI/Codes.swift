// SPDX-License-Identifier: Apache-2.0

/// Network function of a message: even for a request, the odd one above it for the response (IPMI 2.0 §5.1).
public struct NetFn: RawRepresentable, Equatable, Sendable {
    /// The six bits of the code.
    public let rawValue: UInt8

    /// Takes the low six bits of `rawValue`.
    public init(rawValue: UInt8) { self.rawValue = rawValue & 0x3F }

    /// Chassis commands.
    public static let chassis = NetFn(rawValue: 0x00)
    /// Sensor and event commands.
    public static let sensorEvent = NetFn(rawValue: 0x04)
    /// Application commands: the management controller itself, messaging, watchdog, users.
    public static let app = NetFn(rawValue: 0x06)
    /// Storage commands: FRU, SDR repository, SEL.
    public static let storage = NetFn(rawValue: 0x0A)
    /// Transport commands: LAN configuration.
    public static let transport = NetFn(rawValue: 0x0C)
    /// Group extensions; the first data byte names the body that defined the command.
    public static let groupExtension = NetFn(rawValue: 0x2C)

    /// True for the function of a request.
    public var isRequest: Bool { rawValue & 1 == 0 }

    /// The function that a response to this request carries.
    public var response: NetFn { NetFn(rawValue: rawValue | 1) }
}

/// Logical unit number inside a controller, 0 to 3 (IPMI 2.0 §7.2). The controller's own functions are at 0.
public struct LUN: RawRepresentable, Equatable, Sendable {
    /// The two bits of the number.
    public let rawValue: UInt8

    /// Takes the low two bits of `rawValue`.
    public init(rawValue: UInt8) { self.rawValue = rawValue & 3 }

    /// The controller's own functions.
    public static let baseboard = LUN(rawValue: 0)
}

/// Command number within a network function.
public struct Command: RawRepresentable, Equatable, Sendable {
    /// The command byte.
    public let rawValue: UInt8

    /// Any byte is a command number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
}

/// First byte of every response's data (IPMI 2.0 §5.2, table 5-2). Codes 80 to BE mean what the command says.
public struct CompletionCode: RawRepresentable, Equatable, Sendable {
    /// The code as sent.
    public let rawValue: UInt8

    /// Any byte is a completion code.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Done.
    public static let ok = CompletionCode(rawValue: 0x00)
    /// Busy; try again.
    public static let nodeBusy = CompletionCode(rawValue: 0xC0)
    /// Unknown command.
    public static let invalidCommand = CompletionCode(rawValue: 0xC1)
    /// The command exists, but not at this LUN.
    public static let invalidForLUN = CompletionCode(rawValue: 0xC2)
    /// Not answered in time.
    public static let timeout = CompletionCode(rawValue: 0xC3)
    /// No storage left.
    public static let outOfSpace = CompletionCode(rawValue: 0xC4)
    /// The reservation is missing or no longer valid.
    public static let reservationLost = CompletionCode(rawValue: 0xC5)
    /// Request data truncated.
    public static let requestTruncated = CompletionCode(rawValue: 0xC6)
    /// Wrong length of the request.
    public static let requestLengthInvalid = CompletionCode(rawValue: 0xC7)
    /// The request reaches past a limit of the field.
    public static let requestLengthExceeded = CompletionCode(rawValue: 0xC8)
    /// A parameter is out of range.
    public static let parameterOutOfRange = CompletionCode(rawValue: 0xC9)
    /// More bytes asked for than a response can hold.
    public static let cannotReturnBytes = CompletionCode(rawValue: 0xCA)
    /// The sensor, record or data asked for does not exist.
    public static let notPresent = CompletionCode(rawValue: 0xCB)
    /// A field of the request is invalid.
    public static let invalidField = CompletionCode(rawValue: 0xCC)
    /// Not for this kind of sensor or record.
    public static let illegalForSensor = CompletionCode(rawValue: 0xCD)
    /// No response can be given.
    public static let cannotRespond = CompletionCode(rawValue: 0xCE)
    /// Whom the request was for is not there.
    public static let destinationUnavailable = CompletionCode(rawValue: 0xD3)
    /// Refused: not permitted on this channel.
    public static let insufficientPrivilege = CompletionCode(rawValue: 0xD4)
    /// Refused in the present state.
    public static let notInThisState = CompletionCode(rawValue: 0xD5)
    /// The function has been switched off.
    public static let disabled = CompletionCode(rawValue: 0xD6)
    /// Any other failure.
    public static let unspecified = CompletionCode(rawValue: 0xFF)

    /// 80 in most of the commands that define it: the parameter, message or value asked for is not there.
    public static let commandSpecific80 = CompletionCode(rawValue: 0x80)
    /// 81: being used, or still in progress.
    public static let commandSpecific81 = CompletionCode(rawValue: 0x81)
    /// 82: read-only, or not supported on this channel.
    public static let commandSpecific82 = CompletionCode(rawValue: 0x82)
    /// 83: Send Message, nobody acknowledged on the bus.
    public static let commandSpecific83 = CompletionCode(rawValue: 0x83)
}
