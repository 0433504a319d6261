// SPDX-License-Identifier: Apache-2.0
import Common
import Schema
import YAML

/// Makes a configuration of checked values. Goes on after mistakes, so what it makes of a wrong file is not to be used;
/// rules that tie several keys together are checked by `CrossChecks` on the way.
struct ConfigurationReader {
    /// What the elements of `channels` were made of, those of included files as well.
    private let nodes: [Node]
    private let devices: [DeviceType]
    private let diagnostics: Diagnostics
    private let checks: CrossChecks

    init(_ nodes: [Node], _ devices: [DeviceType], _ diagnostics: Diagnostics) {
        self.nodes = nodes
        self.devices = devices
        self.diagnostics = diagnostics
        checks = CrossChecks(diagnostics)
    }

    func configuration(_ file: Value) -> Configuration {
        checks.version(file["version"])
        let capture = self.capture(file["capture"], base: nil)
        var channels: [ChannelConfiguration] = []
        if let list = file["channels"].list {
            channels = zip(list, nodes).map { channel($0, $1, capture) }
            checks.unique(channels)
            if list.isEmpty { diagnostics.warning("there are no channels", at: file["channels"].mark) }
        }
        let sysrqPath = file["sysrq_path"]
        return Configuration(
            pluginPath: (file["plugin_path"].list ?? []).compactMap { $0.text },
            stateDirectory: file["state_directory"].text ?? "",
            pluginTrust: file["plugin_trust"].enumeration(as: PluginTrust.self) ?? .strict,
            sysrqPath: sysrqPath.text ?? "", isSysrqPathGiven: sysrqPath.isGiven,
            hangTimeout: file["hang_timeout"].duration ?? .zero, realtime: realtime(file["realtime"]),
            control: control(file["control"]), capture: capture, keep: keep(file["capture"]["keep"]),
            channels: channels)
    }

    private func realtime(_ value: Value) -> RealtimeConfiguration? {
        guard value.isGiven else { return nil }
        checks.realtime(value)
        let priority = value["policy"].isAbsent ? nil : value["priority"].integer
        return RealtimeConfiguration(
            fifoPriority: priority.map { Int32(clamping: $0) }, lockMemory: value["lock_memory"].bool ?? false,
            cpu: value["cpu"].integer.map { Int32(clamping: $0) })
    }

    private func control(_ value: Value) -> ControlConfiguration {
        ControlConfiguration(
            socket: value["socket"].text ?? "", mode: UInt32(clamping: value["mode"].integer ?? 0),
            group: value["group"].text, groupOrigin: value["group"].origin, isGiven: value.isGiven)
    }

    /// A recorder's settings; what is not given comes from `base`.
    private func capture(_ value: Value, base: CaptureConfiguration?) -> CaptureConfiguration {
        CaptureConfiguration(
            mode: value["mode"].enumeration(as: CaptureConfiguration.Mode.self) ?? base?.mode ?? .none,
            events: value["events"].integer.map { Int(clamping: $0) } ?? base?.events ?? 0,
            persist: value["persist"].bool ?? base?.persist ?? false,
            maxSize: value["max_size"].size ?? base?.maxSize ?? 0,
            maxFiles: value["max_files"].integer.map { Int(clamping: $0) } ?? base?.maxFiles ?? 0,
            directory: value["directory"].text ?? base?.directory ?? "")
    }

    private func keep(_ value: Value) -> KeepConfiguration {
        KeepConfiguration(
            size: value["size"].size ?? 0, count: Int(clamping: value["count"].integer ?? 1),
            age: value["age"].duration ?? .zero)
    }

    private func channel(_ value: Value, _ node: Node, _ capture: CaptureConfiguration) -> ChannelConfiguration {
        if value.object != nil { checks.channel(value) }
        let device = self.device(value["device"])
        return ChannelConfiguration(
            name: value["name"].text ?? "", nameOrigin: value["name"].origin, enabled: value["enabled"].bool ?? true,
            device: device, handlers: handlers(value, node), transfer: transfer(value["transfer"], device),
            capture: self.capture(value["capture"], base: capture), restart: restart(value["restart"]),
            callBudget: value["call_budget"].duration ?? .zero,
            isolation: value["isolation"].enumeration(as: ChannelConfiguration.Isolation.self) ?? .none,
            log: log(value["log"]))
    }

    private func log(_ value: Value) -> LogConfiguration {
        LogConfiguration(
            level: value["level"].word.flatMap { LogLevel(name: $0) },
            repeats: UInt64(clamping: value["repeats"].integer ?? 0), interval: value["interval"].duration ?? .zero)
    }

    private func handlers(_ channel: Value, _ node: Node) -> [HandlerConfiguration] {
        guard let list = channel["plugins"].list else { return [handler(channel, node)] }
        guard case .sequence(let nodes) = node.value(of: "plugins")?.content else { return [] }
        return zip(list, nodes).map { handler($0, $1) }
    }

    /// `value` has the keys `plugin` and `options`, and was made of `node`.
    private func handler(_ value: Value, _ node: Node) -> HandlerConfiguration {
        let plugin = value["plugin"]
        checks.plugin(plugin)
        return HandlerConfiguration(
            plugin: plugin.text ?? "", pluginOrigin: plugin.origin,
            options: value["options"].isGiven ? node.value(of: "options") : nil)
    }

    private func device(_ value: Value) -> DeviceConfiguration {
        // Without a type that is known, which was reported already, there is nothing to say about the other keys.
        let type =
            devices.first { $0.name == value["type"].word }
            ?? DeviceType(name: "", hasRegisters: true, hasMessages: true, isSimulated: false)
        checks.device(value, type)
        let window = value["window"]
        return DeviceConfiguration(
            type: type, path: value["path"].text ?? "", pathOrigin: value["path"].origin,
            driver: value["driver"].enumeration(as: DeviceConfiguration.Driver.self) ?? .v2,
            isDriverGiven: value["driver"].isGiven, wait: value["wait"].duration ?? .zero,
            window: window.isGiven ? self.window(window) : nil)
    }

    private func window(_ value: Value) -> WindowConfiguration {
        checks.window(value)
        return WindowConfiguration(
            kind: value["type"].enumeration(as: WindowConfiguration.Kind.self) ?? .aspeedLPCControl,
            path: value["path"].text ?? "/dev/aspeed-lpc-ctrl", offset: value["offset"].size ?? 0,
            size: value["size"].size)
    }

    private func transfer(_ value: Value, _ device: DeviceConfiguration) -> TransferConfiguration {
        checks.transfer(value, device)
        let handshake = value["handshake"]
        return TransferConfiguration(
            handshake: handshake.enumeration(as: TransferConfiguration.Handshake.self)
                ?? (device.driver == .deferred ? .fast : .strict),
            isHandshakeGiven: handshake.isGiven,
            rest: value["rest"].enumeration(as: TransferConfiguration.Rest.self) ?? .auto,
            timeout: value["timeout"].duration ?? .zero,
            timeoutOrigin: value["timeout"].origin)
    }

    private func restart(_ value: Value) -> RestartConfiguration {
        checks.restart(value)
        return RestartConfiguration(
            policy: value["policy"].enumeration(as: RestartConfiguration.Policy.self) ?? .onFailure,
            backoff: value["backoff"].duration ?? .zero, backoffMax: value["backoff_max"].duration ?? .zero,
            giveUp: Int(clamping: value["give_up"].integer ?? 0))
    }
}
