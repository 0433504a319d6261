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

    /// The process's number.
    public static var identifier: Int32 { getpid() }

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

    /// A group's number by its name.
    public static func group(named name: String) -> UInt32? {
        guard let entry = name.withCString({ getgrnam($0) }) else { return nil }
        return UInt32(entry.pointee.gr_gid)
    }
}
