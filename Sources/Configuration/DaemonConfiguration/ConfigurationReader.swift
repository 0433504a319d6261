// SPDX-License-Identifier: Apache-2.0
import Schema
import YAML

/// Makes a configuration of checked values. Goes on after mistakes, so what it makes of a wrong file is not to be used;
/// rules that tie several keys together are checked by `CrossChecks` on the way.
struct ConfigurationReader {
    private let root: Node
    private let diagnostics: Diagnostics

    init(_ root: Node, _ diagnostics: Diagnostics) {
        self.root = root
        self.diagnostics = diagnostics
    }

    func configuration(_ value: Value) -> Configuration {
        let file = Members(value, Keys.file)
        let checks = CrossChecks(diagnostics)
        checks.version(file["version"])
        let capture = self.capture(file["capture"], Keys.captureDefaults, base: nil)
        var nodes: [Node] = []
        if case .sequence(let elements) = root.value(of: "channels")?.content { nodes = elements }
        var channels: [ChannelConfiguration] = []
        if let list = file.list("channels") {
            for (index, channel) in list.enumerated() where index < nodes.count {
                channels.append(self.channel(channel, nodes[index], capture, checks))
            }
            checks.unique(channels)
            if list.isEmpty { diagnostics.warning("there are no channels", at: file.mark("channels")) }
        }
        let sysrqPath = file["sysrq_path"]
        return Configuration(
            pluginPath: (file.list("plugin_path") ?? []).compactMap { $0.text },
            stateDirectory: file.text("state_directory") ?? "",
            pluginTrust: file.enumeration("plugin_trust") == 1 ? .any : .strict,
            sysrqPath: sysrqPath.text ?? "", isSysrqPathGiven: sysrqPath.isGiven,
            hangTimeout: file.duration("hang_timeout") ?? 0, realtime: realtime(file["realtime"], checks),
            control: control(file["control"]), capture: capture, channels: channels)
    }

    private func realtime(_ value: Value, _ checks: CrossChecks) -> RealtimeConfiguration? {
        guard value.isGiven else { return nil }
        let members = Members(value, Keys.realtime)
        checks.realtime(members)
        let priority = members["policy"].isAbsent ? nil : members.integer("priority")
        return RealtimeConfiguration(
            fifoPriority: priority.map { Int32(clamping: $0) }, lockMemory: members.bool("lock_memory") ?? false,
            cpu: members.integer("cpu").map { Int32(clamping: $0) })
    }

    private func control(_ value: Value) -> ControlConfiguration {
        let members = Members(value, Keys.control)
        return ControlConfiguration(
            socket: members.text("socket") ?? "", mode: UInt32(clamping: members.integer("mode") ?? 0),
            group: members.text("group"), isGiven: value.isGiven)
    }

    /// A recorder's settings; what is not given comes from `base`.
    private func capture(
        _ value: Value, _ shape: OptionShape, base: CaptureConfiguration?
    ) -> CaptureConfiguration {
        let members = Members(value, shape)
        let modes: [CaptureConfiguration.Mode] = [.none, .ring, .file]
        return CaptureConfiguration(
            mode: members.enumeration("mode").map { modes[$0] } ?? base?.mode ?? .none,
            events: members.integer("events").map { Int(clamping: $0) } ?? base?.events ?? 0,
            persist: members.bool("persist") ?? base?.persist ?? false,
            maxSize: members.size("max_size") ?? base?.maxSize ?? 0,
            maxFiles: members.integer("max_files").map { Int(clamping: $0) } ?? base?.maxFiles ?? 0,
            directory: members.text("directory") ?? base?.directory ?? "")
    }

    private func channel(
        _ value: Value, _ node: Node, _ capture: CaptureConfiguration, _ checks: CrossChecks
    ) -> ChannelConfiguration {
        let members = Members(value, Keys.channel)
        if value.object != nil { checks.channel(members) }
        let device = self.device(members["device"], checks)
        return ChannelConfiguration(
            name: members.text("name") ?? "", nameMark: members.mark("name"),
            enabled: members.bool("enabled") ?? true, device: device, handlers: handlers(members, node, checks),
            transfer: transfer(members["transfer"], device, checks),
            capture: self.capture(members["capture"], Keys.captureOverrides, base: capture),
            restart: restart(members["restart"], checks), callBudget: members.duration("call_budget") ?? 0)
    }

    private func handlers(_ members: Members, _ node: Node, _ checks: CrossChecks) -> [HandlerConfiguration] {
        guard let list = members.list("plugins") else {
            return [handler(members["plugin"], members["options"], node, checks)]
        }
        guard case .sequence(let nodes) = node.value(of: "plugins")?.content else { return [] }
        return zip(list, nodes).map { value, node in
            let members = Members(value, Keys.handler)
            return handler(members["plugin"], members["options"], node, checks)
        }
    }

    private func handler(
        _ plugin: Value, _ options: Value, _ node: Node, _ checks: CrossChecks
    ) -> HandlerConfiguration {
        checks.plugin(plugin)
        return HandlerConfiguration(
            plugin: plugin.text ?? "", pluginMark: plugin.mark,
            options: options.isGiven ? node.value(of: "options") : nil)
    }

    private func device(_ value: Value, _ checks: CrossChecks) -> DeviceConfiguration {
        let members = Members(value, Keys.device)
        checks.device(members)
        let drivers: [DeviceConfiguration.Driver] = [.v2, .fixed, .deferred]
        let window = members["window"]
        return DeviceConfiguration(
            type: members.enumeration("type").map { DeviceType.allCases[$0] } ?? .rawKCS,
            path: members.text("path") ?? "", pathMark: members.mark("path"),
            driver: members.enumeration("driver").map { drivers[$0] } ?? .v2,
            isDriverGiven: members.isGiven("driver"), wait: members.duration("wait") ?? 0,
            window: window.isGiven ? self.window(Members(window, Keys.window), checks) : nil)
    }

    private func window(_ members: Members, _ checks: CrossChecks) -> WindowConfiguration {
        checks.window(members)
        let kind: WindowConfiguration.Kind = members.enumeration("type") == 1 ? .memory : .aspeedLPCControl
        return WindowConfiguration(
            kind: kind, path: members.text("path") ?? "/dev/aspeed-lpc-ctrl", offset: members.size("offset") ?? 0,
            size: members.size("size"))
    }

    private func transfer(
        _ value: Value, _ device: DeviceConfiguration, _ checks: CrossChecks
    ) -> TransferConfiguration {
        let members = Members(value, Keys.transfer)
        checks.transfer(value, members, device.type)
        let handshake: TransferConfiguration.Handshake
        switch members.enumeration("handshake") {
        case 0: handshake = .strict
        case 1: handshake = .fast
        default: handshake = device.driver == .deferred ? .fast : .strict
        }
        return TransferConfiguration(
            handshake: handshake, isHandshakeGiven: members.isGiven("handshake"),
            timeout: members.duration("timeout") ?? 0)
    }

    private func restart(_ value: Value, _ checks: CrossChecks) -> RestartConfiguration {
        let members = Members(value, Keys.restart)
        checks.restart(members)
        return RestartConfiguration(
            policy: members.enumeration("policy") == 0 ? .never : .onFailure,
            backoff: members.duration("backoff") ?? 0, backoffMax: members.duration("backoff_max") ?? 0)
    }
}
