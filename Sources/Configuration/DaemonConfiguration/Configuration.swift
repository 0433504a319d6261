// SPDX-License-Identifier: Apache-2.0
import Common
import Schema

/// kcsmuxd's file, checked and with its defaults filled in. Sizes are bytes.
public struct Configuration: Equatable, Sendable {
    /// Folders in which short plugin names are looked for first.
    public let pluginPath: [String]
    /// Where plugins and the daemon keep what must survive a restart.
    public let stateDirectory: String
    /// Whose plugin files are loaded.
    public let pluginTrust: PluginTrust
    /// Where sysrq letters go.
    public let sysrqPath: String
    /// Was it written in the file? Simulated channels may not use the default.
    public let isSysrqPathGiven: Bool
    /// The longest that a plugin's call may take before the process is given up.
    public let hangTimeout: TimeSpan
    /// Scheduling; nil leaves it as it is.
    public let realtime: RealtimeConfiguration?
    /// The control socket.
    public let control: ControlConfiguration
    /// The flight recorder's defaults, which every channel's own settings already include.
    public let capture: CaptureConfiguration
    /// What dumps may take in the capture folder.
    public let keep: KeepConfiguration
    /// In the order of the file.
    public let channels: [ChannelConfiguration]
}

/// Whose plugin files are loaded.
public enum PluginTrust: String, Words {
    /// Those that only their owner may write, in folders of which the same is true.
    case strict
    /// All.
    case any
}

/// Scheduling of the process.
public struct RealtimeConfiguration: Equatable, Sendable {
    /// A real-time scheduling class.
    enum Policy: String, Words {
        /// SCHED_FIFO.
        case fifo
    }

    /// SCHED_FIFO at this priority, 1 to 99; nil for ordinary scheduling.
    public var fifoPriority: Int32?
    /// Keep all of the process in memory.
    public var lockMemory: Bool
    /// Run on this processor only.
    public var cpu: Int32?
}

/// The control socket.
public struct ControlConfiguration: Equatable, Sendable {
    /// Its path, at most 107 bytes.
    public var socket: String
    /// Permission bits.
    public var mode: UInt32
    /// A group's name; nil for the daemon's own.
    public var group: String?
    /// Where that stands.
    public var groupOrigin: Origin
    /// Was `control` in the file? Without it, a socket that can't be made is a warning only.
    public var isGiven: Bool
}

/// What dumps may take in the capture folder, all together.
public struct KeepConfiguration: Equatable, Sendable {
    /// Bytes.
    public var size: UInt64
    /// Files.
    public var count: Int
    /// How old one may become.
    public var age: TimeSpan
}

/// What the flight recorder of a channel does.
public struct CaptureConfiguration: Equatable, Sendable {
    /// Where events go.
    public enum Mode: String, Words {
        /// Nowhere.
        case none
        /// Into a ring in memory.
        case ring
        /// Into files.
        case file
    }

    /// Where events go.
    public var mode: Mode
    /// Events that the ring holds.
    public var events: Int
    /// Keep the ring in a file.
    public var persist: Bool
    /// Bytes at which a capture file is followed by the next.
    public var maxSize: UInt64
    /// Files that are kept.
    public var maxFiles: Int
    /// Where captures go.
    public var directory: String
}
