// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Who has the other end of a local socket, as the kernel noted it when it connected.
public struct LocalPeer: Equatable, Sendable {
    /// Its process.
    public let process: Int32
    /// Its user.
    public let user: UInt32
    /// Its groups, the first one its own.
    public let groups: [UInt32]

    /// A peer.
    public init(process: Int32, user: UInt32, groups: [UInt32]) {
        self.process = process
        self.user = user
        self.groups = groups
    }

    /// The other end of `socket`; nil when it is none of a local socket.
    /// The corresponding C functions are `getsockopt(SO_PEERCRED)` and `getsockopt(SO_PEERGROUPS)`.
    public init?(of socket: Int32) {
        var peer = ucred()
        var size = socklen_t(MemoryLayout<ucred>.size)
        guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else { return nil }
        // Kernels before 4.13 do not tell the supplementary groups: then only the first one counts.
        var more = [UInt32](repeating: 0, count: 1024)
        size = socklen_t(more.count * MemoryLayout<UInt32>.size)
        let isTold = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, &more, &size) == 0
        process = peer.pid
        user = peer.uid
        groups = [peer.gid] + more.prefix(isTold ? Int(size) / MemoryLayout<UInt32>.size : 0)
    }

    /// May it write a file of this owner, group and mode? As the kernel decides it: one class of the three counts.
    public func mayWrite(owner: UInt32, group: UInt32, mode: UInt32) -> Bool {
        if user == 0 { return true }
        if user == owner { return mode & 0o200 != 0 }
        return groups.contains(group) ? mode & 0o020 != 0 : mode & 0o002 != 0
    }
}
