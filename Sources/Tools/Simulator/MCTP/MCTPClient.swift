// SPDX-License-Identifier: Apache-2.0
import Common
import LinuxIO
import MCTP

/// What a host asks an MCTP endpoint. It answers the control requests that come meanwhile, as every endpoint must.
public final class MCTPClient {
    /// What carries the packets.
    public let carrier: MCTPCarrier
    private let timeout: UInt64
    private let end: UInt64
    private var instance: UInt8 = 0
    private var responder: ControlResponder

    /// A client on a channel that was started; each question may take `timeout` nanoseconds, and all
    /// together must be over at `end`, by the monotonic clock.
    public init(_ carrier: MCTPCarrier, timeout: UInt64, end: UInt64 = .max) {
        self.carrier = carrier
        self.timeout = timeout
        self.end = end
        responder = ControlResponder(eid: carrier.eid)
    }

    /// Asks a control command, and waits for its answer, whatever its completion code.
    public func ask(_ request: ControlRequest, of destination: EID = .null) throws(HostFailure) -> ControlResponse {
        instance = (instance + 1) & 0x1F
        _ = try carrier.send(request.message(instance: instance), to: destination)
        let deadline = deadline
        while let message = try next(deadline: deadline) {
            let response = message.body.withUnsafeBytes { ControlResponse($0) }
            if let response, response.instance == instance, response.command == request.command { return response }
        }
        throw HostFailure("no answer to \(MCTPText.name(request.command)) within \(Quantity.duration(timeout))")
    }

    /// The same, and any completion code but success is a failure.
    public func demand(
        _ request: ControlRequest, of destination: EID = .null, atLeast count: Int = 0
    ) throws(HostFailure) -> [UInt8] {
        let response = try ask(request, of: destination)
        guard response.completionCode == .success else {
            let code = response.completionCode
            throw HostFailure(
                "\(MCTPText.name(request.command)): completion code \(Hex.number(code.rawValue)), "
                    + MCTPText.name(code))
        }
        guard response.data.count >= count else {
            throw HostFailure(
                "\(MCTPText.name(request.command)): \(response.data.count) bytes in the answer, \(count) expected")
        }
        return response.data
    }

    /// The BMC's address.
    public func endpointID() throws(HostFailure) -> EID {
        EID(try demand(ControlRequest(.getEndpointID), atLeast: 3)[0])
    }

    /// Gives the BMC an address; the one that it has then.
    public func assign(_ eid: EID) throws(HostFailure) -> EID {
        let answer = try demand(.setEndpointID(eid), atLeast: 3)
        guard answer[0] & 0x30 == 0 else {
            throw HostFailure("the BMC keeps its address, \(answer[1]), and does not take \(eid.rawValue)")
        }
        return EID(answer[1])
    }

    /// The message types that somebody listens to.
    public func types() throws(HostFailure) -> [MessageType] {
        let answer = try demand(ControlRequest(.getMessageTypeSupport), atLeast: 1)
        guard answer.count == Int(answer[0]) + 1 else {
            throw HostFailure("Get Message Type Support: \(answer[0]) types in \(answer.count) bytes")
        }
        return answer.dropFirst().map { MessageType($0) }
    }

    /// The same, once a program that has just connected is known to listen to `type`: it registers by itself.
    public func types(including type: MessageType) throws(HostFailure) -> [MessageType] {
        let deadline = deadline
        while true {
            let types = try types()
            if types.contains(type) { return types }
            guard Clock.monotonic < deadline else {
                throw HostFailure("nobody listens to message type \(Hex.number(type.rawValue))")
            }
        }
    }

    /// Sends a message, and waits for the first one of its type that comes back, as an answer or by itself.
    public func exchange(_ body: [UInt8], with destination: EID) throws(HostFailure) -> HostMessage {
        _ = try carrier.send(body, to: destination)
        let deadline = deadline
        while let message = try next(deadline: deadline) {
            if message.body.first == body.first { return message }
        }
        throw HostFailure("no answer from EID \(destination.rawValue) within \(Quantity.duration(timeout))")
    }

    /// The next message that is not a control request, which is answered; nil if none comes before the deadline.
    public func next(deadline: UInt64) throws(HostFailure) -> HostMessage? {
        while let message = try carrier.receive(deadline: deadline) {
            var answer = [UInt8](repeating: 0, count: ControlResponder.capacity)
            let count = message.body.withUnsafeBytes { body in
                answer.withUnsafeMutableBytes { responder.respond(to: body, types: MessageTypeSet(), into: $0) }
            }
            guard message.tag.isOwner, count > 0 else { return message }
            try carrier.answer(message, Array(answer[..<count]))
            try carrier.finish()
            carrier.eid = responder.eid
        }
        return nil
    }

    private var deadline: UInt64 { Clock.deadline(after: timeout, end) }
}

/// Names of what control messages carry (DSP0236 §12, DSP0239).
public enum MCTPText {
    static let full = HostFailure("too many bytes wait to be sent")

    /// A message type's name.
    public static func name(_ type: MessageType) -> String {
        switch type.rawValue {
        case 0: "MCTP control"
        case 1: "PLDM"
        case 2: "NC-SI"
        case 3: "Ethernet"
        case 4: "NVMe management"
        case 5: "SPDM"
        case 6: "secured messages"
        case 7: "CXL fabric manager"
        case 8: "CXL component command"
        case 0x7E: "vendor defined, PCI"
        case 0x7F: "vendor defined, IANA"
        default: "unnamed"
        }
    }

    static func name(_ command: ControlCommand) -> String {
        switch command {
        case .setEndpointID: "Set Endpoint ID"
        case .getEndpointID: "Get Endpoint ID"
        case .getEndpointUUID: "Get Endpoint UUID"
        case .getVersionSupport: "Get MCTP Version Support"
        case .getMessageTypeSupport: "Get Message Type Support"
        case .getVendorMessageSupport: "Get Vendor Defined Message Support"
        case .getPacket: "Get MCTP Packet"
        default: "control command \(Hex.number(command.rawValue))"
        }
    }

    static func name(_ code: ControlCompletionCode) -> String {
        switch code {
        case .success: "success"
        case .error: "error"
        case .invalidData: "invalid data"
        case .invalidLength: "invalid length"
        case .notReady: "not ready"
        case .unsupportedCommand: "unsupported command"
        default: "specific to the command"
        }
    }
}
