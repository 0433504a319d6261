// SPDX-License-Identifier: Apache-2.0
import Common
import PluginKit

/// The options, as they are declared and read.
struct SettingsOptions {
    private enum Source: String, OptionChoice { case `static`, dhcp, bios, other }
    private enum Privilege: String, OptionChoice { case none, callback, user, `operator`, administrator }

    /// What the host finds until it has written something else.
    var initial = SettingsState()
    let channel: UInt8
    let maximumUsers: UInt8
    /// The file; nil for the one in the channel's state folder.
    let path: String?
    /// What runs when the settings have changed, and what sets or tests a password.
    let changed: OptionValue?
    let password: OptionValue?

    static var declarations: [OptionDeclaration] {
        [
            .path(
                "path", owned: true,
                help: "the file that other software reads; default settings.json in the channel's state folder"),
            .object(
                "lan",
                [
                    .integer("channel", 1...11, default: "1", help: "the LAN channel's number"),
                    .enumeration("source", of: Source.self, help: "where the address comes from"),
                    .string("address", 7...15, help: "IPv4 address"), .string("netmask", 7...15, help: "subnet mask"),
                    .string("gateway", 7...15, help: "default gateway"),
                    .string("mac", 17...17, help: "Ethernet address"),
                    .integer("vlan", 1...4094, help: "VLAN; default none"),
                ], default: "{}", help: "what the host reads until it has written"),
            .integer("max_users", 1...63, default: "15", help: "users that there can be"),
            .list(
                "users",
                of: .object(
                    nil,
                    [
                        .integer("id", 1...63, required: true), .string("name", 0...16, default: "\"\""),
                        .enumeration("privilege", of: Privilege.self, default: .administrator),
                        .bool("enabled", default: "true"),
                    ]), 0...63, default: "[]", help: "users until the host has written"),
            .actions("changed", help: "actions when the file has changed"),
            .actions("password", help: "actions that set or test a password; without them both are refused"),
        ]
    }

    /// Reads the options; `report` gets what the declaration cannot say.
    init(_ options: OptionValue, _ report: (OptionValue, String) -> Void) {
        let lan = options["lan"]
        channel = UInt8(clamping: lan["channel"].integer)
        maximumUsers = UInt8(clamping: options["max_users"].integer)
        path = options["path"].ifPresent?.path
        changed = options["changed"].ifPresent
        password = options["password"].ifPresent
        if let source = lan["source"].ifPresent {
            let number: UInt8 =
                switch source.enumeration(as: Source.self) {
                case .static: 1
                case .dhcp: 2
                case .bios: 3
                case .other: 4
                }
            _ = initial.lan.set(LANSettings.source, [number])
        }
        func take(_ value: OptionValue, _ number: UInt8, _ count: Int, _ separator: UInt8, _ base: Int) {
            guard let value = value.ifPresent else { return }
            guard let bytes = LANSettings.bytes(value.string, count: count, separator: separator, base: base),
                initial.lan.set(number, bytes)
            else { return report(value, base == 10 ? "not an IPv4 address" : "not an Ethernet address") }
        }
        take(lan["address"], LANSettings.address, 4, 0x2E, 10)
        take(lan["netmask"], LANSettings.mask, 4, 0x2E, 10)
        take(lan["gateway"], LANSettings.gateway, 4, 0x2E, 10)
        take(lan["mac"], LANSettings.mac, 6, 0x3A, 16)
        if let vlan = lan["vlan"].ifPresent?.integer {
            _ = initial.lan.set(LANSettings.vlan, [UInt8(vlan & 0xFF), 0x80 | UInt8(vlan >> 8 & 0x0F)])
        }
        for entry in options["users"].elements { read(entry, report) }
    }

    private mutating func read(_ entry: OptionValue, _ report: (OptionValue, String) -> Void) {
        var user = UserSettings(id: UInt8(clamping: entry["id"].integer))
        user.name = [UInt8](entry["name"].string.utf8)
        user.isEnabled = entry["enabled"].bool
        switch entry["privilege"].enumeration(as: Privilege.self) {
        case .none: user.privilege = 15
        case .callback: user.privilege = 1
        case .user: user.privilege = 2
        case .operator: user.privilege = 3
        case .administrator: user.privilege = 4
        }
        user.access = user.isEnabled && user.privilege != 15 ? 0x30 : 0
        if user.id > maximumUsers { report(entry["id"], "there are max_users users at most") }
        if user.name.count > 16 || !UserSettings.isText(user.name) {
            report(entry["name"], "a user's name has at most 16 characters of ASCII")
        }
        if initial.users.users.contains(where: { $0.id == user.id }) { report(entry["id"], "that user is there twice") }
        initial.users.set(user)
    }
}
