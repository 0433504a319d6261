// SPDX-License-Identifier: Apache-2.0
import Wire

/// Commands of the control protocol (DSP0236 §12).
public struct ControlCommand: RawRepresentable, Hashable, Sendable {
    /// The code in the message.
    public let rawValue: UInt8

    /// Any byte is a command, known or not.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Gives an endpoint its address.
    public static let setEndpointID = ControlCommand(rawValue: 0x01)
    /// Asks for the address.
    public static let getEndpointID = ControlCommand(rawValue: 0x02)
    /// Asks for the identity that does not change with the address.
    public static let getEndpointUUID = ControlCommand(rawValue: 0x03)
    /// Asks which versions of a message type are spoken.
    public static let getVersionSupport = ControlCommand(rawValue: 0x04)
    /// Asks which message types there are.
    public static let getMessageTypeSupport = ControlCommand(rawValue: 0x05)
    /// Asks for vendors, one at a time.
    public static let getVendorMessageSupport = ControlCommand(rawValue: 0x06)
    /// Transport specific on KCS: asks for a packet that waits (DSP0254).
    public static let getPacket = ControlCommand(rawValue: 0xF1)
}

/// The first byte of the data of a control response.
public struct ControlCompletionCode: RawRepresentable, Hashable, Sendable {
    /// The code in the message.
    public let rawValue: UInt8

    /// Any byte is a completion code.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It was done.
    public static let success = ControlCompletionCode(rawValue: 0x00)
    /// It failed.
    public static let error = ControlCompletionCode(rawValue: 0x01)
    /// A value in the request is not possible.
    public static let invalidData = ControlCompletionCode(rawValue: 0x02)
    /// The request is too short or too long.
    public static let invalidLength = ControlCompletionCode(rawValue: 0x03)
    /// Not now.
    public static let notReady = ControlCompletionCode(rawValue: 0x04)
    /// The command is not known.
    public static let unsupportedCommand = ControlCompletionCode(rawValue: 0x05)
    /// Get Version Support: the message type is not known.
    public static let unsupportedType = ControlCompletionCode(rawValue: 0x80)
}

/// The three bytes that every control message begins with: type, instance and flags, command.
public struct ControlHeader: Equatable, Sendable {
    /// Bytes in a message.
    public static let size = 3
    /// Rq: it asks.
    public var isRequest: Bool
    /// D: it wants no answer.
    public var isDatagram: Bool
    /// 0 to 31; an answer carries its request's.
    public var instance: UInt8
    /// What it is about.
    public var command: ControlCommand

    /// `instance` is taken modulo 32.
    public init(isRequest: Bool, isDatagram: Bool = false, instance: UInt8, command: ControlCommand) {
        self.isRequest = isRequest
        self.isDatagram = isDatagram
        self.instance = instance & 0x1F
        self.command = command
    }

    /// Reads a message's first bytes; nil if it is shorter or not a control message.
    public init?(_ message: UnsafeRawBufferPointer) {
        guard message.count >= Self.size, message[0] == MessageType.control.rawValue else { return nil }
        isRequest = message[1] & 0x80 != 0
        isDatagram = message[1] & 0x40 != 0
        instance = message[1] & 0x1F
        command = ControlCommand(rawValue: message[2])
    }

    func write(to writer: inout ByteWriter) {
        writer.writeUInt8(MessageType.control.rawValue)
        writer.writeUInt8((isRequest ? 0x80 : 0) | (isDatagram ? 0x40 : 0) | instance)
        writer.writeUInt8(command.rawValue)
    }
}

/// Builds control requests: the side of a bus owner, or of a tool.
public struct ControlRequest: Equatable, Sendable {
    /// What is asked.
    public let command: ControlCommand
    /// What stands after the header.
    public let data: [UInt8]

    /// A request by its parts.
    public init(_ command: ControlCommand, _ data: [UInt8] = []) {
        self.command = command
        self.data = data
    }

    /// Gives the receiver this address.
    public static func setEndpointID(_ eid: EID, force: Bool = false) -> ControlRequest {
        ControlRequest(.setEndpointID, [force ? 1 : 0, eid.rawValue])
    }

    /// Asks for the versions of a message type; 0xFF is the base protocol.
    public static func getVersionSupport(_ type: UInt8) -> ControlRequest {
        ControlRequest(.getVersionSupport, [type])
    }

    /// Asks for the vendor with that number, from 0 on.
    public static func getVendorMessageSupport(_ selector: UInt8) -> ControlRequest {
        ControlRequest(.getVendorMessageSupport, [selector])
    }

    /// The whole message, its type byte first.
    public func message(instance: UInt8) -> [UInt8] {
        [MessageType.control.rawValue, 0x80 | instance & 0x1F, command.rawValue] + data
    }
}

/// A control response, taken apart.
public struct ControlResponse: Equatable, Sendable {
    /// The request's instance.
    public let instance: UInt8
    /// The request's command.
    public let command: ControlCommand
    /// How it went.
    public let completionCode: ControlCompletionCode
    /// What stands after the completion code.
    public let data: [UInt8]

    /// Nil if the message is not a control response.
    public init?(_ message: UnsafeRawBufferPointer) {
        guard let header = ControlHeader(message), !header.isRequest, message.count > ControlHeader.size else {
            return nil
        }
        instance = header.instance
        command = header.command
        completionCode = ControlCompletionCode(rawValue: message[ControlHeader.size])
        data = Array(message[(ControlHeader.size + 1)...])
    }
}
