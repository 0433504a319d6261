// SPDX-License-Identifier: Apache-2.0

/// How much a line in the log matters.
public enum LogLevel: UInt32, Sendable {
    /// Something does not work.
    case error = 0
    /// Something may stop working, or somebody misbehaves.
    case warning = 1
    /// Normal, and worth keeping.
    case notice = 2
    /// Normal.
    case info = 3
    /// For whoever searches for a fault.
    case debug = 4
}

/// Which way recorded bytes went.
public enum Direction: UInt32, Sendable {
    /// Neither.
    case none = 0
    /// From the host CPU.
    case input = 1
    /// To the host CPU.
    case output = 2
}
