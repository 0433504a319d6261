// SPDX-License-Identifier: Apache-2.0
import CLinux

/// This process: arguments, environment, identity.
public enum CurrentProcess {
    /// The command line, the program's name first.
    public static var arguments: [String] {
        var arguments: [String] = []
        for index in 0..<cl_argument_count() {
            if let argument = cl_argument(index) { arguments.append(String(cString: argument)) }
        }
        return arguments
    }

    /// A variable of the environment.
    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        return String(cString: value)
    }

    /// All of the environment, `NAME=value` each.
    public static var environment: [String] {
        var list: [String] = []
        guard var next = cl_environment() else { return list }
        while let entry = next.pointee {
            list.append(String(cString: entry))
            next += 1
        }
        return list
    }

    /// The process's number. The corresponding C function is `getpid`.
    public static var identifier: Int32 { getpid() }

    /// The user that counts for what it may do. The corresponding C function is `geteuid`.
    public static var user: UInt32 { geteuid() }

    /// The group that counts for what it may do. The corresponding C function is `getegid`.
    public static var group: UInt32 { getegid() }

    /// The folder that relative paths begin in. The corresponding C function is `getcwd`.
    public static func workingFolder() throws(SystemError) -> String {
        guard let folder = getcwd(nil, 0) else { throw SystemError(.current, "getcwd") }
        defer { free(folder) }
        return String(cString: folder)
    }

    /// No core dump is made of this process, which may hold passwords, and nobody but root may look into it; a program that
    /// it starts is not affected. The corresponding C function is `prctl(PR_SET_DUMPABLE)`.
    public static func forbidDumps() { _ = cl_prctl(PR_SET_DUMPABLE, 0) }

    /// This process ends when the one that started it does. The corresponding C function is `prctl(PR_SET_PDEATHSIG)`.
    public static func dieWithParent() { _ = cl_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL)) }

    /// The running program's file, or nil where /proc is not mounted.
    public static var executable: String? { try? Syscalls.readLink("/proc/self/exe") }
}

/// The system's accounts.
public enum Accounts {
    /// The group that a user's files belong to by default; nil for an unknown user.
    public static func primaryGroup(ofUser user: UInt32) -> UInt32? {
        guard let entry = getpwuid(user) else { return user == 0 ? 0 : nil }
        return UInt32(entry.pointee.pw_gid)
    }

    /// A user's number by its name.
    public static func user(named name: String) -> UInt32? {
        guard let entry = name.withCString({ getpwnam($0) }) else { return nil }
        return UInt32(entry.pointee.pw_uid)
    }

    /// A group's number by its name.
    public static func group(named name: String) -> UInt32? {
        guard let entry = name.withCString({ getgrnam($0) }) else { return nil }
        return UInt32(entry.pointee.gr_gid)
    }
}
