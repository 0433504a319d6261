// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What a process gives up for good before it runs somebody else's code.
public enum Confinement {
    /// A file or folder that stays within reach; `isWritable` gives a folder with all that is in it.
    public struct Grant: Sendable {
        /// The file, or the folder.
        public let path: String
        /// Not only to be read?
        public let isWritable: Bool

        /// A grant.
        public init(_ path: String, isWritable: Bool) {
            self.path = path
            self.isWritable = isWritable
        }
    }

    /// From now on the calling thread, and those that it starts, reach these files alone. Nil, or why they reach others too.
    /// What is not there is left out. The corresponding C function is `landlock_restrict_self`.
    public static func restrictFiles(to grants: [Grant]) -> Errno? {
        let rules = cl_landlock_begin()
        guard rules >= 0 else { return .current }
        for grant in grants { _ = grant.path.withCString { cl_landlock_allow(rules, $0, grant.isWritable ? 1 : 0) } }
        let failure = cl_landlock_enforce(rules)
        return failure == 0 ? nil : Errno(rawValue: failure)
    }

    /// From now on it has no privileges and gets none, leaves no core dump, has at most so many bytes of memory of its own, and
    /// makes only the system calls that a handler needs: files, local sockets, threads, waiting. Nil, or why not.
    /// The corresponding C functions are `prctl`, `capset`, `setrlimit` and `seccomp`.
    public static func confine(memory: UInt64) -> Errno? {
        let failure = cl_confine(memory)
        return failure == 0 ? nil : Errno(rawValue: failure)
    }
}
