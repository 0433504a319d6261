// SPDX-License-Identifier: Apache-2.0
import Common
import IPMI

/// Channels, users and LAN parameters (IPMI 2.0 §22, §23). All of it can only be read.
extension ManagementController {
    static let systemInterface: UInt8 = 0x0F

    /// The channel that a number means: E is the one that the request came by. nil if there is none.
    func resolve(_ channel: UInt8) -> UInt8? {
        switch channel {
        case 0x0E, ManagementController.systemInterface: ManagementController.systemInterface
        case lan.channel: channel
        default: nil
        }
    }

    func getChannelInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard request[0] & 0xF0 == 0, let channel = resolve(request[0]) else { return .invalidField }
        response.append(channel)
        if channel == ManagementController.systemInterface {
            // System interface, KCS, no sessions; vendor IANA 7154 is the standard itself.
            // Neither messages nor events have an interrupt of their own.
            response.append([0x0C, 0x05, 0x00, 0xF2, 0x1B, 0x00, 0xFF, 0xFF])
        } else {
            // 802.3 LAN, IPMB 1.0 encapsulation, multi-session and none active.
            response.append([0x04, 0x01, 0x80, 0xF2, 0x1B, 0x00, 0x00, 0x00])
        }
        return .ok
    }

    func getChannelAccess(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let channel = resolve(request[0] & 0x0F) else { return .invalidField }
        // 82: a channel without sessions has no access settings.
        guard channel != ManagementController.systemInterface else { return .commandSpecific82 }
        guard request[1] >> 6 == 1 || request[1] >> 6 == 2 else { return .invalidField }
        // Alerting disabled, always available; at most administrator.
        response.append(0x22)
        response.append(0x04)
        return .ok
    }

    func getAuthenticationCapabilities(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let channel = resolve(request[0] & 0x0F) else { return .invalidField }
        guard (1...5).contains(request[1] & 0x0F) else { return .invalidField }
        response.append(channel)
        // No authentication type: nothing can be logged in to through here. Non-null user names exist or not.
        response.append([0x00, lan.users.contains { !$0.name.isEmpty } ? 0x04 : 0x00, 0x00, 0x00, 0x00, 0x00, 0x00])
        return .ok
    }

    /// There are no sessions. An index has none, whichever it is; a handle or an ID that somebody names is not there.
    func getSessionInfo(_ request: Request, _ response: inout Response) -> CompletionCode {
        let named = request[0] >= 0xFE
        guard request.count == (request[0] == 0xFF ? 5 : named ? 2 : 1) else { return .requestLengthInvalid }
        if named { return .notPresent }
        response.append([0x00, 0x00, 0x00])
        return .ok
    }

    func getCipherSuites(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard let channel = resolve(request[0] & 0x0F) else { return .invalidField }
        response.append(channel)
        return .ok
    }

    func getSystemInterfaceCapabilities(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard request[0] & 0x0F == 0x01 else { return .invalidField }
        response.append(0x00)
        response.append(0x00)
        response.append(0xFF)
        return .ok
    }

    private func user(_ id: UInt8) -> UserConfiguration? {
        for user in lan.users where user.id == id { return user }
        return nil
    }

    func getUserAccess(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard resolve(request[0] & 0x0F) != nil else { return .invalidField }
        let id = request[1] & 0x3F
        guard id >= 1, id <= lan.maximumUsers else { return .parameterOutOfRange }
        let user = user(id)
        var enabled: UInt8 = 0
        var named: UInt8 = 0
        for user in lan.users {
            enabled += user.mayLogIn ? 1 : 0
            // Names come from the configuration, so every one is fixed.
            named += user.name.isEmpty ? 0 : 1
        }
        response.append(lan.maximumUsers)
        response.append((user?.mayLogIn ?? false ? 0x40 : 0x80) | enabled & 0x3F)
        response.append(named & 0x3F)
        response.append((user?.mayLogIn ?? false ? 0x10 : 0) | (user?.privilege ?? 0x0F) & 0x0F)
        return .ok
    }

    func getUserName(_ request: Request, _ response: inout Response) -> CompletionCode {
        let id = request[0] & 0x3F
        guard id >= 1, id <= lan.maximumUsers else { return .parameterOutOfRange }
        let name = SDRRecord.latin1(user(id)?.name ?? "", limit: 16)
        response.append(name)
        for _ in name.count..<16 { response.append(0x00) }
        return .ok
    }

    func setLANParameters(_ request: Request) -> CompletionCode {
        guard resolve(request[0] & 0x0F) == lan.channel else { return .invalidField }
        // 82: read-only.
        return lanParameter(request[1]) == nil ? .commandSpecific80 : .commandSpecific82
    }

    func getLANParameters(_ request: Request, _ response: inout Response) -> CompletionCode {
        guard resolve(request[0] & 0x0F) == lan.channel else { return .invalidField }
        guard let value = lanParameter(request[1]) else { return .commandSpecific80 }
        response.append(0x11)
        if request[0] & 0x80 == 0 { response.append(value) }
        return .ok
    }

    /// A parameter's data (IPMI 2.0 table 23-4); nil for one that is not supported.
    private func lanParameter(_ parameter: UInt8) -> [UInt8]? {
        for given in lan.parameters where given.number == parameter { return given.bytes }
        return switch parameter {
        case 0: [0x00]
        case 1: [0x00]
        case 2: [0x00, 0x00, 0x00, 0x00, 0x00]
        case 3: lan.address
        case 4: [lan.addressSource]
        case 5: lan.mac
        case 6: lan.mask
        // Time to live 64, no fragments, precedence 0, low delay.
        case 7: [0x40, 0x40, 0x10]
        case 12: lan.gateway
        case 20: [UInt8(lan.vlan & 0xFF), UInt8(lan.vlan >> 8 & 0x0F) | (lan.vlan == 0 ? 0 : 0x80)]
        case 22: [0x00]
        default: nil
        }
    }
}
