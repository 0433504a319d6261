// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What stat(2) says of a file.
public struct FileStatus: Sendable {
    /// Device and inode: the file's identity, whatever its names.
    public let identity: FileIdentity
    /// Type and permission bits.
    public let mode: UInt32
    /// Owner.
    public let user: UInt32
    /// Group.
    public let group: UInt32
    /// How many names it has; 0 once it was removed.
    public let names: UInt64
    /// Bytes.
    public let size: Int64
    /// Last modification, nanoseconds since the epoch.
    public let modified: Int64
    /// A character device's number; 0 for others.
    public let deviceNumber: UInt64
    /// A folder?
    public let isFolder: Bool
    /// A regular file?
    public let isRegular: Bool
    /// A character device?
    public let isCharacterDevice: Bool

    init(_ status: CLinux.stat) {
        var status = status
        identity = FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        mode = UInt32(status.st_mode)
        user = UInt32(status.st_uid)
        group = UInt32(status.st_gid)
        names = UInt64(status.st_nlink)
        size = Int64(status.st_size)
        modified = cl_modified_nanoseconds(&status)
        deviceNumber = UInt64(status.st_rdev)
        isFolder = cl_is_directory(&status) != 0
        isRegular = cl_is_regular(&status) != 0
        isCharacterDevice = cl_is_character_device(&status) != 0
    }
}

/// Tells one file from another, whatever their names are.
public struct FileIdentity: Equatable, Hashable, Sendable {
    /// The file system.
    public let device: UInt64
    /// The file in it.
    public let inode: UInt64
}
