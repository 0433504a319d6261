// SPDX-License-Identifier: Apache-2.0
import DaemonConfiguration
import PluginHost
import Schema

/// What a plan tells whoever prepares a machine for it.
extension Plan {
    /// The effective configuration as YAML: defaults and the plugins' options filled in.
    public var effectiveText: String {
        guard let file else { return "" }
        return EffectiveConfiguration.yaml(
            file, configuration, options: channels.map { channel in channel.handlers.map { $0.options } })
    }

    /// What the process of one channel reads in the file's place: that channel as it takes effect, and no other.
    func text(ofChannel name: String) -> String? {
        guard let file, let index = channels.firstIndex(where: { $0.configuration.name == name }) else { return nil }
        return EffectiveConfiguration.yaml(
            file, configuration, options: channels.map { channel in channel.handlers.map { $0.options } }, only: index)
    }

    /// What the channels that are started with the daemon need of the machine, a line each, none twice:
    ///
    ///     node PATH           a device's node, to read and write
    ///     folder PATH         a folder to write in, or a simulated device
    ///     memory PATH         a file to map, to read and write
    ///     plugin PATH         a library to load
    ///     file PATH           a file or folder that a plugin's options name
    ///     program PATH        a program that an action runs
    ///     write PATH          a file that an action writes to
    ///     socket PATH         a socket that is made
    ///     group NAME          a group that the control socket is given to
    ///     capability NAME     a privilege
    ///     limit NAME VALUE    a resource limit, at least
    public var needs: [String] {
        var needs = Needs()
        needs.add("folder", configuration.stateDirectory)
        needs.add("socket", configuration.control.socket)
        if let group = configuration.control.group { needs.add("group", group) }
        if let priority = configuration.realtime?.fifoPriority {
            needs.add("capability", "CAP_SYS_NICE")
            needs.add("limit", "RTPRIO \(priority)")
        }
        if configuration.realtime?.lockMemory == true { needs.add("capability", "CAP_IPC_LOCK") }
        for channel in channels where channel.configuration.enabled { needs.add(channel, configuration) }
        return needs.lines
    }
}

private struct Needs {
    private(set) var lines: [String] = []

    mutating func add(_ kind: String, _ name: String) {
        let line = "\(kind) \(name)"
        if !lines.contains(line) { lines.append(line) }
    }

    mutating func add(_ channel: ChannelPlan, _ configuration: Configuration) {
        let (device, capture) = (channel.configuration.device, channel.configuration.capture)
        add(device.type.isSimulated ? "folder" : "node", device.path)
        if let window = device.window {
            add("memory", window.path)
            if window.path == "/dev/mem" { add("capability", "CAP_SYS_RAWIO") }
        }
        if capture.mode != .none { add("folder", capture.directory) }
        for handler in channel.handlers {
            add("plugin", handler.plugin.file.path)
            for path in handler.options.allPaths { add("file", path) }
            for action in handler.options.allActions {
                switch action.kind {
                case .exec(let arguments): add("program", arguments[0])
                case .bus: add("program", Programs.forBus)
                case .sysrq: add("write", configuration.sysrqPath)
                case .capture: add("folder", capture.directory)
                case .log, .wait: break
                }
            }
        }
    }
}

extension Value {
    /// Every file's name in this value.
    var allPaths: [String] {
        switch payload {
        case .path(let path): return [path]
        case .object(let members): return members.flatMap { $0.value.allPaths }
        case .list(let values): return values.flatMap { $0.allPaths }
        case .map(let pairs): return pairs.flatMap { $0.key.allPaths + $0.value.allPaths }
        case .oneOf(_, let value): return value.allPaths
        default: return []
        }
    }
}
