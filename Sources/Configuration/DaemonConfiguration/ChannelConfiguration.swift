// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// One channel, with its defaults filled in. Equal channels are those that behave the same: where something stands in
/// the file makes no difference.
public final class ChannelConfiguration: Sendable {
    /// Unique.
    public let name: String
    /// Where the name stands.
    public let nameMark: Mark
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
    /// A plugin's call that takes longer is reported; nanoseconds.
    public let callBudget: UInt64

    init(
        name: String, nameMark: Mark, enabled: Bool, device: DeviceConfiguration, handlers: [HandlerConfiguration],
        transfer: TransferConfiguration, capture: CaptureConfiguration, restart: RestartConfiguration,
        callBudget: UInt64
    ) {
        self.name = name
        self.nameMark = nameMark
        self.enabled = enabled
        self.device = device
        self.handlers = handlers
        self.transfer = transfer
        self.capture = capture
        self.restart = restart
        self.callBudget = callBudget
    }

    /// Where the device's path stands, for what only a look at the file system can tell.
    public var devicePathMark: Mark { device.pathMark }
}

extension ChannelConfiguration: Equatable {
    /// Do they behave the same?
    public static func == (left: ChannelConfiguration, right: ChannelConfiguration) -> Bool {
        left.name == right.name && left.enabled == right.enabled && left.device == right.device
            && left.handlers == right.handlers && left.transfer == right.transfer && left.capture == right.capture
            && left.restart == right.restart && left.callBudget == right.callBudget
    }
}

/// The kinds of devices.
public enum DeviceType: String, CaseIterable, Equatable, Sendable {
    /// `/dev/raw-kcsN`: IDR, ODR and STR.
    case rawKCS = "raw-kcs"
    /// `/dev/serio_rawN`: data bytes in.
    case serioRaw = "serio-raw"
    /// `/dev/ipmi-kcsN`: whole messages.
    case ipmiKCS = "ipmi-kcs"
    /// A simulated device's folder.
    case sim = "sim"

    /// Does it have registers, so that a transfer machine runs in the daemon?
    public var hasRegisters: Bool { self == .rawKCS || self == .sim }
}

/// What carries a channel.
public struct DeviceConfiguration: Sendable {
    /// When the driver takes IDR out of the hardware.
    public enum Driver: Equatable, Sendable {
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
    /// Where the path stands.
    public var pathMark: Mark
    /// The driver in front of the registers.
    public var driver: Driver
    /// Was it written in the file?
    public var isDriverGiven: Bool
    /// Nanoseconds for which its absence, or its being held by another, is normal; then it is worth a warning.
    public var wait: UInt64
    /// Memory shared with the host.
    public var window: WindowConfiguration?
}

extension DeviceConfiguration: Equatable {
    /// The same device, used the same way.
    public static func == (left: DeviceConfiguration, right: DeviceConfiguration) -> Bool {
        left.type == right.type && left.path == right.path && left.driver == right.driver
            && left.isDriverGiven == right.isDriverGiven && left.wait == right.wait && left.window == right.window
    }
}

/// Memory shared with the host.
public struct WindowConfiguration: Equatable, Sendable {
    /// Who provides the memory.
    public enum Kind: Equatable, Sendable {
        /// The driver of the LPC bridge of an ASPEED BMC.
        case aspeedLPCControl
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
public struct HandlerConfiguration: Sendable {
    /// A short name, or a path with a `/` in it.
    public var plugin: String
    /// Where that stands.
    public var pluginMark: Mark
    /// A mapping that nobody has checked yet, for the shapes are the plugin's; nil when there is none.
    public var options: Node?

    /// The place to name when an option is missing.
    public var optionsMark: Mark { options?.mark ?? pluginMark }

    /// The options against what the plugin declares; every mistake goes to `diagnostics`.
    public func check(_ shape: OptionShape, _ diagnostics: Diagnostics) -> Value {
        let node = options ?? Node(mark: pluginMark, content: .mapping([]))
        return Checker(diagnostics, owner: "plugin \(quote(plugin))").check(
            node, shape, at: optionsMark, subject: "'options'")
    }
}

extension HandlerConfiguration: Equatable {
    /// The same plugin with the same options.
    public static func == (left: HandlerConfiguration, right: HandlerConfiguration) -> Bool {
        left.plugin == right.plugin && left.options == right.options
    }
}

/// How messages are carried.
public struct TransferConfiguration: Equatable, Sendable {
    /// How the transfer machine treats IDR.
    public enum Handshake: Equatable, Sendable {
        /// Looks at STR first, and leaves a byte unread on purpose.
        case strict
        /// Reads at once.
        case fast
    }

    /// The one to use; where the file gives none, strict unless the driver is deferred.
    public var handshake: Handshake
    /// Was it written in the file?
    public var isHandshakeGiven: Bool
    /// Nanoseconds after which a message without an answer is answered for its handler.
    public var timeout: UInt64
}

/// What happens after a handler's failure.
public struct RestartConfiguration: Equatable, Sendable {
    /// Whether to start again.
    public enum Policy: Equatable, Sendable {
        /// No.
        case never
        /// After a pause.
        case onFailure
    }

    /// Whether to start again.
    public var policy: Policy
    /// The first pause, nanoseconds.
    public var backoff: UInt64
    /// The longest pause, nanoseconds; not less than the first.
    public var backoffMax: UInt64
}
