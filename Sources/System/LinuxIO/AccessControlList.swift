// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A file's access control list, beyond its mode (acl(5)).
public struct AccessControlList {
    /// Users, other than the owner, who may write.
    public private(set) var writingUsers: [UInt32] = []
    /// Groups, other than the file's own, that may write.
    public private(set) var writingGroups: [UInt32] = []

    /// The list of a path; empty where there is none. The corresponding C function is `getxattr`.
    public init(of path: String) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let result = retryingInterrupts {
            path.withCString { path in
                bytes.withUnsafeMutableBytes { getxattr(path, "system.posix_acl_access", $0.baseAddress, $0.count) }
            }
        }
        self.init(parsing: bytes[..<((try? result.get()) ?? 0)])
    }

    /// A header of four bytes, then entries of eight: tag, permissions and identifier, least significant byte first
    /// (linux/posix_acl_xattr.h).
    init(parsing bytes: ArraySlice<UInt8>) {
        func number(_ offset: Int, _ count: Int) -> UInt32 {
            (0..<count).reduce(0) { $0 | UInt32(bytes[bytes.startIndex + offset + $1]) << UInt32(8 * $1) }
        }
        let entries = stride(from: 4, through: bytes.count - 8, by: 8).map {
            (tag: number($0, 2), isWritable: number($0 + 2, 2) & 2 != 0, identifier: number($0 + 4, 4))
        }
        // The mask limits what named users and groups may do.
        if let mask = entries.first(where: { $0.tag == 0x10 }), !mask.isWritable { return }
        for entry in entries where entry.isWritable {
            if entry.tag == 0x02 { writingUsers.append(entry.identifier) }
            if entry.tag == 0x08 { writingGroups.append(entry.identifier) }
        }
    }
}
