// SPDX-License-Identifier: Apache-2.0
import Common
import JSON

/// Everything that survives, as the file has it for other software:
///
///     {"version":1,"lan":{"channel":1,"source":"static","address":"192.0.2.7","netmask":"255.255.255.0",
///     "gateway":"192.0.2.1","mac":"02:00:00:00:00:01","vlan":null,"parameters":{"3":"c0000207"}},
///     "users":[{"id":3,"name":"bob","enabled":true,"privilege":"operator","access":48}]}
///
/// `parameters` has what differs from the standard's defaults as it is sent; the words beside it say the same.
struct SettingsState: Equatable {
    var lan = LANSettings()
    var users = UserList()

    static let limits = JSONLimits(bytes: 64 << 10, depth: 6, members: 256)

    /// The file's bytes.
    func json(channel: UInt8) -> [UInt8] {
        func quad(_ number: UInt8) -> JSONValue { .string(LANSettings.quad(lan[number] ?? [])) }
        let vlan = lan[LANSettings.vlan] ?? [0, 0]
        var parameters: [JSONMember] = []
        for parameter in lan.parameters {
            parameters.append(JSONMember(String(parameter.number), .string(Hex.lowercase(parameter.bytes))))
        }
        let source = Int(lan[LANSettings.source]?.first ?? 0) & 0x0F
        var list: [JSONValue] = []
        for user in users.users {
            let privilege = Int(user.privilege)
            list.append([
                "id": .integer(Int(user.id)), "name": .string(String(decoding: user.name, as: UTF8.self)),
                "enabled": .bool(user.isEnabled),
                "privilege": .string(UserSettings.privileges[privilege < 6 ? privilege : 0]),
                "access": .integer(Int(user.access)),
            ])
        }
        let value: JSONValue = [
            "version": .integer(1),
            "lan": [
                "channel": .integer(Int(channel)), "source": .string(LANSettings.sources[source < 5 ? source : 0]),
                "address": quad(LANSettings.address), "netmask": quad(LANSettings.mask),
                "gateway": quad(LANSettings.gateway),
                "mac": .string(Hex.bytes(lan[LANSettings.mac] ?? [], separator: ":")),
                "vlan": vlan[1] & 0x80 == 0 ? .null : .integer(LANSettings.number(vlan)),
                "parameters": .object(parameters),
            ],
            "users": .array(list),
        ]
        return value.line + [0x0A]
    }

    /// Takes over what a file says; false if it is not one of this kind. What in it is no legal value is left out.
    mutating func load(_ bytes: [UInt8], maximumUsers: UInt8) -> Bool {
        guard let value = try? JSONReader.read(bytes, limits: SettingsState.limits), value["version"]?.int64 == 1,
            let members = value["lan"]?["parameters"]?.members, let list = value["users"]?.elements
        else { return false }
        for member in members {
            guard let number = UInt8(member.name), let bytes = SettingsState.bytes(member.value.text ?? "") else {
                continue
            }
            _ = lan.set(number, bytes)
        }
        // Users of the options that the file does not name were taken away.
        users = UserList()
        for entry in list {
            guard let id = entry["id"]?.int64, id >= 1, id <= Int64(maximumUsers), let name = entry["name"]?.text else {
                continue
            }
            var user = UserSettings(id: UInt8(id), name: [UInt8](name.utf8.prefix(16)))
            user.isEnabled = entry["enabled"]?.bool ?? false
            user.access = UInt8(clamping: entry["access"]?.int64 ?? 0) & 0x70
            let word = entry["privilege"]?.text ?? ""
            let place = UserSettings.privileges.firstIndex { $0.utf8.elementsEqual(word.utf8) } ?? 0
            user.privilege = place == 0 ? 15 : UInt8(place)
            if UserSettings.isText(user.name) { users.set(user) }
        }
        return true
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text.utf8 {
            guard let value = Hex.value(digit) else { return nil }
            if let first = high { bytes.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return high == nil ? bytes : nil
    }
}
