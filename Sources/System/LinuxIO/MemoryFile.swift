// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Files in memory that have no name.
public enum MemoryFile {
    /// A file of these bytes that nobody can change any more, this process included.
    /// The corresponding C functions are `memfd_create` and `fcntl(F_ADD_SEALS)`.
    public static func sealed(_ bytes: [UInt8], named name: String) throws(SystemError) -> FileDescriptor {
        let file = try make(name)
        try bytes.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }.get("write", name)
        try seal(file.raw, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, name)
        return file
    }

    /// A file of so many zeros, to be shared: nobody can change its size any more.
    public static func shared(_ size: Int, named name: String) throws(SystemError) -> FileDescriptor {
        let file = try make(name)
        try Syscalls.truncate(file.raw, to: Int64(size)).get("ftruncate", name)
        try seal(file.raw, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW, name)
        return file
    }

    private static func make(_ name: String) throws(SystemError) -> FileDescriptor {
        try retryingInterrupts {
            name.withCString { memfd_create($0, UInt32(MFD_CLOEXEC) | UInt32(MFD_ALLOW_SEALING)) }
        }.descriptor("memfd_create", name)
    }

    private static func seal(_ file: Int32, _ seals: Int32, _ name: String) throws(SystemError) {
        _ = try retryingInterrupts { cl_fcntl(file, F_ADD_SEALS, seals) }.get("fcntl(F_ADD_SEALS)", name)
    }
}
