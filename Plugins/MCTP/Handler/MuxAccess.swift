// SPDX-License-Identifier: Apache-2.0
import LinuxIO
import PluginKit

/// Whose programs may use the sockets: root's, and those of the users and groups that are named. Nobody named is kcsmuxd's own
/// user and group.
struct MuxAccess {
    private let users: [UInt32]
    private let groups: [UInt32]
    /// The file says who may, so that the mode of a socket in the file system need not.
    let isGiven: Bool

    init(users: [UInt32], groups: [UInt32], isGiven: Bool = true) {
        self.users = users
        self.groups = groups
        self.isGiven = isGiven
    }

    /// Of the option `allow`, nil if it was not given. Names of which there are none count for nobody: `check` refuses them.
    init(_ option: OptionValue?) {
        guard let option else {
            self.init(users: [CurrentProcess.user], groups: [CurrentProcess.group], isGiven: false)
            return
        }
        self.init(
            users: (option["users"].ifPresent?.elements ?? []).compactMap { Self.user($0) },
            groups: (option["groups"].ifPresent?.elements ?? []).compactMap { Self.group($0) })
    }

    func admits(_ peer: LocalPeer) -> Bool {
        peer.user == 0 || users.contains(peer.user) || peer.groups.contains { groups.contains($0) }
    }

    static let declaration: OptionDeclaration = .object(
        "allow",
        [
            .list(
                "users", of: .oneOf(nil, [.integer(nil, 0...0xFFFF_FFFE), .string(nil, 1...255)]),
                help: "names or numbers"),
            .list(
                "groups", of: .oneOf(nil, [.integer(nil, 0...0xFFFF_FFFE), .string(nil, 1...255)]),
                help: "names or numbers"),
        ], help: "whose programs may connect; root's always; default: those of kcsmuxd's user and group")

    static func check(_ option: OptionValue, _ report: OptionReport) {
        for user in option["users"].ifPresent?.elements ?? [] where Self.user(user) == nil {
            report.error(user, "there is no user \(user.string)")
        }
        for group in option["groups"].ifPresent?.elements ?? [] where Self.group(group) == nil {
            report.error(group, "there is no group \(group.string)")
        }
    }

    private static func user(_ value: OptionValue) -> UInt32? {
        value.kind == .integer ? UInt32(value.integer) : Accounts.user(named: value.string)
    }

    private static func group(_ value: OptionValue) -> UInt32? {
        value.kind == .integer ? UInt32(value.integer) : Accounts.group(named: value.string)
    }
}
