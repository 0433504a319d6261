// SPDX-License-Identifier: Apache-2.0
import CFuse
import CLinux
import LinuxIO

/// The kinds of nodes that a channel has: one for each client that the kernel can put on it.
enum NodeKind: UInt64, CaseIterable {
    case raw = 0
    case serio = 1
    case ipmi = 2

    var prefix: String {
        switch self {
        case .raw: return "raw-kcs"
        case .serio: return "serio_raw"
        case .ipmi: return "ipmi-kcs"
        }
    }
}

/// Names and numbers of the mounted files: three for each channel, in one folder.
struct MountedFolder {
    /// 1 and up.
    let channels: Int
    private let owner = (user: CurrentProcess.user, group: CurrentProcess.group)
    private let born = Clock.real / 1_000_000_000

    init(channels: Int) { self.channels = channels }

    static let root: UInt64 = 1
    private static let kinds = UInt64(NodeKind.allCases.count)

    /// A file's number.
    static func number(_ kind: NodeKind, channel: Int) -> UInt64 {
        root + 1 + UInt64(channel - 1) * kinds + kind.rawValue
    }

    /// What a number means.
    func node(_ number: UInt64) -> (kind: NodeKind, channel: Int)? {
        guard number > Self.root, number <= Self.root + UInt64(channels) * Self.kinds else { return nil }
        let index = number - Self.root - 1
        guard let kind = NodeKind(rawValue: index % Self.kinds) else { return nil }
        return (kind, Int(index / Self.kinds) + 1)
    }

    /// The number of the file of that name.
    func number(named name: String) -> UInt64? {
        for kind in NodeKind.allCases where name.hasPrefix(kind.prefix) {
            let digits = name.dropFirst(kind.prefix.count)
            guard let channel = Int(digits), String(channel) == digits, channel >= 1, channel <= channels else {
                return nil
            }
            return Self.number(kind, channel: channel)
        }
        return nil
    }

    /// What stat(2) says; nil for what is not there.
    func attributes(_ number: UInt64) -> fuse_attr? {
        var attributes = fuse_attr()
        attributes.ino = number
        attributes.uid = owner.user
        attributes.gid = owner.group
        attributes.mtime = born
        attributes.atime = born
        attributes.ctime = born
        attributes.blksize = 4096
        if number == Self.root {
            attributes.mode = UInt32(S_IFDIR) | 0o755
            attributes.nlink = 2
        } else {
            guard node(number) != nil else { return nil }
            attributes.mode = UInt32(S_IFREG) | 0o600
            attributes.nlink = 1
            // The two registers. The kernel lets writes of one file overlap in time only within its size.
            attributes.size = 2
        }
        return attributes
    }

    /// The folder's entries from `offset` on, as many as `limit` bytes hold, as the kernel wants them.
    func entries(from offset: UInt64, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in max(offset, 1)...(Self.root + 1 + UInt64(channels) * Self.kinds) {
            guard let (kind, channel) = node(number + 1) else { continue }
            let name = Array("\(kind.prefix)\(channel)".utf8)
            var entry = fuse_dirent()
            entry.ino = number + 1
            entry.off = number + 1
            entry.namelen = UInt32(name.count)
            entry.type = UInt32(DT_REG)
            // The name follows its fixed part, and both together are padded to 8 bytes.
            let head = MemoryLayout<fuse_dirent>.size
            let padded = (head + name.count + 7) & ~7
            guard bytes.count + padded <= limit else { break }
            withUnsafeBytes(of: entry) { bytes += $0.prefix(head) }
            bytes += name
            bytes += [UInt8](repeating: 0, count: padded - head - name.count)
        }
        return bytes
    }
}
