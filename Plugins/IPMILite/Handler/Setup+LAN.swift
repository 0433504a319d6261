// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import PluginKit

extension Setup {
    private static let lanNames = """
        channel,ip|address|ip-address,netmask|mask|subnet-mask,gateway|default-gateway,mac|mac-address,\
        source|ip-source|address-source,vlan,users
        """

    /// The `lan` map: named fields, or parameter numbers with the bytes to answer.
    func readLAN(_ map: OptionValue, _ report: OptionProblems) {
        for (key, value) in map.pairs {
            if let number = Text.byte(key.string) {
                guard value.kind == .bytes else {
                    report(value, "the value of LAN parameter \(number) is a list of bytes")
                    continue
                }
                configuration.lan.parameters.append((number, value.bytes))
                continue
            }
            let done: Bool
            switch Names.place(of: key.string, in: Setup.lanNames) {
            case 0:
                done = value.kind == .integer && (1...11).contains(value.integer)
                if done { configuration.lan.channel = UInt8(clamping: value.integer) }
            case 1: done = Setup.quad(value, &configuration.lan.address)
            case 2: done = Setup.quad(value, &configuration.lan.mask)
            case 3: done = Setup.quad(value, &configuration.lan.gateway)
            case 4: done = Setup.mac(value, &configuration.lan.mac)
            case 5: done = Setup.source(value, &configuration.lan.addressSource)
            case 6:
                done = value.kind == .integer && (0...4094).contains(value.integer)
                if done { configuration.lan.vlan = UInt16(clamping: value.integer) }
            case 7: done = readUsers(value, report)
            default:
                report(key, "lan knows no \"\(key.string)\"")
                continue
            }
            if !done { report(value, "not a legal value of \(key.string)") }
        }
    }

    private static func quad(_ value: OptionValue, _ field: inout [UInt8]) -> Bool {
        guard value.kind == .string, let bytes = Text.quad(value.string) else { return false }
        field = bytes
        return true
    }

    private static func mac(_ value: OptionValue, _ field: inout [UInt8]) -> Bool {
        guard value.kind == .string, let bytes = Text.mac(value.string) else { return false }
        field = bytes
        return true
    }

    private static func source(_ value: OptionValue, _ field: inout UInt8) -> Bool {
        guard value.kind == .string else { return false }
        guard let source = Names.place(of: value.string, in: "unspecified,static,dhcp,bios,other"), source > 0 else {
            return false
        }
        field = source
        return true
    }

    private func readUsers(_ list: OptionValue, _ report: OptionProblems) -> Bool {
        guard list.kind == .list else { return false }
        for user in list.elements {
            let id = UInt8(clamping: user["id"].integer)
            if configuration.lan.users.contains(where: { $0.id == id }) {
                report(user["id"], "user \(id) is there twice")
            }
            configuration.lan.users.append(
                UserConfiguration(
                    id: id, name: user["name"].string,
                    privilege: user["privilege"].enumeration(as: OptionTree.Privilege.self).level,
                    enabled: user["enabled"].bool))
            configuration.lan.maximumUsers = max(configuration.lan.maximumUsers, id)
        }
        return true
    }
}

extension OptionTree.Privilege {
    /// The channel privilege level (IPMI 2.0 §6.8).
    fileprivate var level: UInt8 {
        switch self {
        case .callback: 1
        case .user: 2
        case .operator: 3
        case .administrator: 4
        case .none: 15
        }
    }
}
