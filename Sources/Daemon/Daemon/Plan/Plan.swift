// SPDX-License-Identifier: Apache-2.0
import DaemonConfiguration
import Devices
import PluginHost
import Schema

/// A configuration file with everything in it checked, down to the plugins' options: what the daemon acts on.
public struct Plan {
    /// The file's own keys.
    public let configuration: Configuration
    /// The values that the configuration was made of.
    let file: Value?
    /// A plan for each channel, in the file's order.
    public let channels: [ChannelPlan]
}

/// One channel's part of a plan.
public struct ChannelPlan {
    /// Its keys.
    public let configuration: ChannelConfiguration
    /// Its handlers, in the order in which messages are offered.
    public let handlers: [HandlerPlan]
    /// Why it cannot run: a plugin that could not be loaded, or that does not work on its device.
    public let failures: [LoadFailure]

    /// Are its handlers of the same plugins as another plan's, with none missing?
    func hasSamePlugins(as other: ChannelPlan) -> Bool {
        failures == other.failures && handlers.count == other.handlers.count
            && zip(handlers, other.handlers).allSatisfy { $0.plugin === $1.plugin }
    }

    /// Its device.
    public let device: DeviceSpecification
}

/// A plugin with its checked options.
public struct HandlerPlan {
    /// Its keys.
    public let configuration: HandlerConfiguration
    /// The plugin.
    public let plugin: LoadedPlugin
    /// Its options: an object.
    public let options: Value
}

extension DeviceSpecification {
    init(_ device: DeviceConfiguration, _ kind: DeviceKind) {
        self.init(
            kind: kind, path: device.path,
            driver: device.driver == .deferred ? .deferred : .early, window: device.window.map(WindowSource.init))
    }
}

extension DeviceType {
    /// What a configuration has to know of a kind of device.
    init(_ kind: DeviceKind) {
        self.init(
            name: kind.name, hasRegisters: kind.capabilities.contains(.status),
            hasMessages: kind.capabilities.contains(.messages), isSimulated: kind.isSimulated)
    }
}

extension WindowSource {
    init(_ window: WindowConfiguration) {
        switch window.kind {
        case .aspeedLPCControl: self = .aspeedLPCControl(path: window.path, size: window.size)
        case .memory: self = .memory(path: window.path, offset: window.offset, size: window.size)
        }
    }
}
