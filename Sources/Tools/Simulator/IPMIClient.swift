// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI
import KCS

/// Commands to the management controller behind a device.
public struct IPMIClient {
    /// How the requests travel.
    public private(set) var transfer: HostTransfer

    /// A client that sends over `transfer`.
    public init(_ transfer: HostTransfer) { self.transfer = transfer }

    /// Sends a request to LUN 0 and checks that the response answers it.
    public mutating func send(
        netFn: UInt8, command: UInt8, _ data: [UInt8] = []
    ) throws(HostFailure) -> (code: CompletionCode, data: [UInt8]) {
        let result = transfer.send([netFn << 2, command] + data)
        guard case .success(let response) = result else {
            let absence = transfer.host.state.isOpen ? "" : "; nobody has the device open on the BMC's side"
            throw HostFailure("\(result.reason ?? "no response")\(absence)")
        }
        guard response.count >= 3 else {
            throw HostFailure("the response has \(response.count) bytes, at least 3 wanted")
        }
        guard response[0] == (netFn | 1) << 2, response[1] == command else {
            throw HostFailure("the response \(Hex.bytes(response)) is not one to \(Hex.bytes([netFn << 2, command]))")
        }
        return (CompletionCode(rawValue: response[2]), [UInt8](response[3...]))
    }

    /// Sends a command of the table; another completion code than 00, or fewer than `shortest` bytes, is a failure.
    public mutating func ask(
        _ operation: Operation, _ data: [UInt8] = [], atLeast shortest: Int = 0
    ) throws(HostFailure) -> [UInt8] {
        let definition = CommandTable.all[Int(operation.rawValue)]
        let (code, answer) = try send(netFn: definition.netFn.rawValue, command: definition.command.rawValue, data)
        guard code == .ok else { throw HostFailure("\(definition.name): \(code.text)") }
        guard answer.count >= shortest else {
            throw HostFailure("\(definition.name): \(answer.count) bytes of data, at least \(shortest) wanted")
        }
        return answer
    }
}

extension CompletionCode {
    /// The code and what it says.
    public var text: String { "completion code \(Hex.number(rawValue)) (\(meaning))" }

    private var meaning: String {
        switch self {
        case .ok: "done"
        case .nodeBusy: "busy"
        case .invalidCommand: "unknown command"
        case .invalidForLUN: "not at this LUN"
        case .timeout: "not answered in time"
        case .outOfSpace: "no space left"
        case .reservationLost: "reservation lost"
        case .requestTruncated: "request truncated"
        case .requestLengthInvalid: "wrong length of the request"
        case .requestLengthExceeded: "request too long"
        case .parameterOutOfRange: "parameter out of range"
        case .cannotReturnBytes: "more bytes than a response can hold"
        case .notPresent: "not present"
        case .invalidField: "invalid field"
        case .illegalForSensor: "illegal for this sensor"
        case .cannotRespond: "no response can be given"
        case .insufficientPrivilege: "not permitted"
        case .notInThisState: "not in this state"
        case .disabled: "disabled"
        case .unspecified: "unspecified"
        default: rawValue >= 0x80 && rawValue <= 0xBE ? "the command's own meaning" : "reserved"
        }
    }
}
