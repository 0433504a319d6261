// SPDX-License-Identifier: Apache-2.0
import IPMI
import IPMIController
import PluginKit

extension Setup {
    /// The `lan` map: named fields, or parameter numbers with the bytes to answer.
    mutating func readLAN(_ map: OptionValue, _ report: OptionProblems) {
        for (key, value) in map.pairs {
            if let number = Text.byte(key.string) {
                guard value.choice == 3 else {
                    report(value, "the value of LAN parameter \(number) is a list of bytes")
                    continue
                }
                configuration.lan.parameters.append((number, value.bytes))
                continue
            }
            let done: Bool
            switch Word(key.string) {
            case "channel":
                done = value.choice == 0 && (1...11).contains(value.integer)
                if done { configuration.lan.channel = UInt8(clamping: value.integer) }
            case "ip", "address", "ip_address": done = Setup.quad(value, &configuration.lan.address)
            case "netmask", "mask", "subnet_mask": done = Setup.quad(value, &configuration.lan.mask)
            case "gateway", "default_gateway": done = Setup.quad(value, &configuration.lan.gateway)
            case "mac", "mac_address": done = Setup.mac(value, &configuration.lan.mac)
            case "source", "ip_source", "address_source":
                done = Setup.source(value, &configuration.lan.addressSource)
            case "vlan":
                done = value.choice == 0 && (0...4094).contains(value.integer)
                if done { configuration.lan.vlan = UInt16(clamping: value.integer) }
            case "users": done = readUsers(value, report)
            default:
                report(key, "lan knows no \"\(key.string)\"")
                continue
            }
            if !done { report(value, "not a legal value of \(key.string)") }
        }
    }

    private static func quad(_ value: OptionValue, _ field: inout [UInt8]) -> Bool {
        guard value.choice == 1, let bytes = Text.quad(value.string) else { return false }
        field = bytes
        return true
    }

    private static func mac(_ value: OptionValue, _ field: inout [UInt8]) -> Bool {
        guard value.choice == 1, let bytes = Text.mac(value.string) else { return false }
        field = bytes
        return true
    }

    private static func source(_ value: OptionValue, _ field: inout UInt8) -> Bool {
        guard value.choice == 1 else { return false }
        switch Word(value.string) {
        case "static": field = 1
        case "dhcp": field = 2
        case "bios": field = 3
        case "other": field = 4
        default: return false
        }
        return true
    }

    private mutating func readUsers(_ list: OptionValue, _ report: OptionProblems) -> Bool {
        guard list.choice == 2 else { return false }
        for index in 0..<list.count {
            let user = list[index]
            let id = UInt8(clamping: user[0].integer)
            if configuration.lan.users.contains(where: { $0.id == id }) {
                report(user[0], "user \(id) is there twice")
            }
            // The enumeration's order: none is 15, the others 1 to 4.
            let privilege = user[2].choice == 0 ? 15 : UInt8(user[2].choice)
            configuration.lan.users.append(
                UserConfiguration(id: id, name: user[1].string, privilege: privilege, enabled: user[3].bool))
            configuration.lan.maximumUsers = max(configuration.lan.maximumUsers, id)
        }
        return true
    }
}
