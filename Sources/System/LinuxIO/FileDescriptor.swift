// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A descriptor with one owner, closed when the owner lets go of it.
public struct FileDescriptor: ~Copyable {
    /// The number that system calls take. Valid for as long as this value lives.
    public private(set) var raw: Int32

    /// Takes over an open descriptor.
    public init(owning raw: Int32) {
        precondition(raw >= 0, "a descriptor is not negative")
        self.raw = raw
    }

    deinit { if raw >= 0 { _ = close(raw) } }

    /// Gives the descriptor to somebody who closes it.
    public consuming func release() -> Int32 {
        let released = raw
        raw = -1
        return released
    }
}
