// SPDX-License-Identifier: Apache-2.0

/// A user, but for the password, which is somebody else's to keep.
struct UserSettings: Equatable {
    let id: UInt8
    var name: [UInt8] = []
    var isEnabled = false
    /// 1 callback, 2 user, 3 operator, 4 administrator, 5 OEM, 15 no access.
    var privilege: UInt8 = 15
    /// Bits 6:4 of Set User Access: restricted to callback, link authentication, IPMI messaging.
    var access: UInt8 = 0

    /// The words of privileges, by their numbers.
    static let privileges = ["none", "callback", "user", "operator", "administrator", "oem"]

    static func isPrivilege(_ number: UInt8) -> Bool { (1...5).contains(number) || number == 15 }

    /// May a name, or a password, hold these? Both become variables of programs, and names are printed.
    static func isText(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
}

/// All users, in the order of their numbers; who is not there has no name and no access.
struct UserList: Equatable {
    private(set) var users: [UserSettings] = []

    subscript(id: UInt8) -> UserSettings {
        for user in users where user.id == id { return user }
        return UserSettings(id: id)
    }

    mutating func set(_ user: UserSettings) {
        users.removeAll { $0.id == user.id }
        users.insert(user, at: users.firstIndex { $0.id > user.id } ?? users.count)
    }

    /// How many are enabled.
    var enabled: UInt8 { UInt8(clamping: users.count { $0.isEnabled }) }
}
