// SPDX-License-Identifier: Apache-2.0
import CKCSPlugin
import IPMI
import PluginKit

/// The commands that this handler has, by the places that IPMI 2.0 gives them.
enum SettingsCommand: UInt16, CaseIterable {
    case setUserAccess = 0x0643
    case getUserAccess = 0x0644
    case setUserName = 0x0645
    case getUserName = 0x0646
    case setUserPassword = 0x0647
    case setLANParameters = 0x0C01
    case getLANParameters = 0x0C02

    var netFn: UInt8 { UInt8(rawValue >> 8) }
    var command: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

    /// The command of a request, if it is one of these.
    init?(_ request: Request) {
        self.init(rawValue: UInt16(request.netFn.rawValue) << 8 | UInt16(request.command.rawValue))
    }

    /// Fewest and most data bytes of a legal request.
    var length: ClosedRange<Int> {
        switch self {
        case .setUserAccess: 3...4
        case .getUserAccess: 2...2
        case .setUserName: 17...17
        case .getUserName: 1...1
        case .setUserPassword: 2...22
        case .setLANParameters: 2...36
        case .getLANParameters: 4...4
        }
    }

    /// Completion codes beside 00, C1, C2 and C7 that the command gives.
    var codes: [UInt8] {
        switch self {
        case .setUserAccess, .setUserName: [0xC0, 0xC4, 0xC9, 0xCC, 0xFF]
        case .getUserAccess: [0xC9, 0xCC]
        case .getUserName: [0xC9]
        case .setUserPassword: [0x80, 0xC0, 0xC4, 0xC9, 0xCC, 0xD4, 0xFF]
        case .setLANParameters: [0x80, 0x81, 0x82, 0xC0, 0xC4, 0xCC, 0xFF]
        case .getLANParameters: [0x80, 0xCC]
        }
    }

    /// The lengths of the requests, with NetFn and command byte.
    static var requests: [kcs_request_length] {
        var requests: [kcs_request_length] = []
        for command in allCases {
            requests.append(
                kcs_request_length(
                    net_fn: command.netFn, command: command.command,
                    shortest: UInt16(command.length.lowerBound) + 2, longest: UInt16(command.length.upperBound) + 2,
                    reserved: 0))
        }
        return requests
    }

    static var table: [kcs_command] {
        var commands: [kcs_command] = []
        for command in allCases {
            var entry = kcs_command()
            entry.net_fn = command.netFn
            entry.command = command.command
            entry.set(codes: command.codes)
            commands.append(entry)
        }
        return commands
    }
}
