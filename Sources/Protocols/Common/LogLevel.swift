// SPDX-License-Identifier: Apache-2.0

/// How much a line in the log matters; later ones matter less. The numbers are those of the plugin ABI (`KCS_LOG_*`).
public enum LogLevel: UInt32, Comparable, CaseIterable, Sendable {
    /// Something does not work.
    case error = 0
    /// Something may stop working, or somebody misbehaves.
    case warning = 1
    /// Normal, and worth keeping: start, stop, what was triggered.
    case notice = 2
    /// Normal.
    case info = 3
    /// For whoever looks for a fault.
    case debug = 4
    /// Every byte; kcsmuxd's own, no plugin's.
    case trace = 5

    /// The level that the command line and the control socket call so.
    public init?(name: String) {
        for level in LogLevel.allCases where level.name == name {
            self = level
            return
        }
        return nil
    }

    /// What it is called.
    public var name: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        case .trace: "trace"
        }
    }

    /// Less important than `right`?
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
