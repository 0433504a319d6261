// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Devices
import LinuxIO
import PluginHost
import Schema
import YAML

/// Reads a configuration file and checks all of it, plugins and their options included. Opens no device and makes no
/// instance.
public struct PlanReader {
    private let kinds: [DeviceKind]
    private let loader: PluginLoader
    private let diagnostics: Diagnostics

    /// What came of a file.
    public struct Outcome {
        /// What to act on; nil when the file has a mistake.
        public let plan: Plan?
        /// What there is to say about the file.
        public let diagnostics: Diagnostics
        /// What can never run: plugins that could not be loaded, do not work on their device or share a channel that they
        /// can't, a group that there is not. A check of the file counts them as errors; a running daemon starts what it can.
        public let pluginDiagnostics: Diagnostics
    }

    /// Reads `path`, loading plugins through `loader`, which from then on looks where the file says. `kinds`: the devices
    /// that there are.
    public static func read(_ path: String, _ kinds: [DeviceKind], _ loader: PluginLoader) -> Outcome {
        let file = ConfigurationFile.load(path: path, devices: kinds.map { DeviceType($0) })
        let pluginDiagnostics = Diagnostics(about: file.diagnostics)
        // Mistakes in the daemon's own keys do not hide those in the plugins' options.
        guard let configuration = file.draft else {
            return Outcome(plan: nil, diagnostics: file.diagnostics, pluginDiagnostics: pluginDiagnostics)
        }
        loader.reconfigure(
            folders: PluginLoader.searchPath(configuration.pluginPath),
            trust: configuration.pluginTrust == .strict ? .strict : .any)
        let reader = PlanReader(kinds: kinds, loader: loader, diagnostics: file.diagnostics)
        let channels = configuration.channels.map { reader.plan($0, configuration, pluginDiagnostics) }
        reader.checkDevices(configuration.channels)
        if configuration.pluginTrust == .strict { reader.checkTrust(file.included) }
        reader.checkOwned(channels)
        checkHost(configuration, pluginDiagnostics)
        let plan =
            file.diagnostics.hasErrors
            ? nil : Plan(configuration: configuration, file: file.value, channels: channels)
        return Outcome(plan: plan, diagnostics: file.diagnostics, pluginDiagnostics: pluginDiagnostics)
    }

    private func plan(
        _ channel: ChannelConfiguration, _ configuration: Configuration, _ pluginDiagnostics: Diagnostics
    ) -> ChannelPlan {
        var handlers: [HandlerPlan] = []
        var failures: [LoadFailure] = []
        for handler in channel.handlers where !handler.plugin.isEmpty {
            switch load(handler, for: channel) {
            case .failure(let failure):
                failures.append(failure)
                pluginDiagnostics.error(failure.description, at: handler.pluginOrigin.mark)
            case .success(let plugin):
                let options = check(handler, plugin)
                checkSysrq(options, channel, configuration)
                handlers.append(HandlerPlan(configuration: handler, plugin: plugin, options: options))
            }
        }
        checkSharing(handlers, channel, pluginDiagnostics)
        return ChannelPlan(
            configuration: channel, handlers: handlers, failures: failures,
            device: DeviceSpecification(channel.device, kind(channel)))
    }

    /// A file whose type is none of the kinds has that mistake told already, and is not acted on.
    private func kind(_ channel: ChannelConfiguration) -> DeviceKind {
        kinds.first { $0.name == channel.device.type.name } ?? kinds[0]
    }

    private func load(
        _ handler: HandlerConfiguration, for channel: ChannelConfiguration
    ) -> Result<LoadedPlugin, LoadFailure> {
        switch loader.load(handler.plugin) {
        case .failure(let failure): return .failure(failure)
        case .success(let plugin):
            let faults = ShapeReview.faults(plugin.options)
            if let fault = faults.first { return .failure(LoadFailure(plugin.file.path, .declaration, fault)) }
            let device = channel.device
            let capabilities = DeviceSpecification(device, kind(channel)).capabilities.rawValue
            let description = "\(device.type.name) \(device.path)"
            if let failure = plugin.check(capabilities: capabilities, device: description) { return .failure(failure) }
            return .success(plugin)
        }
    }

    private func check(_ handler: HandlerConfiguration, _ plugin: LoadedPlugin) -> Value {
        // Counted apart: a mistake that was reported before is none of the file's count, and one all the same. The plugin
        // sees nothing of a type that it did not declare.
        let found = Diagnostics(file: diagnostics.file)
        let options = handler.check(plugin.options, found)
        diagnostics.append(found)
        guard !found.hasErrors, options.object != nil else { return options }
        plugin.check(options) { mark, text in
            // The plugin knows lines, not files.
            let place = handler.optionsMark
            diagnostics.error(text, at: mark.line > 0 ? mark.placed(in: place.source) : place)
        }
        return options
    }

    /// Several handlers of one channel take messages in turn; a handler of bytes would take them away from all others.
    private func checkSharing(_ handlers: [HandlerPlan], _ channel: ChannelConfiguration, _ diagnostics: Diagnostics) {
        guard channel.handlers.count > 1 else { return }
        for handler in channel.handlers {
            guard let plan = handlers.first(where: { $0.configuration == handler }), !plan.plugin.canShare else {
                continue
            }
            diagnostics.error(
                "plugin \(quote(handler.plugin)) takes \(plan.plugin.inputs.joined(separator: " or ")), and a handler of"
                    + " bytes owns its channel alone", at: handler.pluginOrigin.mark)
        }
    }

    /// What this machine, or the host CPU, can never do.
    private static func checkHost(_ configuration: Configuration, _ diagnostics: Diagnostics) {
        let control = configuration.control
        if let group = control.group, Accounts.group(named: group) == nil {
            diagnostics.error("there is no group \(quote(group))", at: control.groupOrigin.mark)
        }
        let patience = TransferConfiguration.hostPatience
        for channel in configuration.channels where channel.transfer.timeout > patience {
            diagnostics.error(
                "'timeout' is \(channel.transfer.timeout.text); a host CPU waits no longer than \(patience.text) for an"
                    + " answer", at: channel.transfer.timeoutOrigin.mark)
        }
    }

    /// A file that one instance writes is no other's: each would take what the other writes for damage.
    private func checkOwned(_ channels: [ChannelPlan]) {
        var seen: [(path: String, channel: ChannelConfiguration, mark: Mark)] = []
        for channel in channels {
            for handler in channel.handlers {
                for (path, mark) in handler.options.ownedPaths(handler.plugin.options) {
                    let path = (try? Syscalls.realPath(path)) ?? path
                    if let first = seen.first(where: { $0.path == path }) {
                        let place = diagnostics.place(first.mark, from: mark)
                        diagnostics.error(
                            "channel \(quote(channel.configuration.name)) writes the file \(quote(path)), which is that of"
                                + " channel \(quote(first.channel.name)), at \(place), already", at: mark)
                    } else {
                        seen.append((path, channel.configuration, mark))
                    }
                }
            }
        }
    }

    /// Who can write what is included could have any program run.
    private func checkTrust(_ included: [IncludedFile]) {
        for file in included {
            guard let path = try? Syscalls.realPath(file.path), let status = try? Syscalls.stat(path),
                let fault = FileTrust.fault(path, status)
            else { continue }
            diagnostics.error("\(file.path) is not trusted: \(fault)", at: file.mark)
            return
        }
    }

    /// A simulated channel must not reboot the machine that it is tried on by default.
    private func checkSysrq(_ options: Value, _ channel: ChannelConfiguration, _ configuration: Configuration) {
        guard channel.device.type.isSimulated, !configuration.isSysrqPathGiven else { return }
        for action in options.allActions {
            guard case .sysrq = action.kind else { continue }
            diagnostics.error(
                "'sysrq' on a sim channel needs the top-level key 'sysrq_path', so that a test never reaches the machine's"
                    + " own", at: action.origin.mark)
            return
        }
    }

    /// Two channels may not name one device. Compared by stat: opening is never a way to look.
    private func checkDevices(_ channels: [ChannelConfiguration]) {
        var seen: [String: Int] = [:]
        for (index, channel) in channels.enumerated() {
            guard let status = try? Syscalls.stat(channel.device.path) else { continue }
            guard let first = seen[status.deviceKey] else {
                seen[status.deviceKey] = index
                continue
            }
            let other = channels[first]
            // The same path twice is reported where the paths are read.
            guard other.device.path != channel.device.path else { continue }
            diagnostics.error(
                "channel '\(channel.name)' has the device of channel '\(other.name)':"
                    + " \(channel.device.path) is \(other.device.path)", at: channel.device.pathOrigin.mark)
        }
    }
}

extension Value {
    /// The files in this value of `shape` that its owner writes, and where they stand.
    fileprivate func ownedPaths(_ shape: OptionShape) -> [(path: String, mark: Mark)] {
        switch payload {
        case .path(let path): return shape.isOwned ? [(path, mark)] : []
        // Members are in the order of the shape's.
        case .object(let members):
            return zip(members, shape.children).flatMap { $0.0.value.ownedPaths($0.1) }
        case .list(let values): return values.flatMap { $0.ownedPaths(shape.children[0]) }
        case .oneOf(let index, let value): return value.ownedPaths(shape.children[index])
        default: return []
        }
    }
}
