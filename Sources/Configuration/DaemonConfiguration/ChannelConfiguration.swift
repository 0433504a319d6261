// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// One channel, with its defaults filled in. Equal channels are those that behave the same: where something stands in
/// the file makes no difference.
public struct ChannelConfiguration: Equatable, Sendable {
    /// Unique.
    public let name: String
    /// Where the name stands.
    public let nameOrigin: Origin
    /// Start it with the daemon.
    public let enabled: Bool
    /// What carries it.
    public let device: DeviceConfiguration
    /// One or more handlers, in the order in which they are asked.
    public let handlers: [HandlerConfiguration]
    /// How messages are carried.
    public let transfer: TransferConfiguration
    /// Its flight recorder.
    public let capture: CaptureConfiguration
    /// What happens after a handler's failure.
    public let restart: RestartConfiguration
    /// A plugin's call that takes longer is reported.
    public let callBudget: TimeSpan
    /// Where it runs.
    public let isolation: Isolation
    /// Its lines in the log.
    public var log: LogConfiguration

    /// Where a channel's device and handlers are served.
    public enum Isolation: String, Words {
        /// In the daemon's own process.
        case none
        /// In one of their own.
        case process
    }

    /// The same channel with other lines.
    public func with(log: LogConfiguration) -> ChannelConfiguration {
        var other = self
        other.log = log
        return other
    }
}

/// A channel's lines in the log.
public struct LogConfiguration: Equatable, Sendable {
    /// Lines less important are not written; nil: as the daemon has it.
    public var level: LogLevel?
    /// So many lines of a handler's that differ in numbers only are written at once,
    public var repeats: UInt64
    /// and then one in this time, with the number of those that were not.
    public var interval: TimeSpan

    /// As another process says.
    public init(level: LogLevel?, repeats: UInt64, interval: TimeSpan) {
        self.level = level
        self.repeats = repeats
        self.interval = interval
    }
}

/// What this module has to know of a type of device to check a file. Which types there are is the devices' business: who
/// reads a file says.
public struct DeviceType: Equatable, Sendable {
    /// As `type` names it in the file.
    public let name: String
    /// IDR, ODR and STR: the daemon runs the transfer, and a driver stands in front of them.
    public let hasRegisters: Bool
    /// Whole messages, whoever runs the transfer.
    public let hasMessages: Bool
    /// No hardware, and perhaps a machine of somebody's own.
    public let isSimulated: Bool

    /// A type of device.
    public init(name: String, hasRegisters: Bool, hasMessages: Bool, isSimulated: Bool) {
        self.name = name
        self.hasRegisters = hasRegisters
        self.hasMessages = hasMessages
        self.isSimulated = isSimulated
    }
}

/// What carries a channel.
public struct DeviceConfiguration: Equatable, Sendable {
    /// When the driver takes IDR out of the hardware.
    public enum Driver: String, Words {
        /// In its interrupt handler, as the posted driver does.
        case v2
        /// As v2, with O_NONBLOCK the right way round.
        case fixed
        /// When user space reads.
        case deferred
    }

    /// What kind of device.
    public var type: DeviceType
    /// Its node, or its folder.
    public var path: String
    /// Where the path stands, for what only a look at the file system can tell.
    public var pathOrigin: Origin
    /// The driver in front of the registers.
    public var driver: Driver
    /// Was it written in the file?
    public var isDriverGiven: Bool
    /// How long its absence, or its being held by another, is normal; then it is worth a warning.
    public var wait: TimeSpan
    /// Memory shared with the host.
    public var window: WindowConfiguration?
}

/// Memory shared with the host.
public struct WindowConfiguration: Equatable, Sendable {
    /// Who provides the memory.
    public enum Kind: String, Words {
        /// The driver of the LPC bridge of an ASPEED BMC.
        case aspeedLPCControl = "aspeed-lpc-ctrl"
        /// A file that can be mapped.
        case memory
    }

    /// Who provides the memory.
    public var kind: Kind
    /// The file to open.
    public var path: String
    /// Where the window begins in it; a multiple of 4 KiB.
    public var offset: UInt64
    /// Its length; nil for all of what an `aspeed-lpc-ctrl` has.
    public var size: UInt64?
}

/// A plugin with the options that the file gives it.
public struct HandlerConfiguration: Equatable, Sendable {
    /// A short name, or a path with a `/` in it.
    public var plugin: String
    /// Where that stands.
    public var pluginOrigin: Origin
    /// A mapping that nobody has checked yet, for the shapes are the plugin's; nil when there is none.
    public var options: Node?

    /// The place to name when an option is missing.
    public var optionsMark: Mark { options?.mark ?? pluginOrigin.mark }

    /// The options against what the plugin declares; every mistake goes to `diagnostics`.
    public func check(_ shape: OptionShape, _ diagnostics: Diagnostics) -> Value {
        let node = options ?? Node(mark: pluginOrigin.mark, content: .mapping([]))
        return Checker(diagnostics, owner: "plugin \(quote(plugin))").check(
            node, shape, at: optionsMark, subject: "'options'")
    }
}

/// How messages are carried.
public struct TransferConfiguration: Equatable, Sendable {
    /// How the transfer machine treats IDR.
    public enum Handshake: String, Words {
        /// Looks at STR first, and leaves a byte unread on purpose.
        case strict
        /// Reads at once.
        case fast
    }

    /// What a strict channel shows while nobody is in a transfer.
    public enum Rest: String, Words {
        /// IDLE where a handler's protocol is one of such firmware, otherwise WRITE.
        case auto
        /// WRITE: right for hosts that look once, when they have begun.
        case write
        /// IDLE: for firmware that wants it before it begins, and has no recovery.
        case idle
    }

    /// The one to use; where the file gives none, strict unless the driver is deferred.
    public var handshake: Handshake
    /// Was it written in the file?
    public var isHandshakeGiven: Bool
    /// What is shown between transfers.
    public var rest: Rest
    /// A message without an answer is answered for its handler after this time.
    public var timeout: TimeSpan
    /// Where that stands.
    public var timeoutOrigin: Origin

    /// How long a host CPU waits for an answer: IPMI 2.0 9.14, Linux's ipmi_si and ipmitool alike.
    public static let hostPatience = TimeSpan.seconds(5)
}

/// What happens after a handler's failure.
public struct RestartConfiguration: Equatable, Sendable {
    /// Whether to start again.
    public enum Policy: String, Words {
        /// No.
        case never
        /// After a pause.
        case onFailure = "on-failure"
    }

    /// Whether to start again.
    public var policy: Policy
    /// The first pause.
    public var backoff: TimeSpan
    /// The longest pause; not less than the first.
    public var backoffMax: TimeSpan
    /// After so many crashes in an hour it stays down; 0 for never.
    public var giveUp: Int
}
